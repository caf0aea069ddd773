"""Trainium's elementwise and reducing instructions, each with its operands: all that execution, cost, traffic and printing read.

activation              function(data * scale + bias), and the sum of the results along the partition
tensor_scalar           (data op0 a) op1 b                   a, b: one element a partition, or immediate numbers; with `op0` alone
                                                             also a sum or an extreme of the results along the partition
tensor_tensor           x op y
scalar_tensor_tensor    (data op0 a) op1 y
select                  condition ? x : y
affine_select           positions ? x : number               one comparison of positions
gather                  data at positions                    one or two for each element
unpack                  halves of bytes                      two tensor_scalar
tensor_tensor_scan      (factor op0 out before) op1 data     along one row of a partition
tensor_reduce, tensor_copy, iota, memset
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np

from tilery.backends.machine.engine_program import Compute, Operand, Ranges, Read, Written
from tilery.backends.numbers.axes import aligned
from tilery.backends.operations import numerics
from tilery.backends.operations.numerics import Array
from tilery.dsl.errors import TileryError
from tilery.dsl.program import Axis, Call, Elementwise, Value

from ..machine.execute.evaluate import evaluate, names
from ..machine.wording import Say, applied, bracketed

R = TypeVar("R", bound=Compute)


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of the arithmetic units: `x op operand`, `operand op x` if reversed, or `op x` without an operand."""

    fn: str
    operand: Operand | None
    reverse: bool = False

    def on(self, x: str, say: Say) -> str:
        """The same in words."""
        pair = [bracketed(x)] if self.operand is None else [bracketed(x), bracketed(say(self.operand))]
        return applied(self.fn, pair[::-1] if self.reverse else pair)

    def of(self, x: Array, read: Read) -> Array:
        """What it makes of a tile."""
        if self.operand is None:
            return numerics.elementwise(self.fn, [x])
        pair = [x, read(self.operand)]
        return numerics.elementwise(self.fn, pair[::-1] if self.reverse else pair)


@dataclass(frozen=True, slots=True)
class Activation(Compute):
    """`out = function(data * scale + bias)`, computed in f32; `total` is left with the sum of it along the partition."""

    function: Elementwise | Call
    """The operation that the table function is. Its own operands do not count."""
    data: Operand
    scale: Operand | None
    bias: Operand | None
    out: Operand
    total: Operand | None = None
    summed: tuple[Axis, ...] = ()
    """The axes along which the sum runs."""

    def formula(self, say: Say) -> str:
        """`p = exp(x * scale + bias), total = its sum over n`."""
        x = say(self.data)
        x = f"{x} * {bracketed(say(self.scale))}" if self.scale else x
        x = f"{x} + {bracketed(say(self.bias))}" if self.bias else x
        name = self.function.fn if len(self.function.operands) == 1 else "square"
        return f"{say(self.out)} = {name}({x}){_said_total('sum', self.total, self.summed, say)}"

    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]:
        x = read(self.data)
        for fn, operand in (("mul", self.scale), ("add", self.bias)):
            x = x if operand is None else numerics.elementwise(fn, [x, read(operand)])
        found = _applied(self.function, x, names(self.axes))
        yield self.out, found, self.axes
        if self.total is not None:
            yield self.total, *_reduced("sum", found, self.axes, self.summed)


def _applied(function: Elementwise | Call, x: Array, axes: list[str]) -> Array:
    if isinstance(function, Elementwise):
        return numerics.elementwise(function.fn, [x] * len(function.operands))
    (operand,) = function.operands
    own = names(operand.axes)
    found = evaluate(function, {operand: aligned(x, axes, own)}, {}, {}, {})
    return aligned(found, names(function.result.axes), axes)


def _reduced(fn: str, found: Array, axes: tuple[Axis, ...], over: tuple[Axis, ...]) -> tuple[Array, tuple[Axis, ...]]:
    """A reduction of a tile with these axes, and the axes that are left."""
    places = tuple(place for place, axis in enumerate(axes) if axis in over)
    return numerics.reduce(fn, found, places), tuple(axis for axis in axes if axis not in over)


