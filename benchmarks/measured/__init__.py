"""Published measurements, and the program that gave each."""
