"""Fusion: which operations become one instruction, and which engines have that instruction.

    exp(x * s + b), its sum along the partition, and a cast of it    -> one activation (scalar engine)
    x * 2 + b                                                        -> one tensor_scalar
    x * s + y                                                        -> one tensor_tensor with a scalar operand
    where(j <= i, x, -inf)                                           -> one select on positions (gpsimd engine)

An operand is a *scalar* operand if it is an immediate, or has one element a partition; else it is a *tile* operand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tilery.backends.chips import Chip
from tilery.backends.machine.errors import CannotLower, said
from tilery.backends.operations.registry import OPERATIONS
from tilery.dsl.program import Axis, Call, Cast, Elementwise, Fill, Op, Positions, Reduce, Scan, Statement, Value, operands
from tilery.dsl.types import F32

from .layout import Layout
from .uses import Use, Uses

ALU = frozenset(name for name, each in OPERATIONS.items() if each.unit == "alu")
"""The operations of tensor_scalar and tensor_tensor."""
ALU_UNARY = frozenset(name for name, each in OPERATIONS.items() if each.unit == "one operand")
"""Further operations with one tile operand that take one pass."""
COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})


@dataclass(frozen=True, slots=True)
class Group:
    """Operations that become one instruction."""

    main: Op
    """The operation at whose place in the program the instruction is emitted."""
    ops: tuple[Op, ...]
    """In order of evaluation."""
    form: str
    engines: tuple[str, ...]
    """The engines that have the instruction, the usual one first."""
    accumulates: bool = False

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The values read that are not computed inside."""
        inside = {op.result for op in self.ops}
        return tuple(dict.fromkeys(value for op in self.ops for value in operands(op) if value not in inside))


