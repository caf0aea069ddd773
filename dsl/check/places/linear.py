"""Values that are sums of positions and sizes, `2 * p + r - 1`: what an index may be without looking at data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tilery.dsl import sizes
from tilery.dsl.program import Axis, Size


@dataclass(frozen=True, slots=True)
class Linear:
    """The sum of `stride * positions(axis)` over `terms`, and `offset`."""

    terms: Mapping[Axis, Size] = field(default_factory=dict)
    offset: Size = 0

    def scaled(self, factor: Size) -> Linear:
        """Every part times `factor`."""
        return _nonzero({axis: sizes.times(each, factor) for axis, each in self.terms.items()}, sizes.times(self.offset, factor))

    def plus(self, other: Linear) -> Linear:
        """Both together."""
        axes = dict.fromkeys([*self.terms, *other.terms])
        terms = {axis: sizes.plus(self.terms.get(axis, 0), other.terms.get(axis, 0)) for axis in axes}
        return _nonzero(terms, sizes.plus(self.offset, other.offset))


def _nonzero(terms: Mapping[Axis, Size], offset: Size) -> Linear:
    return Linear({axis: each for axis, each in terms.items() if each != 0}, offset)


def _product(a: Linear, b: Linear) -> Linear | None:
    if a.terms and b.terms:
        return None
    return a.scaled(b.offset) if a.terms else b.scaled(a.offset)


def _quotient(a: Linear, b: Linear) -> Linear | None:
    """`(2 * r + 1) // 2` is r."""
    if not a.terms and not b.terms:
        return Linear(offset=sizes.over(a.offset, b.offset))
    digits = _digits(a, b)
    return _with_axes_of(a, digits[0]) if digits else None


def _rest(a: Linear, b: Linear) -> Linear | None:
    """`r % R` is r, if it stays below R."""
    digits = _digits(a, b)
    return _with_axes_of(a, digits[1]) if digits else None


def _with_axes_of(whole: Linear, part: Linear) -> Linear | None:
    """A digit, if it has all axes: what is read there has those of the index, whatever can be proved of it."""
    return part if set(part.terms) == set(whole.terms) else None


def _digits(a: Linear, b: Linear) -> tuple[Linear, Linear] | None:
    """Quotient and rest of a division by a size: what it divides, and what is proved to lie in 0 to the size without one."""
    if b.terms or not a.terms:
        return None
    parts = {axis: sizes.parted(stride, b.offset) for axis, stride in a.terms.items()}
    multiple, rest = sizes.parted(a.offset, b.offset)
    quotient = _nonzero({axis: each for axis, (each, _) in parts.items()}, multiple)
    left = _nonzero({axis: each for axis, (_, each) in parts.items()}, rest)
    most = left.offset
    for axis, stride in left.terms.items():
        if not sizes.never_negative(stride):
            return None
        most = sizes.plus(most, sizes.times(stride, sizes.minus(axis.size, 1)))
    inside = sizes.never_negative(left.offset) and sizes.never_negative(sizes.minus(sizes.minus(b.offset, most), 1))
    return (quotient, left) if inside else None


_OPERATIONS: dict[str, Callable[..., Linear | None]] = {
    "add": Linear.plus,
    "sub": lambda a, b: a.plus(b.scaled(-1)),
    "neg": lambda a: a.scaled(-1),
    "mul": _product,
    "floordiv": _quotient,
    "mod": _rest,
}


def combined(fn: str, operands: list[Linear]) -> Linear | None:
    """What an elementwise function makes of linear operands; None if that is nothing linear, or too large to work out."""
    operation = _OPERATIONS.get(fn)
    try:
        result = operation(*operands) if operation else None
    except sizes.Unwieldy:
        return None
    numbers = (result.offset, *result.terms.values()) if result else ()
    return None if any(isinstance(each, int) and abs(each) >= sizes.LARGEST for each in numbers) else result
