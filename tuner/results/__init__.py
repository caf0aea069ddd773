"""Results files: `disk` reads and writes the bytes, `objects` and `contents` find the entries in them, `json_text` lays them
out."""
