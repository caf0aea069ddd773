"""How long an engine program takes, and what bounds it."""
