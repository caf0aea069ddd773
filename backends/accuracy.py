"""Whether results are right: the error on the scale of the result, against what the arithmetic may lose.

**Error** of an element: |got - want| / max(|want|, rms), rms being that of the whole result; so elements near zero are
judged on the scale of their neighbours. (Where every element should be 0, the scale is 1.)

**Tolerance**, u(t) = 2**-significand_bits being the rounding unit of a type:

    u(result)                                               the store
    + 4 u(T) for every cast to a type T narrower than f32   p rounded to bf16 before a product
    + 4 u(f32) sqrt(K) for every sum, product of elements, or contraction, of length K
    + 4 u(f32) for every elementwise operation
    + 4 u(f32) sqrt(K) for every `+=` into a result, K positions adding to one element

Errors of f32 accumulation are a random walk: K roundings, each of about u times the partial sum, leave about u sqrt(K) / 3
of the result's scale (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 4.5). The largest of 10**7
normal errors is six times the typical one; hence the 4. Integer and bool results must agree exactly.

The formula supposes that errors are on the scale of the result. Single elements are worse off where terms cancel, or where an
element is made of few terms while most are made of many. Where the arguments are known, an element over the tolerance is
therefore held against what a running error analysis of the kernel explains for that very element (`error_analysis`), before it
is called wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf, prod, sqrt

import numpy as np

from ..dsl import program
from ..dsl.types import F32, ElementType
from .error_analysis import explained_errors, unit
from .rounding import Array, largest_and_smallest, to_compute

_BLOCK = 1 << 20
"""Elements compared at a time: bounds the temporaries."""

_ROUNDING_REDUCTIONS = ("sum", "mean", "prod", "cumsum")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing the results of a kernel with its reference."""

    max_error: float
    """The error of the worst element, relative to the scale of its result; inf where only one side is NaN or infinite.

    The worst is the one of largest error; if there are errors over the tolerance, of those."""
    tolerance: float
    """The error that the arithmetic of the kernel explains, there where the worst element is."""
    ok: bool
    """True if every result is within its tolerance."""
    worst_result: str = ""
    """The result with the worst element, measured against its tolerance; empty if nothing was compared."""
    worst_index: tuple[int, ...] = ()
    """Where that element is."""
    worst_got: float = 0.0
    worst_want: float = 0.0

    def __str__(self) -> str:
        verdict = "within" if self.ok else "over"
        text = f"largest error {self.max_error:.2e}, {verdict} the tolerance of {self.tolerance:.2e}"
        if not self.worst_result:
            return text
        place = f"{self.worst_result}[{', '.join(map(str, self.worst_index))}]"
        return f"{text}; worst at {place}: got {self.worst_got:g}, want {self.worst_want:g}"


def compare(
    kernel: program.Kernel,
    dims: Mapping[str, int],
    got: Mapping[str, Array],
    want: Mapping[str, Array],
    arguments: Mapping[str, Array | float] | None = None,
) -> Comparison:
    """Compares results in storage types with those of `reference`; see the head of this file for the formula.

    With the `arguments` that both were computed from, elements over the tolerance are looked at one by one.
    """
    judged = [_Judged(each, tolerance(kernel, dims, each.element), got, want) for each in kernel.signature.results]
    outcomes = [each.outcome() for each in judged]
    wrong = [each for each, outcome in zip(judged, outcomes, strict=True) if not outcome.ok]
    if arguments is not None and wrong and all(each.explicable for each in wrong):
        strays = {each.tensor.name: each.strays() for each in judged}
        explained = explained_errors(kernel, dims, arguments, strays)
        outcomes = [each.outcome(explained[each.tensor.name]) for each in judged]
    return max(outcomes, key=lambda each: (not each.ok, each.max_error / max(each.tolerance, 1e-300), each.max_error))


def tolerance(kernel: program.Kernel, dims: Mapping[str, int], result: ElementType) -> float:
    """The largest error that the arithmetic of `kernel` explains in a result of the type `result`."""
    if result.kind != "float":
        return 0.0
    units = unit(result)
    for each in program.walk(kernel.body):
        match each:
            case program.Cast() if each.result.element.kind == "float" and unit(each.result.element) > unit(F32):
                units += 4 * unit(each.result.element)
            case program.Reduce(fn=fn) if fn in _ROUNDING_REDUCTIONS:
                units += 4 * unit(F32) * sqrt(_length(each.axes, dims))
            case program.Dot():
                units += 4 * unit(F32) * sqrt(_length(each.axes, dims))
            case program.Elementwise() if each.result.element.kind == "float":
                units += 4 * unit(F32)
            case program.Store(accumulate=True):
                units += 4 * unit(F32) * sqrt(_length(_added_over(kernel, each), dims))
    return units


