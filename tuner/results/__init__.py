"""A results file from its bytes to its entries and back: `objects`, `contents`, `layout`, `disk`."""