def _said_total(fn: str, total: Operand | None, over: tuple[Axis, ...], say: Say) -> str:
    """What an instruction leaves beside its tile."""
    return "" if total is None else f", {say(total)} = its {fn} over {', '.join(map(str, over))}"


@dataclass(frozen=True, slots=True)
class TensorScalar(Compute):
    """`out = (data op0 a) op1 b`; `total` is left with the sum or an extreme of it along the partition.

    With `total`, which takes `op0` alone, it is NKI's tensor_scalar_reduce on the vector engine, and on the scalar engine an
    activation that copies.
    """

    data: Operand
    first: Step
    second: Step | None
    out: Operand
    total: Operand | None = None
    summed: tuple[Axis, ...] = ()
    """The axes along which the reduction runs."""
    reduction: str = "sum"

    def formula(self, say: Say) -> str:
        """`y = (x * a) + b`, `s = x * a, top = its max over n`."""
        x = self.first.on(say(self.data), say)
        found = f"{say(self.out)} = {self.second.on(x, say) if self.second else x}"
        return f"{found}{_said_total(self.reduction, self.total, self.summed, say)}"

    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]:
        x = self.first.of(read(self.data), read)
        found = self.second.of(x, read) if self.second else x
        yield self.out, found, self.axes
        if self.total is not None:
            yield self.total, *_reduced(self.reduction, found, self.axes, self.summed)


@dataclass(frozen=True, slots=True)
class TensorTensor(Compute):
    """`out = left op right`."""

    fn: str
    left: Operand
    right: Operand
    out: Operand

    def formula(self, say: Say) -> str:
        """`y = x + z`."""
        return f"{say(self.out)} = {applied(self.fn, [say(self.left), say(self.right)])}"

    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]:
        yield self.out, numerics.elementwise(self.fn, [read(self.left), read(self.right)]), self.axes


@dataclass(frozen=True, slots=True)
class ScalarTensorTensor(Compute):
    """`out = (data op0 a) op1 y`, `a` a scalar operand and `y` a tile."""

    data: Operand
    first: Step
    second: Step
    out: Operand

    def formula(self, say: Say) -> str:
        """`y = (x * a) + z`."""
        return f"{say(self.out)} = {self.second.on(self.first.on(say(self.data), say), say)}"

    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]:
        yield self.out, self.second.of(self.first.of(read(self.data), read), read), self.axes


@dataclass(frozen=True, slots=True)
class Select(Compute):
    """`out = condition ? on_true : on_false`, the condition a tile of truth values; `total` is left with the maximum of it along
    the partition (NKI's select_reduce)."""

    condition: Operand
    on_true: Operand
    on_false: Operand
    out: Operand
    total: Operand | None = None
    summed: tuple[Axis, ...] = ()
    """The axes along which the maximum is taken."""

    def formula(self, say: Say) -> str:
        """`y = where(mask, x, z)`."""
        found = f"{say(self.out)} = where({say(self.condition)}, {say(self.on_true)}, {say(self.on_false)})"
        return f"{found}{_said_total('max', self.total, self.summed, say)}"

    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]:
        found = numerics.elementwise("where", [read(each) for each in (self.condition, self.on_true, self.on_false)])
        yield self.out, found, self.axes
        if self.total is not None:
            yield self.total, *_reduced("max", found, self.axes, self.summed)


@dataclass(frozen=True, slots=True)
class Term:
    """A signed product of numbers that the host computes, and of the positions of one axis, or none."""

    sign: int
    axis: Axis | None
    factors: tuple[Value, ...] = ()


Affine: TypeAlias = tuple[Term, ...]
"""A sum of terms: affine in the positions."""


@dataclass(frozen=True, slots=True)
class Predicate:
    """A comparison of two sums that are affine in positions: `j <= i + offset`."""

    fn: str
    left: Affine
    right: Affine


OPPOSITE: Mapping[str, str] = {"lt": "ge", "ge": "lt", "le": "gt", "gt": "le", "eq": "ne", "ne": "eq"}