def _added_over(kernel: program.Kernel, store: program.Store) -> tuple[program.Axis, ...]:
    """The axes over whose positions an accumulating store may add to one element: those that do not choose its place alone."""
    loops = [each for each in program.walk(kernel.body) if isinstance(each, program.TileLoop)]
    placed = {each.axis for each in store.index if isinstance(each, program.AxisIndex)}
    return tuple(one.axis for loop in loops for one in loop.variables if one.axis not in placed)


def _length(axes: tuple[program.Axis, ...], dims: Mapping[str, int]) -> int:
    """Of the whole dimension, though one step of a loop covers a part: the loop adds the parts up."""
    return prod(program.size_value(axis.size, dims) for axis in axes)


class _Judged:
    """One result, held against its reference."""

    def __init__(self, tensor: program.Tensor, allowed: float, got: Mapping[str, Array], want: Mapping[str, Array]) -> None:
        self.tensor = tensor
        self._allowed = allowed
        self._shape = got[tensor.name].shape
        self._fits = self._shape == want[tensor.name].shape
        self._got, self._want = np.ravel(got[tensor.name]), np.ravel(want[tensor.name])
        self._rms = _rms(self._want)

    @property
    def explicable(self) -> bool:
        """Whether rounding can be the reason of an error: integers do not round."""
        return self._fits and self.tensor.element.kind == "float"

    def outcome(self, explained: Array | None = None) -> Comparison:
        """The worst element; `explained` says by how much, in absolute terms, an error analysis lets each one be off."""
        if not self._fits:
            return Comparison(inf, self._allowed, False, self.tensor.name)
        worst, place = (False, 0.0, 0.0), -1
        for part, errors, scale in self._blocks():
            allowed = np.full(len(errors), self._allowed)
            if explained is not None:
                # The tolerance holds for a result as a whole, so the explanation of an element can only add to it.
                allowed = np.maximum(allowed, unit(self.tensor.element) + np.ravel(explained)[part] / scale)
            over = errors > allowed
            here = int(np.argmax(np.where(over == over.any(), errors, -1.0)))
            found = (bool(over[here]), float(errors[here]), float(allowed[here]))
            if place < 0 or found > worst:
                worst, place = found, part.start + here
        if place < 0:
            return Comparison(0.0, self._allowed, True)
        over_it, error, tolerated = worst
        index = tuple(int(each) for each in np.unravel_index(place, self._shape))
        value = float(to_compute(self._got[place : place + 1], self.tensor.element)[0])
        return Comparison(error, tolerated, not over_it, self.tensor.name, index, value, float(self._want[place]))

    def strays(self) -> Array:
        """Which elements are over the tolerance."""
        found = np.zeros(self._got.size, bool)
        if self._fits:
            for part, errors, _ in self._blocks():
                found[part] = errors > self._allowed
        return found.reshape(self._shape)

    def _blocks(self) -> Iterator[tuple[slice, Array, Array]]:
        """Errors and scales of some elements at a time."""
        t = self.tensor.element
        for start in range(0, self._got.size, _BLOCK):
            part = slice(start, start + _BLOCK)
            wanted = self._want[part].astype(np.float64)
            computed = to_compute(self._got[part], t).astype(np.float64)
            yield part, _errors(computed, wanted, self._rms, t, self._allowed), np.maximum(np.abs(wanted), self._rms)


def _rms(want: Array) -> float:
    """Root mean square of the finite elements; 1 if there are none or all are 0."""
    total, count, peak = 0.0, 0, _peak(want)
    if peak == 0:
        return 1.0
    for start in range(0, want.size, _BLOCK):
        block = want[start : start + _BLOCK].astype(np.float64)
        finite = block[np.isfinite(block)] / peak  # over the peak, so that squares cannot overflow
        total += float(finite @ finite)
        count += finite.size
    return peak * sqrt(total / count)


def _peak(want: Array) -> float:
    peaks = (np.abs(want[start : start + _BLOCK].astype(np.float64)) for start in range(0, want.size, _BLOCK))
    return max((float(np.max(each, where=np.isfinite(each), initial=0.0)) for each in peaks), default=0.0)


def _errors(got: Array, want: Array, rms: float, t: ElementType, allowed: float) -> Array:
    """Error of every element, less half the smallest number of `t`, which its store cannot help losing."""
    largest, smallest = largest_and_smallest(t)
    with np.errstate(all="ignore"):
        lost = np.maximum(np.abs(got - want) - smallest / 2, 0)
        errors = lost / np.maximum(np.abs(want), rms)
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        overflowed = np.isinf(got) & (np.sign(got) == np.sign(want)) & (np.abs(want) >= largest * (1 - allowed))
    errors[same | overflowed] = 0.0
    errors[~np.isfinite(errors)] = inf
    return np.asarray(errors)
