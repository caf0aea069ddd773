"""`python -m tilery`, the same as `tilery`."""

from .cli import main

main(prog_name="tilery")
