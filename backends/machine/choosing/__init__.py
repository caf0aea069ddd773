"""Configurations: from a choice to its program, the screening of many choices at once, and the default choice."""
