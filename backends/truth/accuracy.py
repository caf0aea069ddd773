"""Whether results are right: the error on the scale of the result, against what the arithmetic may lose.

**Error** of an element: |got - want| / max(|want|, rms), rms being that of the whole result; so elements near zero are
judged on the scale of their neighbours. (Where every element should be 0, the scale is 1.)

**Tolerance**, u(t) = 2**-significand_bits being the rounding unit of a type:

    u(result)                                               the store
    + 4 u(T) for every cast to a type T narrower than f32   p rounded to bf16 before a product
    + 4 u(T) for every store into a temp of type T
    + 4 u(f32) sqrt(K) for every sum, product of elements, or contraction, of length K
    + 4 u(f32) sqrt(K) for every value that a loop `by 1` carries through its K steps
    + 4 u(f32) for every elementwise operation
    + 4 u(f32) sqrt(K) for every `+=` into a result, K positions adding to one element

Errors of f32 accumulation are a random walk: K roundings, each of about u times the partial sum, leave about u sqrt(K) / 3
of the result's scale (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 4.5). The largest of 10**7
normal errors is six times the typical one; hence the 4. Integers and truth values have a tolerance of 0.

The formula supposes that errors are on the scale of the result. Single elements are worse off where terms cancel, or where an
element is made of few terms while most are made of many. Where the arguments are known, an element over the tolerance is
therefore held against what a running error analysis of the kernel explains for that very element (`error_analysis`), before it
is called wrong.

NaN and infinities, with their signs, must stand where the reference has them: no analysis explains one. Two exceptions say
what the types can hold: what is beyond the result type's largest number becomes an infinity when stored, and a number below its
smallest may become 0. Elements that are NaN on both sides, or that rounding may turn into anything, prove nothing: see
`comparison`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf, prod, sqrt

import numpy as np

from tilery.dsl import program
from tilery.dsl.types import F32, ElementType

from ..numbers.fork_gates import gate
from ..numbers.rounding import Array, largest_and_smallest, numpy_dtype, to_compute
from ..operations.reductions import REDUCTIONS
from ..operations.scanning import SCANS
from .comparison import Comparison, Extent, Verdict
from .error_analysis import explained_errors, unit

_BLOCK = 1 << 20
"""Elements compared at a time, so that temporaries stay small."""

BROADEST = 0.5
"""The largest tolerance of a whole result: at 1, zeros would pass for any values. What is over it is looked at one by one."""


def compare(
    kernel: program.Program,
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
    wrong = [each for each, outcome in zip(judged, outcomes, strict=True) if outcome.verdict == "wrong"]
    if arguments is not None and wrong and all(each.explicable for each in wrong):
        strays = {each.tensor.name: each.strays() for each in judged}
        explained = explained_errors(kernel, dims, arguments, strays)
        outcomes = [each.outcome(explained[each.tensor.name]) for each in judged]
    return max(outcomes, key=_weight)


def _weight(comparison: Comparison) -> tuple[int, float, float]:
    """The comparison to be told is a wrong one before an unproven one, and of those the worst against its tolerance."""
    rank = ("right", "unproven", "wrong").index(comparison.verdict)
    return rank, comparison.max_error / max(comparison.tolerance, 1e-300), comparison.max_error


def tolerance(kernel: program.Program, dims: Mapping[str, int], result: ElementType) -> float:
    """The largest error that the arithmetic of `kernel` explains in a result of the type `result`."""
    if result.kind != "float":
        return 0.0
    units = unit(result)
    for each in program.walk(kernel.body):
        match each:
            case program.Cast() if each.result.element.kind == "float" and unit(each.result.element) > unit(F32):
                units += 4 * unit(each.result.element)
            case program.Reduce(fn=fn) if REDUCTIONS[fn].rounds:
                units += 4 * unit(F32) * sqrt(_length(each.axes, dims))
            case program.Reduce(fn="first", axes=axes) if all(axis.unit for axis in axes) and each.result.element.kind == "float":
                units += 4 * unit(F32) * sqrt(_length(axes, dims))  # what a step hands on to the next one
            case program.Scan(fn=fn) if SCANS[fn].rounds and each.result.element.kind == "float":
                units += 4 * unit(F32) * sqrt(_length((each.axis,), dims))
            case program.Dot():
                units += 4 * unit(F32) * sqrt(_length(each.axes, dims))
            case program.Elementwise() if each.result.element.kind == "float":
                units += 4 * unit(F32)
            case program.Store(accumulate=True):
                units += 4 * unit(F32) * sqrt(_length(_added_over(kernel, each), dims))
            case program.Store(tensor=tensor) if tensor.role == "temp" and tensor.element.kind == "float":
                units += 4 * unit(tensor.element)
    return min(units, BROADEST)


def _added_over(kernel: program.Program, store: program.Store) -> tuple[program.Axis, ...]:
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
        self._unit = unit(tensor.element) if tensor.element.kind == "float" else 0.0
        self._rms = _rms(self._want, largest_and_smallest(tensor.element)[0])

    @property
    def explicable(self) -> bool:
        """Whether rounding can be the reason of an error: integers and truth values may come from floats that are rounded."""
        return self._fits

    def outcome(self, explained: Array | None = None) -> Comparison:
        """The worst element; `explained` says by how much, in absolute terms, an error analysis lets each one be off."""
        if not self._fits:
            return Comparison(inf, self._allowed, "wrong", self.tensor.name)
        worst, place, unbounded = (False, 0.0, 0.0), -1, 0
        for part, errors, scale in self._blocks():
            allowed = self._tolerances(part, scale, explained)
            unbounded += int(np.count_nonzero(allowed >= 1))
            over = (errors > allowed) | np.isinf(errors)
            here = int(np.argmax(np.where(over == over.any(), errors, -1.0)))
            found = (bool(over[here]), float(errors[here]), float(allowed[here]))
            if place < 0 or found > worst:
                worst, place = found, part.start + here
        if place < 0:
            return Comparison(0.0, self._allowed, "right")
        over_it, error, tolerated = worst
        extent = self._extent(unbounded)
        verdict: Verdict = "wrong" if over_it else "unproven" if extent.empty else "right"
        index = tuple(int(each) for each in np.unravel_index(place, self._shape))
        value = float(to_compute(self._got[place : place + 1], self.tensor.element)[0])
        wanted, rounding = float(self._want[place]), self._rounding_error(place)
        kind = self.tensor.element.name
        return Comparison(error, tolerated, verdict, self.tensor.name, index, value, wanted, rounding, kind, extent)

    def _tolerances(self, part: slice, scale: Array, explained: Array | None) -> Array:
        """The allowed errors of some elements. The tolerance holds for a result as a whole: an explanation can only add."""
        allowed = np.full(len(scale), self._allowed)
        if explained is None:
            return allowed
        with np.errstate(all="ignore"):
            one_by_one = self._unit + np.ravel(explained)[part] / scale
        # An explanation of NaN explains nothing; nor is there one for what is no number in the reference.
        known = np.isfinite(scale) & ~np.isnan(one_by_one)
        return np.where(known, np.maximum(allowed, one_by_one), allowed)

    def _extent(self, unbounded: int) -> Extent:
        """How much there was to compare, given how many elements have no bound worth the name."""
        blocks = [self._want[start : start + _BLOCK] for start in range(0, self._want.size, _BLOCK)]
        if self.tensor.element.kind != "float":
            return Extent(unbounded=unbounded / max(1, self._want.size))
        nan = sum(int(np.count_nonzero(np.isnan(each))) for each in blocks)
        infinite = sum(int(np.count_nonzero(np.isinf(each))) for each in blocks)
        return Extent(nan / self._want.size, infinite / self._want.size, unbounded / self._want.size)

    def _rounding_error(self, place: int) -> float:
        """The error that the reference itself has at one element once it is rounded to the result's type."""
        t, want = self.tensor.element, self._want[place : place + 1].astype(np.float64)
        if t.kind != "float":
            return 0.0
        with np.errstate(all="ignore"):
            rounded = want.astype(numpy_dtype(t)).astype(np.float64)
            return float(_errors(rounded, want, self._rms, t, self._allowed)[0])

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


def _rms(want: Array, largest: float) -> float:
    """Root mean square of the elements up to `largest`, which the type holds: others would hide these. 1 where all are 0."""
    total, count, peak = 0.0, 0, _peak(want, largest)
    if peak == 0:
        return 1.0
    for start in range(0, want.size, _BLOCK):
        block = want[start : start + _BLOCK].astype(np.float64)
        finite = block[_held(block, largest)] / peak  # over the peak, so that squares cannot overflow
        with gate():
            total += float(finite @ finite)
        count += finite.size
    return peak * sqrt(total / count)


def _peak(want: Array, largest: float) -> float:
    peaks = (np.abs(want[start : start + _BLOCK].astype(np.float64)) for start in range(0, want.size, _BLOCK))
    return max((float(np.max(each, where=_held(each, largest), initial=0.0)) for each in peaks), default=0.0)


def _held(numbers: Array, largest: float) -> Array:
    return np.isfinite(numbers) & (np.abs(numbers) <= largest)


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
