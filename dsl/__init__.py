"""tilery."""