@dataclass(frozen=True, slots=True)
class AffineSelect(Compute):
    """`out = predicate ? data : otherwise`, `otherwise` one number for all elements."""

    predicate: Predicate
    data: Operand
    otherwise: Value
    out: Operand

    def formula(self, say: Say) -> str:
        """`y = where(j <= i, x, -inf)`."""
        sides = [_said(each, say) for each in (self.predicate.left, self.predicate.right)]
        return f"{say(self.out)} = where({applied(self.predicate.fn, sides)}, {say(self.data)}, {say(self.otherwise)})"

    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]:
        sides = [self._sum(each, read, ranges) for each in (self.predicate.left, self.predicate.right)]
        holds = numerics.elementwise(self.predicate.fn, sides)
        yield self.out, numerics.elementwise("where", [holds, read(self.data), read(self.otherwise)]), self.axes

    def _sum(self, terms: Affine, read: Read, ranges: Ranges) -> Array:
        total = np.asarray(0, np.int32)
        for term in terms:
            found = np.asarray(term.sign, np.int32)
            if term.axis is not None:
                places = np.arange(*ranges[term.axis.name], dtype=np.int32)
                found = numerics.elementwise("mul", [found, aligned(places, [term.axis.name], names(self.axes))])
            for factor in term.factors:
                found = numerics.elementwise("mul", [found, read(factor)])
            total = numerics.elementwise("add", [total, found])
        return total


def _said(terms: Affine, say: Say) -> str:
    """`2 * i - 3`."""
    text = ""
    for term in terms:
        factors = [*([term.axis.name] if term.axis else []), *(bracketed(say(each)) for each in term.factors)]
        sign = ("-" if term.sign < 0 else "") if not text else (" - " if term.sign < 0 else " + ")
        text += sign + " * ".join(factors)
    return text


@dataclass(frozen=True, slots=True)
class TensorCopy(Compute):
    """`out = data`, rounded to the element type of `out`."""

    data: Operand
    out: Operand

    def formula(self, say: Say) -> str:
        """`y = x`."""
        return f"{say(self.out)} = {say(self.data)}"

    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]:
        yield self.out, read(self.data), self.axes


@dataclass(frozen=True, slots=True)
class Gather(Compute):
    """`out[..] = data[.., first, second]`: elements at positions along one or two axes, each partition out of its own row.

    `axes` are those of the result, then those that the positions choose along.
    """

    data: Operand
    first: Operand
    second: Operand | None
    along: tuple[Axis, ...]
    out: Operand

    def formula(self, say: Say) -> str:
        """`y = x at label along N`."""
        places = ", ".join(say(each) for each in (self.first, self.second) if each is not None)
        return f"{say(self.out)} = {say(self.data)} at {places} along {', '.join(map(str, self.along))}"

    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]:
        data, depth = read(self.data), len(self.along)
        places = [read(each) for each in (self.first, self.second) if each is not None]
        extents = data.shape[data.ndim - depth :]
        flat: Array = np.zeros((), np.int64)
        for place, extent in zip(places, extents, strict=True):
            if np.any((place < 0) | (place >= extent)):
                raise TileryError(f"{self.data} has the positions 0..{extent - 1}, and the data ask for others")
            flat = flat * extent + place.astype(np.int64)
        rows = data.reshape(*data.shape[: data.ndim - depth], -1)
        kept = self.axes[: len(self.axes) - depth]
        flat = flat.reshape(flat.shape[: flat.ndim - depth]) if flat.ndim > depth else flat.reshape([1] * len(kept))
        yield self.out, np.take_along_axis(rows, flat[..., None], axis=-1)[..., 0], kept


@dataclass(frozen=True, slots=True)
class Unpack(Compute):
    """`out[::2] = low half of data, out[1::2] = high half`: two tensor_scalar instructions on bits, each of half the elements."""

    data: Operand
    out: Operand
    issues: ClassVar[int] = 2

    def formula(self, say: Say) -> str:
        """`w = halves of the bytes of w.packed`."""
        return f"{say(self.out)} = halves of the bytes of {say(self.data)}"

    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]:
        yield self.out, read(self.data), self.axes


