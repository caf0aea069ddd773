"""Operations on the bits of 32-bit integers. A shift by a negative number, or by 32 or more, moves every bit out, as in numpy."""

from __future__ import annotations

import numpy as np

from .jumps import other_bits
from .record import Absent, Names, Operation, steady

_WHOLE = (-100.0, 100.0)
_PLACES = (0.0, 31.0)


def _on_two(name: str, function: np.ufunc, second: tuple[float, float], nki: str, symbol: str) -> Operation:
    written = f"{{0}} {symbol} {{1}}"
    return Operation(
        name=name,
        meaning=function,
        slopes=steady(2),
        jumps=other_bits,
        rounds=0,
        domain=(_WHOLE, second),
        expansion=Absent("an instruction of its own"),
        unit="alu",
        names=Names(nki, written, written),
    )


BITS = (
    _on_two("bit_and", np.bitwise_and, _WHOLE, "nl.bitwise_and", "&"),
    _on_two("bit_or", np.bitwise_or, _WHOLE, "nl.bitwise_or", "|"),
    _on_two("bit_xor", np.bitwise_xor, _WHOLE, "nl.bitwise_xor", "^"),
    Operation(
        name="bit_not",
        meaning=np.invert,
        slopes=steady(1),
        jumps=other_bits,
        rounds=0,
        domain=(_WHOLE,),
        expansion=lambda of, x: of("bit_xor", x, -1),
        unit="none",
        names=Names("nl.invert", "~{0}", "~{0}"),
    ),
    _on_two("shift_left", np.left_shift, _PLACES, "nl.left_shift", "<<"),
    _on_two("shift_right", np.right_shift, _PLACES, "nl.right_shift", ">>"),
)
