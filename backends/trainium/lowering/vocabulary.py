"""Second pass: operations that no engine has become those that one has.

mean[N](x)                -> sum[N](f32(x)) * (1 / N)
argmax[N](x)              -> min[N](where(min(x, e) < e, 2147483647, index[N])) with e = max[N](x), and NaN as the largest
a / b                     -> a * (1 / b)                       as every operation's record in backends/operations expands it
floor(x), i8(round(x))    -> where(x ** 2 < 2 ** 46, t - (t > x), x) with t = i32(x), i8(x): see `whole`
dot[k](x[m, k], y[m, k])  -> sum[k](x * y), as no axis is left for a matrix product
scan[n](0.9, b)           -> scan[n](full[n](0.9), b)
c[m, n] = v               -> c[m, n] = T(v), so that every rounding is an operation
c[m, n] += v              -> as it is where the sum is rounded, not the term
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tilery.backends.machine.errors import CannotLower
from tilery.backends.operations.written import in_program
from tilery.backends.simplify.rewriter import Body, Rewriter, like
from tilery.backends.trainium.chip_tables import TrainiumChip
from tilery.dsl.program import (
    Cast,
    Constant,
    DimensionSize,
    Dot,
    Elementwise,
    Fill,
    Op,
    Positions,
    Reduce,
    Scan,
    Statement,
    Store,
    Value,
)
from tilery.dsl.types import BOOL, F32, I32, ElementType

from ..whole import CORRECTED, in_whole_numbers, rounded_by_casts
from .hosted import Hosted


def translate(body: Body, chip: TrainiumChip) -> Body:
    """The body in operations that a chip's engines or the host have."""
    return _Translator(chip, rounded_by_casts(body)).block(body)


class _Translator(Rewriter):
    def __init__(self, chip: TrainiumChip, rounded: frozenset[Value]) -> None:
        super().__init__()
        self._chip = chip
        self._rounded = rounded
        self._known = {*chip.scalar.instructions, *chip.vector.instructions}
        self._host = Hosted()

    def store(self, store: Store) -> Iterable[Statement]:
        value = store.value
        if value.dtype == store.tensor.dtype or (store.accumulate and _rounds(value.element, store.tensor.element)):
            return (store,)
        rounded = Value(store.tensor.name, value.axes, store.tensor.dtype, store.span)
        cast = self.op(Cast(rounded, value))
        return (*cast, replace(store, value=self.now(rounded)))

    def op(self, op: Op) -> Iterable[Statement]:
        if op.result in self._rounded and isinstance(op, Elementwise):
            self.instead(op.result, self.now(op.operands[0]))
            return ()
        expanded = None if self._host.takes(op) else self._expanded(op)
        if expanded is None:
            return (op,)
        done = self.block(expanded)
        self.instead(op.result, self.now(expanded[-1].result))
        return done

    def _expanded(self, op: Op) -> list[Op] | None:
        """The operations in place of one that no engine has; None: keep it."""
        if isinstance(op, Reduce) and op.fn == "mean":
            return self._mean(op)
        if isinstance(op, Reduce) and op.fn in ("argmax", "argmin"):
            return _place_of_extreme(op)
        if isinstance(op, Dot) and not _has_free_axes(op):
            return _row_products(op)
        if isinstance(op, Scan) and any(each in self._host.ops for each in op.operands[:2]):
            return self._of_tiles(op)
        if isinstance(op, Elementwise) and op.fn == "div" and self._host.is_one(op.operands[0]):
            return [Elementwise(like(op.result), "reciprocal", op.operands[1:])]
        if isinstance(op, Elementwise) and op.fn in CORRECTED and op.fn not in self._known:
            return in_whole_numbers(op)
        if isinstance(op, Elementwise) and op.fn not in self._known:
            return in_program(op)
        return None

    def _of_tiles(self, op: Scan) -> list[Op]:
        """The same scan with a tile in place of a number that stands for its factors or terms: the instruction takes none."""
        done: list[Op] = []
        tiles = list(op.operands)
        for place, each in enumerate(op.operands[:2]):
            if each in self._host.ops:
                tiles[place] = Value(each.name, (op.axis,), each.dtype, each.span)
                done.append(Fill(tiles[place], each))
        return [*done, replace(op, result=like(op.result), operands=tuple(tiles))]

    def _mean(self, op: Reduce) -> list[Op]:
        if not all(axis.whole for axis in op.axes):
            why = "a mean over a tile has another length at the ragged edge"
            raise CannotLower("TK515", self._chip.name, op.result.span, why, "take the sum and divide it by the size you mean")
        done: list[Op] = []
        count = _constant(done, op.result, 1)
        for axis in op.axes:
            size = Value("%size", (), I32, op.result.span)
            done.append(DimensionSize(size, axis.size))
            count = _elementwise(done, "mul", I32, op.result, count, size)
        terms = op.operand
        if terms.element.kind != "float":
            terms = Value("%terms", terms.axes, F32, op.result.span)
            done.append(Cast(terms, op.operand))
        total = Value("%sum", op.result.axes, F32, op.result.span)
        done.append(Reduce(total, "sum", terms, op.axes))
        done.append(Elementwise(like(op.result), "div", (total, count)))
        return done


