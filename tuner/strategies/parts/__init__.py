"""What several strategies are made of; no strategies themselves."""
