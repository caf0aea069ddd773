"""From a checked program to a plan of numpy steps."""