class Selector:
    """Groups the computing operations of one block."""

    def __init__(self, chip: Chip, layout: Layout, runs: Mapping[Value, Axis], uses: Uses, immediates: frozenset[Value]) -> None:
        self._runs = runs
        self._chip = chip
        self._layout = layout
        self._uses = uses
        self._immediates = immediates
        self._functions = frozenset(chip.scalar.instructions)
        self._vector_functions = frozenset(chip.vector.functions)

    def groups(self, body: Iterable[Statement]) -> dict[Op, Group]:
        """Maps each operation at which an instruction is emitted to its group. Operations fused into another are absent."""
        found: dict[Op, Group] = {}
        taken: set[Op] = set()
        computing = [each for each in body if isinstance(each, Elementwise | Call | Cast | Fill | Reduce | Scan | Positions)]
        for op in reversed(computing):
            if op in taken:
                continue
            group = self._matched(op)
            taken.update(group.ops)
            found[op] = group
        return self._with_followers(found)

    def is_scalar(self, value: Value, across: Axis | None) -> bool:
        """True if a value has at most one element a partition."""
        return value in self._immediates or all(axis == across or axis.unit for axis in value.axes)

    def _matched(self, op: Op) -> Group:
        match op:
            case Fill():
                return Group(op, (op,), "memset", self._having("memset"))
            case Positions():
                return Group(op, (op,), "positions", self._having("positions"))
            case Cast():
                return Group(op, (op,), "copy", self._having("copy"))
            case Reduce():
                return self._reduce(op)
            case Scan():
                return self._scan(op)
            case Elementwise(fn="where"):
                return self._select(op)
            case Call():
                return self._activation(op)
            case Elementwise():
                return self._elementwise(op)
            case _:
                raise AssertionError(f"{type(op).__name__} does not compute")

    def _having(self, form: str) -> tuple[str, ...]:
        return tuple(name for name in ("vector", "scalar", "gpsimd") if form in self._chip.engine(name).forms)

    def _reduce(self, op: Reduce) -> Group:
        if any(axis == self._layout[op.operand] for axis in op.axes):
            why = f"{op.fn} runs across the partitions, where axis {self._layout[op.operand]} of {said(op.operand)} lies"
            instead = "reduce along another axis of the tile, or write a sum as a dot with a tile of ones"
            if op.result.element != F32 and op.fn in ("sum", "max", "min"):
                in_f32 = f"{op.fn}[{op.axes[0]}](f32(..))"
                instead = f"reduce along another axis of the tile, or in f32, {in_f32}: exact for integers up to 2**24"
            raise CannotLower("TK512", self._chip.name, op.result.span, why, instead)
        if op.fn in ("argmax", "argmin", "prod"):
            why = f"no engine has {op.fn} as a reduction"
            raise CannotLower("TK513", self._chip.name, op.result.span, why, "run the kernel in the emulator, without --exact")
        form = "reduce runs" if self._runs.get(op.operand) in op.axes else "reduce"
        return Group(op, (op,), form, self._having("reduce"))

    def _scan(self, op: Scan) -> Group:
        long = [axis for axis in op.operand.axes if not axis.unit and axis != self._layout[op.operand]]
        if op.axis not in long:
            why = f"{op.fn} runs across the partitions, where axis {op.axis} of {said(op.operand)} lies"
            raise CannotLower("TK512", self._chip.name, op.result.span, why, "scan along another axis of the tile")
        if not self._having("scan"):
            raise CannotLower("TK513", self._chip.name, op.result.span, "no engine has scans", "run the kernel in the emulator")
        return Group(op, (op,), "scan", self._having("scan"))

    def _elementwise(self, op: Elementwise) -> Group:
        across = self._layout.get(op.result)
        if self._is_function(op):
            return self._activation(op)
        scalars = [self.is_scalar(value, across) for value in op.operands]
        if len(op.operands) == 1 or any(scalars):
            return self._tensor_scalar(op)
        return self._tensor_tensor(op)

    def _is_function(self, op: Op) -> bool:
        if isinstance(op, Call):
            return op.fn in self._functions | self._vector_functions
        if not isinstance(op, Elementwise):
            return False
        square = op.fn == "mul" and op.operands[0] is op.operands[1] and "square" in self._functions
        return square or (len(op.operands) == 1 and op.fn in self._functions | self._vector_functions)

    def _activation(self, op: Elementwise | Call) -> Group:
        """`f(x * scale + bias)`, scale and bias scalar operands; `f(x)` alone where only the vector engine knows `f`."""
        if op.fn in self._vector_functions - self._functions:
            return Group(op, (op,), "activation", ("vector",))
        # cos is sin with a bias of its own.
        bias = None if op.fn == "cos" else self._affine(op.operands[0], op, ("add", "sub"))
        scale = self._affine(self._tile_operand(bias), bias, ("mul",)) if bias else self._affine(op.operands[0], op, ("mul",))
        taken = tuple(each for each in (scale, bias, op) if each is not None)
        engines = self._having("activation")
        if isinstance(op, Elementwise) and op.fn in self._chip.vector.functions and len(taken) == 1:
            # One element a partition is nothing for the vector engine, and the scalar engine keeps its table.
            row = self.is_scalar(op.result, self._layout.get(op.result))
            engines = ("vector", *engines) if row else (*engines, "vector")
        return Group(op, taken, "activation", engines)

    def _affine(self, x: Value, user: Op, fns: tuple[str, ...]) -> Elementwise | None:
        """The operation that defines `x`, if it is one of `fns` with a scalar operand and can be fused into the instruction.

        `x - b` is `x + (-b)`: the producer of `b` leaves it negated, which costs it nothing.
        """
        inner = self._absorbable(x, user)
        across = self._layout.get(x)
        if not isinstance(inner, Elementwise) or inner.fn not in fns or len(inner.operands) != 2:
            return None
        return inner if self.is_scalar(inner.operands[1], across) or self._swapped(inner, across) else None

    def _tile_operand(self, op: Elementwise) -> Value:
        left, right = op.operands
        return left if self.is_scalar(right, self._layout.get(op.result)) else right

    def _swapped(self, op: Elementwise, across: Axis | None) -> bool:
        return op.fn != "sub" and self.is_scalar(op.operands[0], across)

    def _tensor_scalar(self, op: Elementwise) -> Group:
        """`(x op0 a) op1 b`, a and b scalar operands."""
        self._known(op)
        inner = self._inner_scalar(op)
        taken = (inner, op) if inner is not None else (op,)
        engines = self._having("tensor_scalar")
        affine = [each.fn for each in taken] in (["mul", "add"], ["mul", "sub"], ["mul"], ["add"], ["sub"])
        if not affine:
            engines = tuple(name for name in engines if name != "scalar")
        return Group(op, taken, "tensor_scalar", engines)

    def _inner_scalar(self, op: Elementwise) -> Elementwise | None:
        across = self._layout.get(op.result)
        for value in op.operands:
            inner = self._absorbable(value, op)
            if isinstance(inner, Elementwise) and inner.fn in ALU and len(inner.operands) == 2 and not self._is_function(inner):
                others = [each for each in op.operands if each is not value]
                scalar = [self.is_scalar(each, across) for each in inner.operands]
                if any(scalar) and all(self.is_scalar(each, across) for each in others):
                    return inner
        return None

    def _tensor_tensor(self, op: Elementwise) -> Group:
        """`x op y`, or `(x op0 a) op1 y` with a scalar operand a."""
        self._known(op)
        across = self._layout.get(op.result)
        for value in op.operands:
            inner = self._absorbable(value, op)
            if not isinstance(inner, Elementwise) or inner.fn not in ALU or len(inner.operands) != 2:
                continue
            if self._is_function(inner) or not any(self.is_scalar(each, across) for each in inner.operands):
                continue
            return Group(op, (inner, op), "tensor_tensor", self._having("tensor_tensor"))
        return Group(op, (op,), "tensor_tensor", self._having("tensor_tensor"))

    def _select(self, op: Elementwise) -> Group:
        """`where(condition, x, y)`; a condition on positions alone is part of the instruction."""
        condition = self._condition(op.operands[0], op)
        if condition and "gpsimd" in self._having("select"):
            return Group(op, (*condition, op), "select", ("gpsimd",))
        return Group(op, (op,), "select", self._having("select"))

    def _condition(self, value: Value, user: Op) -> tuple[Op, ...] | None:
        """The operations that compute a condition from positions, if nothing else reads them."""
        op = self._uses.definition.get(value)
        if op is None or self._uses.only_user(value) is not user:
            return None
        if isinstance(op, Positions):
            return (op,)
        if not isinstance(op, Elementwise):
            return None
        inner: tuple[Op, ...] = ()
        for operand in op.operands:
            if operand in self._immediates:
                continue
            part = self._condition(operand, op)
            if part is None:
                return None
            inner += part
        return (*inner, op)

    def _absorbable(self, value: Value, user: Op) -> Op | None:
        """The operation that defines `value`, if `user` alone reads it and both stand in one block."""
        op = self._uses.definition.get(value)
        return op if op is not None and self._uses.only_user(value) is user else None

    def _known(self, op: Elementwise) -> None:
        if op.fn not in ALU | ALU_UNARY:
            why = f"no engine has {op.fn} as an instruction"
            raise CannotLower(
                "TK513", self._chip.name, op.result.span, why, "write it with functions that the chip has: see tilery chips"
            )

    def _with_followers(self, found: dict[Op, Group]) -> dict[Op, Group]:
        """Fuses casts, and sums along the partition, into the instruction whose result they read."""
        joined = dict(found)
        for op, group in found.items():
            followers = [each for each in self._followers(group) if each in joined and len(joined[each].ops) == 1]
            for follower in followers:
                del joined[follower]
            if followers:
                sums = any(isinstance(each, Reduce) for each in followers)
                joined[op] = Group(op, (*group.ops, *followers), group.form, group.engines, sums)
        return joined

    def _followers(self, group: Group) -> list[Op]:
        result = group.main.result
        if group.form in ("reduce", "reduce runs", "positions", "scan"):
            return []
        sums = _first(self._uses.of(result), lambda by: self._is_row_sum(by, group))
        cast = _first(self._uses.of(result), lambda by: isinstance(by, Cast))
        same_block = [each for each in (sums, cast) if isinstance(each, Op) and self._same_block(each, group.main)]
        # A cast is free only if the instruction then writes one tile, the cast one.
        others = [use for use in self._uses.of(result) if use.by not in same_block]
        return [each for each in same_block if isinstance(each, Reduce) or not others]

    def _is_row_sum(self, by: object, group: Group) -> bool:
        if not isinstance(by, Reduce) or by.fn != "sum" or group.form != "activation" or group.engines[0] != "scalar":
            return False
        across = self._layout[by.operand]
        if self._runs.get(by.operand) in by.axes:
            return False  # of every partition its own sum, which is not yet that of all
        return {axis for axis in by.operand.axes if axis != across and not axis.unit} == set(by.axes)

    def _same_block(self, a: Op, b: Op) -> bool:
        return self._uses.block_of[a.result] == self._uses.block_of[b.result]


def _first(uses: Iterable[Use], wanted: Callable[[object], bool]) -> object | None:
    return next((use.by for use in uses if wanted(use.by)), None)
