"""Fusion: which operations become one instruction, and which engines have that instruction.

    exp(x * s + b)                                                   -> one activation (scalar engine)
    x * 2 + b                                                        -> one tensor_scalar
    x * s + y                                                        -> one tensor_tensor with a scalar operand
    where(j <= i, x, -inf)                                           -> one select on positions (gpsimd engine)

What an instruction does with its result in passing, casts and reductions, is added when it is placed (`fusion.followers`).
An operand is a *scalar* operand if it is an immediate, or has one element a partition; else it is a *tile* operand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tilery.backends.machine.engine_program import Compute
from tilery.backends.machine.errors import CannotLower, said
from tilery.backends.operations.table import OPERATIONS
from tilery.backends.trainium.chip_tables import TrainiumChip
from tilery.dsl.functions import FUNCTIONS
from tilery.dsl.program import Axis, Call, Cast, Elementwise, Fill, Op, Positions, Reduce, Scan, Statement, Value
from tilery.dsl.types import I32

from ..fusion.predicates import Predicates
from ..instructions import (
    Activation,
    Iota,
    Memset,
    ScalarTensorTensor,
    Select,
    Step,
    TakeEnd,
    TensorCopy,
    TensorReduce,
    TensorScalar,
    TensorScan,
    TensorTensor,
)
from .host import Host
from .layout import Layout
from .uses import Uses

ALU = frozenset(name for name, each in OPERATIONS.items() if each.unit == "alu")
"""The operations of tensor_scalar and tensor_tensor."""
BITS = frozenset(name for name in ALU if FUNCTIONS[name].gives == "integer")
"""Those on bits: the vector engine alone has them, and never in one instruction with arithmetic or a cast (NKI)."""
ALU_UNARY = frozenset(name for name, each in OPERATIONS.items() if each.unit == "one operand")
"""Further operations with one tile operand that take one pass."""


@dataclass(frozen=True, slots=True)
class Group:
    """Operations that become one instruction, or several in a row that write the same tile."""

    main: Op
    """The operation at whose place in the program the instruction is emitted."""
    ops: tuple[Op, ...]
    """In order of evaluation."""
    form: str
    engines: tuple[str, ...]
    """The engines that have the instruction, the usual one first."""
    instructions: tuple[Compute, ...] = ()
    """With values as operands; a reduction along runs takes several, which `reduce_runs` builds."""
    minus: bool = False
    """True: the bias of the activation is to be negated."""

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The values read that are not computed inside."""
        inside = {op.result for op in self.ops}
        found = (each for one in self.instructions for each in one.inputs if isinstance(each, Value) and each not in inside)
        return tuple(dict.fromkeys(found))


