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
    return None if a.terms or b.terms else Linear(offset=sizes.over(a.offset, b.offset))


_OPERATIONS: dict[str, Callable[..., Linear | None]] = {
    "add": Linear.plus,
    "sub": lambda a, b: a.plus(b.scaled(-1)),
    "neg": lambda a: a.scaled(-1),
    "mul": _product,
    "floordiv": _quotient,
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
