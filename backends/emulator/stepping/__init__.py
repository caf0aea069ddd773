"""Executes a program tile by tile in the order of the text, with breakpoints and probes."""
