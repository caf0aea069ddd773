"""Passes from program to program, one a file: `passes.py` says what one is and runs them, every backend lists those it takes.

inline   the bodies of calls in their places
share    a value that is computed twice is computed once
hoist    what no step of a loop changes is computed before the loop
prune    what nothing reads is left out

`edges.py` changes nothing: it says what has to stand beyond the end of each axis, for targets whose tiles have one size.
"""
