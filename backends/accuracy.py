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
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import inf, prod, sqrt

import numpy as np

from ..dsl import program
from ..dsl.types import F32, ElementType
from .rounding import Array, numpy_dtype, to_compute

_BLOCK = 1 << 20
"""Elements compared at a time: bounds the temporaries."""

_ROUNDING_REDUCTIONS = ("sum", "mean", "prod", "cumsum")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing the results of a kernel with its reference."""

    max_error: float
    """The largest error of any element, relative to the scale of its result; inf where only one side is NaN or infinite."""
    tolerance: float
    """The error that the arithmetic of the kernel explains, for the result that `worst_result` names."""
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


def compare(kernel: program.Kernel, dims: Mapping[str, int], got: Mapping[str, Array], want: Mapping[str, Array]) -> Comparison:
    """Compares results in storage types with those of `reference`; see the head of this file for the formula."""
    outcomes = [
        _compare_result(tensor, tolerance(kernel, dims, tensor.element), got[tensor.name], want[tensor.name])
        for tensor in kernel.signature.results
    ]
    return max(outcomes, key=lambda each: (not each.ok, each.max_error / max(each.tolerance, 1e-300), each.max_error))


def tolerance(kernel: program.Kernel, dims: Mapping[str, int], result: ElementType) -> float:
    """The largest error that the arithmetic of `kernel` explains in a result of the type `result`."""
    if result.kind != "float":
        return 0.0
    units = _unit(result)
    for each in program.walk(kernel.body):
        match each:
            case program.Cast() if each.result.element.kind == "float" and _unit(each.result.element) > _unit(F32):
                units += 4 * _unit(each.result.element)
            case program.Reduce(fn=fn) if fn in _ROUNDING_REDUCTIONS:
                units += 4 * _unit(F32) * sqrt(_length(each.axes, dims))
            case program.Dot():
                units += 4 * _unit(F32) * sqrt(_length(each.axes, dims))
            case program.Elementwise() if each.result.element.kind == "float":
                units += 4 * _unit(F32)
            case program.Store(accumulate=True):
                units += 4 * _unit(F32) * sqrt(_length(_added_over(kernel, each), dims))
    return units


def _added_over(kernel: program.Kernel, store: program.Store) -> tuple[program.Axis, ...]:
    """The axes over whose positions an accumulating store may add to one element: those that do not choose its place alone."""
    loops = [each for each in program.walk(kernel.body) if isinstance(each, program.TileLoop)]
    placed = {each.axis for each in store.index if isinstance(each, program.AxisIndex)}
    return tuple(one.axis for loop in loops for one in loop.variables if one.axis not in placed)


def _unit(t: ElementType) -> float:
    return 2.0**-t.significand_bits


def _length(axes: tuple[program.Axis, ...], dims: Mapping[str, int]) -> int:
    """Of the whole dimension, though one step of a loop covers a part: the loop adds the parts up."""
    return prod(program.size_value(axis.size, dims) for axis in axes)


def _compare_result(tensor: program.Tensor, allowed: float, got: Array, want: Array) -> Comparison:
    t = tensor.element
    if got.shape != want.shape:
        return Comparison(inf, allowed, False, tensor.name)
    flat_got, flat_want = np.ravel(got), np.ravel(want)
    rms = _rms(flat_want)
    worst, place = 0.0, -1
    for start in range(0, flat_got.size, _BLOCK):
        wanted = flat_want[start : start + _BLOCK].astype(np.float64)
        computed = to_compute(flat_got[start : start + _BLOCK], t).astype(np.float64)
        errors = _errors(computed, wanted, rms, t, allowed)
        here = int(errors.argmax())
        if place < 0 or errors[here] > worst:
            worst, place = float(errors[here]), start + here
    if place < 0:
        return Comparison(0.0, allowed, True)
    index = tuple(int(each) for each in np.unravel_index(place, got.shape))
    value = float(to_compute(got[index].reshape(1), t)[0])
    return Comparison(worst, allowed, worst <= allowed, tensor.name, index, value, float(want[index]))


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
    largest, smallest = _range(t)
    with np.errstate(all="ignore"):
        lost = np.maximum(np.abs(got - want) - smallest / 2, 0)
        errors = lost / np.maximum(np.abs(want), rms)
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        overflowed = np.isinf(got) & (np.sign(got) == np.sign(want)) & (np.abs(want) >= largest * (1 - allowed))
    errors[same | overflowed] = 0.0
    errors[~np.isfinite(errors)] = inf
    return np.asarray(errors)


@cache
def _range(t: ElementType) -> tuple[float, float]:
    """The largest finite number of a type, and the smallest above 0 (no more than 0 for integers: nothing is lost)."""
    if t.kind != "float":
        return inf, 0.0
    if t.bytes > 2:
        return float(np.finfo(numpy_dtype(t)).max), float(np.finfo(numpy_dtype(t)).smallest_subnormal)
    numbers = to_compute(np.arange(1 << 8 * t.bytes).astype(f"u{t.bytes}").view(numpy_dtype(t)), t)
    positive = numbers[np.isfinite(numbers) & (numbers > 0)]
    return float(positive.max()), float(positive.min())
