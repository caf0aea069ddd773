"""What can be chosen of a program, and what arithmetic says of many choices at once."""
