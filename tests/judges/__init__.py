"""Judges of a kernel's values: a plain loop over elements, random kernels to try it on, and all executions held against it.

- `plain.judge(kernel, arguments, tile_sizes)`: what the language says each element is; shares no code with any execution.
- `kernels.case(seed)`: a random kernel with dimensions, tile sizes and arguments; the same for the same seed.
- `court.trial(case)`: every execution of the case against the plain loop; an empty list if all agree.
"""
