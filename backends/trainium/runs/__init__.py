"""A long axis cut into runs of consecutive positions, one run a partition.

    x[n], n an element a partition     x[0] | x[1] | x[2] ..    device memory is met 4 bytes at a time
    x[n], n cut into runs of F         x[0:F] | x[F:2F] ..      and here F elements at a time

`pieces` has the arithmetic, `eligible` says which axes may be cut, `arrange` chooses.
"""
