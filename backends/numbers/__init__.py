"""Arrays with named axes, element types, rounding, and reading and writing at tiles of positions."""
