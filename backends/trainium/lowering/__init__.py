"""From a checked kernel to an engine program of Trainium, a pass a file."""
