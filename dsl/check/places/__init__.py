"""What a kernel reads and writes: indices, bounds, and whether every element of a result is written once."""
