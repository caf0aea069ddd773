"""Several workers on one study: storages, exchange, signs of life."""