@dataclass(frozen=True, slots=True)
class TensorReduce(Compute):
    """`out = op over axes of data`, which lie along the partition; negated if wanted so."""

    op: str
    data: Operand
    over: tuple[Axis, ...]
    out: Operand
    negate: bool = False

    def formula(self, say: Say) -> str:
        """`top = -max[n](x)`."""
        return f"{say(self.out)} = {'-' if self.negate else ''}{self.op}[{', '.join(map(str, self.over))}]({say(self.data)})"

    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]:
        places = tuple(place for place, axis in enumerate(self.axes) if axis in self.over)
        found = numerics.reduce(self.op, read(self.data), places)
        found = numerics.elementwise("neg", [found]) if self.negate else found
        yield self.out, found, tuple(axis for axis in self.axes if axis not in self.over)


@dataclass(frozen=True, slots=True)
class TensorScan(Compute):
    """`out[i] = op over data[0..i]` along one axis, or `out[i] = factor[i] * out[i - 1] + data[i]` from `start`.

    The hardware's is `(data0[i] op0 out[i - 1]) op1 data1[i]`, along one row a partition: of a tile with more axes every row
    takes an instruction of its own, and what is exclusive is written a place further on, its first place by another one.
    """

    op: str
    data: Operand
    along: Axis
    out: Operand
    factor: Operand | None = None
    start: Operand | None = None
    exclusive: bool = False
    reverse: bool = False
    """All operands are read, and the result is written, by access patterns of negative steps."""

    def formula(self, say: Say) -> str:
        """`y = cumsum[n](x)`, `h = scan[n, reverse](a, b, start)`."""
        given = [each for each in (self.factor, self.data, self.start) if each is not None]
        words = ", exclusive" * self.exclusive + ", reverse" * self.reverse
        return f"{say(self.out)} = {self.op}[{self.along}{words}]({', '.join(map(say, given))})"

    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]:
        given = [read(each) for each in (self.factor, self.data, self.start) if each is not None]
        yield self.out, numerics.scan(self.op, given, self.axes.index(self.along), self.exclusive, self.reverse), self.axes


@dataclass(frozen=True, slots=True)
class TakeEnd(Compute):
    """`out = the first or last element of data` along axes that lie along the partition: a copy of what stands there."""

    data: Operand
    over: tuple[Axis, ...]
    out: Operand
    last: bool

    def formula(self, say: Say) -> str:
        """`h = last[n](y)`."""
        return f"{say(self.out)} = {'last' if self.last else 'first'}[{', '.join(map(str, self.over))}]({say(self.data)})"

    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]:
        places = tuple(place for place, axis in enumerate(self.axes) if axis in self.over)
        kept = tuple(axis for axis in self.axes if axis not in self.over)
        yield self.out, numerics.reduce("last" if self.last else "first", read(self.data), places), kept


@dataclass(frozen=True, slots=True)
class Iota(Compute):
    """`out = the positions of an axis`, counted over its whole dimension."""

    axis: Axis
    out: Operand

    def formula(self, say: Say) -> str:
        """`i = index[m]`."""
        return f"{say(self.out)} = index[{self.axis}]"

    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]:
        yield self.out, np.arange(*ranges[self.axis.name], dtype=np.int32), (self.axis,)


@dataclass(frozen=True, slots=True)
class Memset(Compute):
    """`out = one number in every element`."""

    value: Value
    out: Operand

    def formula(self, say: Say) -> str:
        """`acc = 0`."""
        return f"{say(self.out)} = {say(self.value)}"

    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]:
        yield self.out, read(self.value), ()


def placed(instruction: R, at: Callable[[Value], Operand]) -> R:
    """The instruction with every value replaced by where it lies."""
    changed: dict[str, Any] = {each.name: _placed(getattr(instruction, each.name), at) for each in fields(instruction)}
    return replace(instruction, **changed)


def _placed(part: object, at: Callable[[Value], Operand]) -> object:
    if isinstance(part, Value):
        return at(part)
    if isinstance(part, Step) and isinstance(part.operand, Value):
        return replace(part, operand=at(part.operand))
    return part