class Selector:
    """Groups the computing operations of one block."""

    def __init__(self, chip: TrainiumChip, layout: Layout, runs: Mapping[Value, Axis], uses: Uses, host: Host) -> None:
        self._runs = runs
        self._chip = chip
        self._layout = layout
        self._uses = uses
        self._host = host
        self._immediates = host.values
        self._predicates = Predicates(uses, host)
        self._wanted_negative: set[Value] = set()
        """Values of which all that is read is their negation."""
        self._negative: set[Value] = set()
        """Those of them that their own instruction leaves negated."""
        self._inside: set[Op] = set()
        """What selects have taken up: the comparisons of positions."""
        self._functions = frozenset(chip.scalar.instructions)
        self._vector_functions = frozenset(chip.vector.functions)

    def groups(self, body: Iterable[Statement]) -> dict[Op, Group]:
        """Maps each operation at which an instruction is emitted to its group. Operations that it begins with are absent."""
        found: dict[Op, Group] = {}
        taken: set[Op] = set()
        computing = [each for each in body if isinstance(each, Elementwise | Call | Cast | Fill | Reduce | Scan | Positions)]
        for op in reversed(computing):
            if op in taken:
                continue
            if isinstance(op, Positions) and self._within_selects(op):
                continue
            group = self._matched(op)
            if op.result in self._wanted_negative:
                group = self._negated(group)
            taken.update(group.ops)
            found[op] = group
        return found

    def is_scalar(self, value: Value, across: Axis | None) -> bool:
        """True if a value has at most one element a partition."""
        return value in self._immediates or all(axis == across or axis.unit for axis in value.axes)

    def _matched(self, op: Op) -> Group:
        match op:
            case Fill() if op.operand not in self._immediates:
                return Group(op, (op,), "copy", self.having("copy"), (TensorCopy(op.result.axes, op.operand, op.result),))
            case Fill():
                return Group(op, (op,), "memset", self.having("memset"), (Memset(op.result.axes, op.operand, op.result),))
            case Positions():
                return Group(op, (op,), "positions", self.having("positions"), (Iota((op.axis,), op.axis, op.result),))
            case Cast():
                return Group(op, (op,), "copy", self.having("copy"), (TensorCopy(op.result.axes, op.operand, op.result),))
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

    def having(self, form: str) -> tuple[str, ...]:
        """The engines that have an instruction, the usual one first."""
        return tuple(name for name in ("vector", "scalar", "gpsimd") if form in self._chip.engine(name).forms)

    def _first_of(self, form: str, engine: str) -> tuple[str, ...]:
        """The engine alone that a form belongs on, if it has it; else those that have it.

        Tiles of floats are the vector engine's: GpSimd could combine two, at no published rate. It is the one that is exact for
        32-bit integers.
        """
        able = self.having(form)
        return (engine,) if engine in able else able

    def _reduce(self, op: Reduce) -> Group:
        if any(axis == self._layout[op.operand] for axis in op.axes):
            return Group(op, (op,), "reduce across", self.having("reduce"))
        if op.fn in ("first", "last"):
            taken = TakeEnd(op.operand.axes, op.operand, op.axes, op.result, op.fn == "last")
            return Group(op, (op,), "copy", self.having("copy"), (taken,))
        if self._runs.get(op.operand) in op.axes:
            return Group(op, (op,), "reduce runs", self.having("reduce"))
        reduction = TensorReduce(op.operand.axes, op.fn, op.operand, op.axes, op.result)
        return Group(op, (op,), "reduce", self.having("reduce"), (reduction,))

    def _scan(self, op: Scan) -> Group:
        if op.axis == self._layout[op.result]:
            why = f"{op.fn} runs across the partitions, where axis {op.axis} of {said(op.operands[-1])} lies"
            raise CannotLower("TK512", self._chip.name, op.result.span, why, "scan along another axis of the tile")
        if not self.having("scan"):
            raise CannotLower("TK513", self._chip.name, op.result.span, "no engine has scans", "run the kernel in the emulator")
        data = op.operands[:2][-1]
        factor = op.operands[0] if len(op.operands) > 1 else None
        start = op.operands[2] if len(op.operands) > 2 else None
        scan = TensorScan(op.result.axes, op.fn, data, op.axis, op.result, factor, start, op.exclusive, op.reverse)
        return Group(op, (op,), "scan", self.having("scan"), (scan,))

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
            single = Activation(op.result.axes, op, op.operands[0], None, None, op.result)
            return Group(op, (op,), "activation", ("vector",), (single,))
        # cos is sin with a bias of its own.
        bias = None if op.fn == "cos" else self._affine(op.operands[0], op, ("add", "sub"))
        scale = self._affine(self._tile_operand(bias), bias, ("mul",)) if bias else self._affine(op.operands[0], op, ("mul",))
        taken = tuple(each for each in (scale, bias, op) if each is not None)
        engines = self.having("activation")
        if isinstance(op, Elementwise) and op.fn in self._chip.vector.functions and len(taken) == 1:
            # One element a partition is nothing for the vector engine, and the scalar engine keeps its table.
            row = self.is_scalar(op.result, self._layout.get(op.result))
            engines = ("vector", *engines) if row else (*engines, "vector")
        data, factor = self._parts(scale) if scale else (self._tile_operand(bias) if bias else op.operands[0], None)
        added = self._parts(bias)[1] if bias else None
        minus = bias is not None and bias.fn == "sub"
        if minus and added is not None and self._uses.only_user(added) is bias:
            self._wanted_negative.add(added)
        activation = Activation(op.result.axes, op, data, factor, added, op.result)
        return Group(op, taken, "activation", engines, (activation,), minus)

    def _within_selects(self, op: Positions) -> bool:
        """True if selects count these positions themselves, and nothing else reads them."""
        users = [use.by for use in self._uses.of(op.result)]
        return bool(users) and all(isinstance(by, Op) and by in self._inside for by in users)

    def _negated(self, group: Group) -> Group:
        """The same with its result negated, if that costs nothing; else what reads it has to negate it."""
        instruction = self._negating(group.instructions[0]) if group.instructions else None
        if instruction is None:
            return group
        self._negative.add(group.main.result)
        return replace(group, instructions=(instruction,))

    def _negating(self, instruction: Compute) -> Compute | None:
        """The instruction that leaves its result negated; None if that takes another one."""
        match instruction:
            case TensorReduce():
                return replace(instruction, negate=True)
            case TensorScalar(first=Step(fn="mul", operand=Value() as factor), second=None) if factor in self._host.values:
                return replace(instruction, first=replace(instruction.first, operand=self._host.negated(factor)))
            case TensorScalar(first=Step(fn="sub") as step, second=None):
                return replace(instruction, first=replace(step, reverse=not step.reverse))
            case _:
                return None

    def leaves_as_it_is(self, value: Value) -> None:
        """Says that a value is computed by an instruction that does not negate it."""
        self._negative.discard(value)

    def is_negated(self, value: Value) -> bool:
        """True if the instruction that computes a value leaves it negated, because that is all that is read of it."""
        return value in self._negative

    def _parts(self, op: Elementwise) -> tuple[Value, Value]:
        """The tile and the scalar operand of an operation that has both."""
        tile = self._tile_operand(op)
        return tile, op.operands[1] if tile is op.operands[0] else op.operands[0]

    def _affine(self, x: Value, user: Op, fns: tuple[str, ...]) -> Elementwise | None:
        """The operation that defines `x`, if it is one of `fns` with a scalar operand and can be fused into the instruction.

        `x - b` is `x + (-b)`.
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
        if len(op.operands) == 2 and self.is_exact(op):
            left, right = op.operands
            pair = TensorTensor(op.result.axes, op.fn, left, right, op.result)
            return Group(op, (op,), "tensor_tensor", ("gpsimd",), (pair,))
        inner = self._inner_scalar(op)
        taken = (inner, op) if inner is not None else (op,)
        engines = self.having("tensor_scalar")
        affine = [each.fn for each in taken] in (["mul", "add"], ["mul", "sub"], ["mul"], ["add"], ["sub"])
        if not affine:
            engines = tuple(name for name in engines if name != "scalar")
        engines = _able(op, engines)
        if inner is None:
            data, first = self._step(op, None)
            return Group(op, taken, "tensor_scalar", engines, (TensorScalar(op.result.axes, data, first, None, op.result),))
        data, first = self._step(inner, None)
        _, second = self._step(op, inner.result)
        return Group(op, taken, "tensor_scalar", engines, (TensorScalar(op.result.axes, data, first, second, op.result),))

    def _step(self, op: Elementwise, running: Value | None) -> tuple[Value, Step]:
        """The tile that an operation works on, `running` if that is given, and what it does to it."""
        if len(op.operands) == 1:
            return op.operands[0], Step(op.fn, None)
        left, right = op.operands
        across = self._layout.get(op.result)
        on_left = left is running if running else self.is_scalar(right, across) and left not in self._immediates
        return (left, Step(op.fn, right)) if on_left else (right, Step(op.fn, left, reverse=True))

    def _inner_scalar(self, op: Elementwise) -> Elementwise | None:
        across = self._layout.get(op.result)
        for value in op.operands:
            inner = self._absorbable(value, op)
            if not isinstance(inner, Elementwise) or (inner.fn in BITS) != (op.fn in BITS):
                continue
            if inner.fn in ALU and len(inner.operands) == 2 and not self._is_function(inner):
                others = [each for each in op.operands if each is not value]
                scalar = [self.is_scalar(each, across) for each in inner.operands]
                if any(scalar) and all(self.is_scalar(each, across) for each in others):
                    return inner
        return None

    def _tensor_tensor(self, op: Elementwise) -> Group:
        """`x op y`, or `(x op0 a) op1 y` with a scalar operand a."""
        self._known(op)
        across = self._layout.get(op.result)
        exact = "gpsimd" if self.is_exact(op) else "vector"
        for value in op.operands:
            inner = self._absorbable(value, op) if exact == "vector" else None
            if not isinstance(inner, Elementwise) or inner.fn not in ALU or len(inner.operands) != 2:
                continue
            if self._is_function(inner) or not any(self.is_scalar(each, across) for each in inner.operands):
                continue
            if (inner.fn in BITS) != (op.fn in BITS):
                continue
            data, first = self._step(inner, None)
            _, second = self._step(op, inner.result)
            both = ScalarTensorTensor(op.result.axes, data, first, second, op.result)
            return Group(op, (inner, op), "tensor_tensor", self._first_of("tensor_tensor", "vector"), (both,))
        left, right = op.operands
        pair = TensorTensor(op.result.axes, op.fn, left, right, op.result)
        return Group(op, (op,), "tensor_tensor", self._first_of("tensor_tensor", exact), (pair,))

    def _select(self, op: Elementwise) -> Group:
        """`where(condition, x, y)`; comparisons of positions are part of the instruction, one instruction each."""
        if "gpsimd" in self.having("select"):
            chain = self._predicates.chain(op)
            if chain is not None:
                self._inside.update(chain.ops)
                return Group(op, (*chain.ops, op), "select", ("gpsimd",), chain.instructions)
        condition, on_true, on_false = op.operands
        choice = Select(op.result.axes, condition, on_true, on_false, op.result)
        return Group(op, (op,), "select", self._first_of("select", "vector"), (choice,))

    def is_exact(self, op: Elementwise) -> bool:
        """Whether an operation goes to GpSimd for its whole numbers: with two tiles its instruction is exact for 32 bits (NKI).

        All others compute in f32, in which whole numbers are exact up to 24 bits.
        """
        integers = op.fn not in BITS and all(each.element == I32 for each in (*op.operands, op.result))
        return integers and "tensor_tensor" in self._chip.gpsimd.forms

    def _absorbable(self, value: Value, user: Op) -> Op | None:
        """The operation that defines `value`, if `user` alone reads it and both stand in one block."""
        op = self._uses.definition.get(value)
        if isinstance(op, Elementwise) and len(op.operands) == 2 and self.is_exact(op):
            return None  # an instruction of its own
        return op if op is not None and self._uses.only_user(value) is user else None

    def _known(self, op: Elementwise) -> None:
        if op.fn not in ALU | ALU_UNARY:
            why = f"no engine has {op.fn} as an instruction"
            raise CannotLower(
                "TK513", self._chip.name, op.result.span, why, "write it with functions that the chip has: see tilery chips"
            )


def _able(op: Elementwise, engines: tuple[str, ...]) -> tuple[str, ...]:
    """The engines that carry out an operation, of those that have its form."""
    return ("vector",) if op.fn in BITS and "vector" in engines else engines
