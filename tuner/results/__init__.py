"""A results file from its bytes to its entries and back: `objects`, `contents`, `json_text`, `disk`."""
