"""What each operation of the language means: on arrays, for errors, in the chip's own functions."""