def _rounds(value: ElementType, stored: ElementType) -> bool:
    """Whether a cast to a result's type may change the value. Then the sum is rounded after the addition, not the term before."""
    return stored not in (F32, I32) or (value.kind == "float" and stored == I32)


def _has_free_axes(op: Dot) -> bool:
    """Whether an operand has an axis that the other one lacks, as the tensor engine needs."""
    only_left = {axis for axis in op.left.axes if axis not in op.right.axes}
    only_right = {axis for axis in op.right.axes if axis not in op.left.axes}
    return any(not axis.unit for axis in only_left | only_right)


def _row_products(op: Dot) -> list[Op]:
    done: list[Op] = []
    products = _elementwise(done, "mul", op.result.element, op.result, op.left, op.right)
    done.append(Reduce(like(op.result), "sum", products, op.axes))
    return done


def _constant(done: list[Op], like: Value, value: float) -> Value:
    result = Value("%c", (), F32 if isinstance(value, float) else I32, like.span)
    done.append(Constant(result, value))
    return result


def _elementwise(done: list[Op], fn: str, element: ElementType, like: Value, *arguments: Value) -> Value:
    names = {axis: None for each in arguments for axis in each.axes}
    result = Value(f"%{fn}", tuple(names), element, like.span)
    done.append(Elementwise(result, fn, arguments))
    return result


def _place_of_extreme(op: Reduce) -> list[Op]:
    """The first position of the extreme: the minimum of all positions where it occurs."""
    done: list[Op] = []
    (axis,) = op.axes
    extreme = Value("%extreme", op.result.axes, op.operand.dtype, op.result.span)
    done.append(Reduce(extreme, op.fn.removeprefix("arg"), op.operand, op.axes))
    place = Value("%place", (axis,), I32, op.result.span)
    done.append(Positions(place, axis))
    beyond = _constant(done, op.result, 2**31 - 1)
    if op.operand.element.kind == "float":
        chosen = (_falls_short(done, op, extreme), beyond, place)
    else:
        chosen = (_elementwise(done, "eq", BOOL, op.result, op.operand, extreme), place, beyond)
    places = _elementwise(done, "where", I32, op.result, *chosen)
    done.append(Reduce(like(op.result), "min", places, op.axes))
    return done


def _falls_short(done: list[Op], op: Reduce, extreme: Value) -> Value:
    """True where an element is not the extreme. NaN counts as the most extreme. It takes one instruction over the elements.

    Of a maximum E: `min(x, E) < E`. Where E is NaN, `min(x, 0) < 1`, which is false of NaN alone.
    """
    inner, outer, one = ("min", "lt", 1.0) if op.fn == "argmax" else ("max", "gt", -1.0)
    no_number = _elementwise(done, "ne", BOOL, op.result, extreme, extreme)
    bound = _elementwise(done, "where", F32, op.result, no_number, _constant(done, op.result, 0.0), extreme)
    least = _elementwise(done, "where", F32, op.result, no_number, _constant(done, op.result, one), extreme)
    bounded = _elementwise(done, inner, F32, op.result, op.operand, bound)
    return _elementwise(done, outer, BOOL, op.result, bounded, least)
