"""A checked program as text: for a person to read, and for its fingerprint.

What is printed depends on nothing but the program: not on comments, layout, or where the text stands.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .functions import EXCLUSIVE, REVERSE
from .program import (
    AffineIndex,
    AxisIndex,
    Call,
    Cast,
    Constant,
    ConstantParameter,
    CountedLoop,
    Cut,
    DimensionSize,
    Dot,
    Elementwise,
    Fill,
    ForLoop,
    If,
    Index,
    Insert,
    Load,
    LoopVariable,
    Op,
    Parameter,
    Positions,
    Print,
    Program,
    Reduce,
    ScalarArgument,
    Scan,
    Statement,
    Store,
    Tensor,
    TileLoop,
    TileSize,
    Unwritten,
    Value,
)


def print_program(kernel: Program) -> str:
    """The program as text, one operation a line, with the axes and the type of each value."""
    return "\n".join(_Printer(named=True).kernel(kernel)) + "\n"


def fingerprint(kernel: Program) -> str:
    """16 hex digits that change with what a kernel computes, and not with its names for values, comments or layout."""
    lines = _Printer(named=False).kernel(kernel)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@dataclass(slots=True)
class _Printer:
    named: bool
    """Whether values keep the names of the text; else they are numbered."""
    names: dict[Value, str] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)

    # --- names --------------------------------------------------------------------------------------------------------

    def name(self, value: Value) -> str:
        """The name of a value: `acc`, the next one of that name `acc'2`, nameless ones `%1`, `%2`."""
        if value not in self.names:
            base = value.name if self.named and not value.name.startswith("%") else "%"
            self.taken[base] += 1
            number = self.taken[base]
            self.names[value] = f"%{number}" if base == "%" else base if number == 1 else f"{base}'{number}"
        return self.names[value]

    def typed(self, value: Value) -> str:
        """`acc: f32[m, n]`."""
        axes = f"[{_comma(value.axes)}]" if value.axes else ""
        return f"{self.name(value)}: {value.dtype}{axes}"

    def values(self, values: Iterable[Value]) -> str:
        """Names in a row."""
        return ", ".join(self.name(each) for each in values)

    # --- the whole ----------------------------------------------------------------------------------------------------

    def kernel(self, kernel: Program) -> list[str]:
        """All lines of a kernel."""
        signature = kernel.signature
        # A range changes no value, so that a tuned entry outlives its being declared: the fingerprint leaves it out.
        parameters = [print_parameter(each, ranged=self.named) for each in signature.parameters]
        results = [print_parameter(each) for each in signature.results if each.role != "inout"]
        lines = [f"kernel {kernel.name}({', '.join(parameters)}) -> ({', '.join(results)}):"]
        lines += [f"    temp {print_parameter(each)}" for each in signature.temps]
        lines += [f"    tune {each.name} in {{{_comma(each.choices)}}} = {each.default}" for each in kernel.tunes]
        derived = dict(signature.derived)
        lines += [f"    axis {name} of {derived[name]}" for name in signature.named]
        fixed = [f"{name} = {value}" for name, value in sorted({**kernel.types, **kernel.constants, **kernel.tuned}.items())]
        lines += [f"    with {', '.join(fixed)}"] if fixed else []
        for each in kernel.requirements:
            lines += ["    require:", *self.block(each.condition)]
        if kernel.reference:
            lines += ["    reference:", *self.block(kernel.reference)]
        return [*lines, "    body:", *self.block(kernel.body)]

    def block(self, statements: Sequence[Statement], depth: int = 2) -> list[str]:
        """The lines of statements, indented."""
        return [f"{'    ' * depth}{line}" for each in statements for line in self.statement(each)]

    def inner(self, statements: Sequence[Statement]) -> list[str]:
        """The lines of a block inside a statement."""
        return self.block(statements, 1)

    # --- statements ---------------------------------------------------------------------------------------------------

    def statement(self, each: Statement) -> list[str]:
        """The lines of one statement."""
        match each:
            case Store():
                sign = "=" if not each.accumulate else "+=" if each.fn == "add" else f"{each.fn}="
                return [f"{each.tensor.name}[{self.index(each.index)}] {sign} {self.name(each.value)}"]
            case TileLoop():
                return [f"tile {', '.join(map(_variable, each.variables))}:", *self.inner(each.body)]
            case ForLoop():
                return self.for_loop(each)
            case CountedLoop():
                return self.looped("", f"for {each.counter} in {each.start}..{each.stop}", each)
            case If():
                return self.branches(each)
            case Print():
                return [f"print {each.what} = {self.name(each.value)}" + (f" ({each.text})" if each.text else "")]
            case Call():
                text = f"{self.typed(each.result)} = {each.fn}({self.values(each.operands)}):"
                return [text, *self.inner(each.body)]
            case _:
                return [f"{self.typed(each.result)} = {self.operation(each)}"]

    def for_loop(self, loop: ForLoop) -> list[str]:
        """A loop; what it carries is `(argument = initial -> updated)`, and its results follow it."""
        lines = []
        if loop.guard:
            lines = ["guard:", *self.inner(loop.guard.body)]
        guarded = " if any(guard)" if loop.guard else ""
        return [*lines, *self.looped(guarded, f"for {_variable(loop.variable)}", loop)]

    def looped(self, guarded: str, heading: str, loop: ForLoop | CountedLoop) -> list[str]:
        """The lines of a loop's body between what it takes from step to step."""
        arguments = [f"{self.typed(each.argument)} = {self.name(each.initial)}" for each in loop.carried]
        body = self.inner(loop.body)
        updated = [f"    next {self.name(each.argument)} = {self.name(each.updated)}" for each in loop.carried]
        after = [f"{self.typed(each.result)} = last {self.name(each.argument)}" for each in loop.carried]
        carries = f" carrying {', '.join(arguments)}" if arguments else ""
        return [f"{heading}{guarded}{carries}:", *body, *updated, *after]

    def branches(self, node: If) -> list[str]:
        """An undecided `if`."""
        lines = ["condition:", *self.inner(node.condition), f"if {self.name(node.condition[-1].result)}:"]
        lines += [*self.inner(node.then), "else:", *self.inner(node.otherwise)]
        return lines + [
            f"{self.typed(each.result)} = either {self.name(each.then)} or {self.name(each.otherwise)}" for each in node.merged
        ]

    # --- operations ---------------------------------------------------------------------------------------------------

    def operation(self, op: Op) -> str:
        """What an operation computes."""
        match op:
            case Constant():
                return repr(op.value)
            case ScalarArgument():
                return f"argument {op.parameter}"
            case DimensionSize():
                return f"size {op.size}"
            case Positions():
                return f"positions {op.axis}"
            case Load():
                fill = "" if op.fill is None else f", else {op.fill!r}"
                return f"load {op.tensor.name}[{self.index(op.index)}{fill}]"
            case Unwritten():
                return "unwritten"
            case Cut():
                fill = "" if op.fill is None else f", else {op.fill!r}"
                return f"cut {self.name(op.tile)}[{self.index(op.index)}{fill}]"
            case Insert():
                return f"insert {self.name(op.tile)}[{self.index(op.index)}] = {self.name(op.value)}"
            case Elementwise():
                return f"{op.fn}({self.values(op.operands)})"
            case Cast():
                return f"cast({self.name(op.operand)})"
            case Fill():
                return f"fill({self.name(op.operand)})"
            case Reduce():
                return f"{op.fn}[{_comma(op.axes)}]({self.name(op.operand)})"
            case Scan():
                words = [word for word, meant in ((EXCLUSIVE, op.exclusive), (REVERSE, op.reverse)) if meant]
                return f"{op.fn}[{_comma([op.axis, *words])}]({self.values(op.operands)})"
            case Dot():
                return f"dot[{_comma(op.axes)}]({self.name(op.left)}, {self.name(op.right)})"
            case _:
                raise AssertionError(f"no text for {type(op).__name__}")

    def index(self, index: tuple[Index, ...]) -> str:
        """What stands in the brackets of a load, a cut, an insertion or a store."""
        return _comma(map(self._position, index))

    def _position(self, index: Index) -> str:
        match index:
            case AxisIndex(axis):
                return axis.name
            case AffineIndex(terms, offset):
                parts = [f"({stride}) * {axis}" for axis, stride in terms]
                return " + ".join([*parts, f"({offset})"])
            case _:
                return f"at {self.name(index.value)}"


def _comma(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))


def print_parameter(each: Parameter, ranged: bool = True) -> str:
    """An argument or a result as a signature has it, or without its range."""
    if isinstance(each, ConstantParameter):
        return f"{each.name}: {each.kind}{_default(each.default)}"
    within = f" in {each.range}" if ranged and each.range else ""
    if isinstance(each, Tensor):
        word = "inout " if each.role == "inout" else "distinct " if each.distinct else ""
        return f"{each.name}: {word}{each.dtype}[{each.dimensions_text}]{within}"
    return f"{each.name}: {each.dtype}{within}{_default(each.default)}"


def _default(value: float | int | bool | None) -> str:
    return "" if value is None else f" = {value!r}"


def _variable(variable: LoopVariable) -> str:
    by = _by(variable.by)
    return f"{variable.axis} of {variable.axis.parent or variable.axis.size}" + (f" by {by}" if by else "")


def _by(by: TileSize) -> str:
    if by.tune is not None:
        return by.tune
    if by.choices is None:
        return "" if by.low is None else f"{by.low}..{by.high}"
    return str(by.choices[0]) if len(by.choices) == 1 else "{" + _comma(by.choices) + "}"
