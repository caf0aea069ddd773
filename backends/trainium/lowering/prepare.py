"""First pass: the kernel in operations that the chip has.

gelu(x)                   -> kept where the scalar engine knows it, else its definition
mean[N](x)                -> sum[N](f32(x)) * (1 / N)
argmax[N](x)              -> min[N](where(min(x, e) < e, 2147483647, index[N])) with e = max[N](x), and NaN as the largest
a / b                     -> a * (1 / b)                       as every operation's record in backends/operations expands it
dot[k](x[m, k], y[m, k])  -> sum[k](x * y), as no axis is left for a matrix product
c[m, n] = v               -> c[m, n] = T(v), so that every rounding is an operation
c[m, n] += v              -> as it is where the sum is rounded, not the term
2 * K                     -> computed once on the host
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tilery.backends.chips import Chip
from tilery.backends.machine.errors import CannotLower
from tilery.backends.operations.written import in_program
from tilery.dsl.program import (
    Call,
    Carried,
    Cast,
    Constant,
    CountedLoop,
    DimensionSize,
    Dot,
    Elementwise,
    Fill,
    ForLoop,
    GatherIndex,
    If,
    Index,
    Kernel,
    Load,
    Op,
    Positions,
    Print,
    Reduce,
    ScalarArgument,
    Scan,
    Statement,
    Store,
    TileLoop,
    Value,
    index_values,
    operands,
)
from tilery.dsl.types import BOOL, F32, I32, ElementType


@dataclass(frozen=True, slots=True)
class Prepared:
    """The kernel's body in operations that the chip has, and the scalar operations that the host computes before."""

    body: tuple[Statement, ...]
    host: tuple[Op, ...]

    @property
    def immediates(self) -> frozenset[Value]:
        """The values that the host computes. Instructions take them as immediate operands."""
        return frozenset(op.result for op in self.host)


def prepare(kernel: Kernel, chip: Chip) -> Prepared:
    """Rewrites the kernel's body for a chip."""
    rewriter = Rewriter(chip)
    body = rewriter.block(kernel.body)
    return Prepared(body, tuple(rewriter.host))


class Rewriter:
    """Walks the program in order and replaces operations, and the values that they define."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._known = {*chip.scalar.instructions, *chip.vector.instructions}
        self._instead: dict[Value, Value] = {}
        self.host: list[Op] = []
        self._immediate: set[Value] = set()
        self._one: set[Value] = set()

    def block(self, statements: Iterable[Statement]) -> tuple[Statement, ...]:
        """The statements, rewritten."""
        done: list[Statement] = []
        for statement in statements:
            match statement:
                case Store():
                    done += self._store(statement)
                case Print():
                    done.append(replace(statement, value=self._now(statement.value)))
                case TileLoop():
                    done.append(replace(statement, body=self.block(statement.body)))
                case ForLoop():
                    carried = tuple(replace(each, initial=self._now(each.initial)) for each in statement.carried)
                    body = self.block(statement.body)
                    updated = tuple(self._carried(each) for each in carried)
                    done.append(replace(statement, carried=updated, body=body))
                case If() | CountedLoop():
                    raise AssertionError("a specialised kernel has no undecided if and no counted loop")
                case _:
                    done += self._op(statement)
        return tuple(done)

    def _carried(self, carried: Carried) -> Carried:
        return replace(carried, updated=self._now(carried.updated))

    def _now(self, value: Value) -> Value:
        while value in self._instead:
            value = self._instead[value]
        return value

    def _store(self, store: Store) -> list[Statement]:
        value = self._now(store.value)
        store = replace(store, index=_rewired_index(store.index, self._now))
        if value.dtype == store.tensor.dtype or (store.accumulate and _rounds(value.element, store.tensor.element)):
            return [replace(store, value=value)]
        rounded = Value(store.tensor.name, value.axes, store.tensor.dtype, store.span)
        return [*self._op(Cast(rounded, value)), replace(store, value=self._now(rounded))]

    def _op(self, op: Op) -> list[Statement]:
        op = rewired(op, self._now)
        if isinstance(op, Call) and op.fn not in self._known:
            done = [each for inner in op.body for each in self._op(inner)]
            self._instead[op.result] = self._now(op.body[-1].result) if op.body else self._now(op.operands[0])
            return done
        if self._on_host(op):
            self.host.append(op)
            self._immediate.add(op.result)
            if isinstance(op, Constant) and op.value == 1:
                self._one.add(op.result)
            return []
        expanded = self._expanded(op)
        if expanded is None:
            return [op]
        done = [each for inner in expanded for each in self._op(inner)]
        self._instead[op.result] = self._now(expanded[-1].result)
        return done

    def _on_host(self, op: Op) -> bool:
        if isinstance(op, Constant | DimensionSize | ScalarArgument):
            return True
        plain = isinstance(op, Elementwise | Cast | Call) and not op.result.axes
        return plain and all(value in self._immediate for value in operands(op))

    def _expanded(self, op: Op) -> list[Op] | None:
        """The operations in place of one that no engine has; None: keep it."""
        if isinstance(op, Reduce) and op.fn == "mean":
            return self._mean(op)
        if isinstance(op, Reduce) and op.fn in ("argmax", "argmin"):
            return _place_of_extreme(op)
        if isinstance(op, Dot) and not _has_free_axes(op):
            return _row_products(op)
        if isinstance(op, Elementwise) and op.fn == "div" and op.operands[0] in self._one:
            return [Elementwise(replace_value(op.result), "reciprocal", op.operands[1:])]
        if isinstance(op, Elementwise) and op.fn not in self._known:
            return in_program(op)
        return None

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
        done.append(Elementwise(replace_value(op.result), "div", (total, count)))
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
    done.append(Reduce(replace_value(op.result), "sum", products, op.axes))
    return done


def rewired(op: Op, now: Callable[[Value], Value]) -> Op:
    """The operation with its operands replaced."""
    match op:
        case Elementwise():
            return replace(op, operands=tuple(now(each) for each in op.operands))
        case Call():
            body = tuple(rewired(each, now) for each in op.body)
            return replace(op, operands=tuple(now(each) for each in op.operands), body=body)
        case Cast() | Fill() | Reduce() | Scan():
            return replace(op, operand=now(op.operand))
        case Load(index=index) if index_values(index):
            return replace(op, index=_rewired_index(index, now))
        case Dot():
            return replace(op, left=now(op.left), right=now(op.right))
        case _:
            return op


def _rewired_index(index: tuple[Index, ...], now: Callable[[Value], Value]) -> tuple[Index, ...]:
    return tuple(GatherIndex(now(each.value)) if isinstance(each, GatherIndex) else each for each in index)


def replace_value(value: Value) -> Value:
    """A new value like this one."""
    return Value(value.name, value.axes, value.dtype, value.span)


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
    done.append(Reduce(replace_value(op.result), "min", places, op.axes))
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
