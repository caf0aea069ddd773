"""A checked kernel for given element types, constants and sizes."""
