"""Random bits as a function of two counters and a key: Threefry-2x32 with 20 rounds.

J. Salmon, M. Moraes, R. Dror, D. Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011. There is no state: any element is
had at once, whatever the tiles, and the same everywhere. It adds, rotates and takes exclusive ors of 32-bit integers, all of
which an engine has that has operations on bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..numbers.rounding import Array
from .jumps import other_bits
from .record import Absent, Names, Operation, Writer, steady
from .written import in_blocks

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_ROUNDS = 20
_WHOLE = (-100.0, 100.0)


def _written(of: Writer[Any], i: Any, j: Any, seed: Any, stream: Any) -> Any:
    """The first of the two words, by operations of the language on i32."""
    key = (seed, stream, of("bit_xor", of("bit_xor", seed, stream), _PARITY))
    x, y = of("add", i, key[0]), of("add", j, key[1])
    for number in range(_ROUNDS):
        x = of("add", x, y)
        if number == _ROUNDS - 1:
            return of("add", x, key[_ROUNDS // 4 % 3])  # the other word would be lost
        places = _ROTATIONS[number // 4 % 2][number % 4]
        low = of("bit_and", of("shift_right", y, 32 - places), (1 << places) - 1)
        y = of("bit_xor", of("bit_or", of("shift_left", y, places), low), x)
        if number % 4 == 3:
            past = number // 4 + 1
            x = of("add", x, key[past % 3])
            y = of("add", y, of("add", key[(past + 1) % 3], past))
    raise AssertionError("the last round returns")


def _meaning(*operands: Array, out: Array | None = None) -> Array:
    if out is None:
        out = np.empty(np.broadcast_shapes(*(each.shape for each in operands)), np.int32)
    in_blocks(_in_place, [np.broadcast_to(each, out.shape) for each in operands], out)
    return out


def _in_place(of: Any, i: Array, j: Array, seed: Array, stream: Array) -> Array:
    """The same on arrays, in unsigned integers, whose shifts bring in zeros."""
    counters = [np.asarray(each).view(np.uint32) for each in (i, j)]
    first, second = (np.asarray(each).view(np.uint32) for each in (seed, stream))
    key = (first, second, first ^ second ^ np.uint32(_PARITY))
    x, y = (np.asarray(counter + word) for counter, word in zip(counters, key, strict=False))
    moved = np.empty_like(y)
    for number in range(_ROUNDS):
        np.add(x, y, out=x)
        places = _ROTATIONS[number // 4 % 2][number % 4]
        np.left_shift(y, places, out=moved)
        np.right_shift(y, 32 - places, out=y)
        np.bitwise_or(y, moved, out=y)
        np.bitwise_xor(y, x, out=y)
        if number % 4 == 3:
            past = number // 4 + 1
            np.add(x, key[past % 3], out=x)
            np.add(y, key[(past + 1) % 3] + np.uint32(past), out=y)
    return np.asarray(x.view(np.int32))


RANDOM_BITS = Operation(
    name="random_bits",
    meaning=_meaning,
    slopes=steady(4),
    jumps=other_bits,
    rounds=0,
    domain=(_WHOLE,) * 4,
    expansion=_written,
    unit="none",
    names=Names(*(Absent("its own generators draw other numbers") for _ in range(3))),
)
