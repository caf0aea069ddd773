"""The syntax tree: a `.tk` text as it was written, every node with its span, nothing resolved yet."""

from __future__ import annotations

from dataclasses import dataclass

from ..spans import Span


@dataclass(frozen=True, slots=True)
class Node:
    """Base of everything that stands somewhere in a text."""

    span: Span


# --- expressions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A literal number, without sign."""

    value: int | float


@dataclass(frozen=True, slots=True)
class Truth(Node):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A name, whatever it may turn out to name."""

    text: str


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`-x`, `+x`, `not x`."""

    op: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`left op right`: arithmetic, `@`, comparisons, `and`, `or`."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Subscript(Node):
    """`a[m, k]`, `zeros[m, n]`, `zeros[m, n] like a @ b`, `index[N]`, `x[n + 1, else 0]`."""

    base: Name
    items: tuple[Expr, ...]
    otherwise: Expr | None
    like: tuple[Name, ...] = ()
    """The one or two names of `zeros[m, n] like x`, `zeros[m, n] like a @ b`."""


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`exp(x)`, `f32(x)`, `sum[n](x)`, `dot[k](a, b)`; `axes` is None without brackets."""

    function: Name
    axes: tuple[Expr, ...] | None
    arguments: tuple[Expr, ...]


Expr = Number | Truth | Name | Unary | Binary | Subscript | Call
Choice = Number | Name
"""One choice of a tuning parameter."""


# --- statements -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Doc(Node):
    """A string standing as a statement."""

    text: str


@dataclass(frozen=True, slots=True)
class Alone(Node):
    """An expression that nothing is done with: a mistake."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """`target = value`, or `target op= value`; what may be a target is for the checker to say."""

    target: Expr
    op: str | None
    """`+ - * / max min` of `+=` and its like, None for `=`."""
    value: Expr


@dataclass(frozen=True, slots=True)
class By(Node):
    """What follows `by`: `numbers` holds one number, the two bounds of a range, or the choices of a list."""

    kind: str
    """`exactly`, `between`, `listed`, or `tuned` for a name."""
    numbers: tuple[Number, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """`m of M by 128`."""

    name: Name
    dimension: Expr
    by: By | None


@dataclass(frozen=True, slots=True)
class Tile(Node):
    """`tile m of M, n of N:`; the span is the heading's."""

    variables: tuple[Variable, ...]
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class For(Node):
    """`for k of K if guard:`; the span is the heading's."""

    variable: Variable
    guard: Expr | None
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Count(Node):
    """`for r in 0..3:`; the span is the heading's."""

    counter: Name
    start: Expr
    stop: Expr
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class If(Node):
    """`if condition: ... else: ...`; the span is the heading's."""

    condition: Expr
    then: tuple[Stmt, ...]
    otherwise: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Reference(Node):
    """`reference:`; the span is the heading's."""

    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Require(Node):
    """`require condition, "message"`."""

    condition: Expr
    message: str


@dataclass(frozen=True, slots=True)
class AxisName(Node):
    """`axis G of H`: another name for a whole axis, or one for arithmetic on dimensions."""

    name: Name
    dimension: Expr


@dataclass(frozen=True, slots=True)
class Tune(Node):
    """`tune TK in 64..512 step 64 = 128` or `tune P in {bf16, f16}`; a range is written out, unless it is a mistake."""

    name: Name
    choices: tuple[Choice, ...]
    default: Choice | None


@dataclass(frozen=True, slots=True)
class Temp(Node):
    """`temp h: T[M, N]`, a tensor in device memory for as long as a call lasts."""

    name: Name
    type: Name
    dimensions: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Print(Node):
    """`print("text", tile)`."""

    text: str
    values: tuple[Expr, ...]


Stmt = Doc | Alone | Assign | Tile | For | Count | If | Reference | Require | AxisName | Tune | Temp | Print


# --- items of a file --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Range(Node):
    """`in low..high` behind a parameter's type; the span is that of the two bounds."""

    low: Expr
    high: Expr


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """`name: inout type[dimensions] in low..high = default`; a result is written the same way."""

    name: Name
    type: Name
    dimensions: tuple[Expr, ...] | None
    default: Expr | None
    range: Range | None = None
    word: Name | None = None
    """What stands before the type: `inout`, `distinct`."""


@dataclass(frozen=True, slots=True)
class KernelNode(Node):
    """`kernel name(parameters) -> results:`; the span is the name's."""

    name: str
    parameters: tuple[Parameter, ...]
    results: tuple[Parameter, ...]
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Function(Node):
    """`fn name(parameters) = body`; the span is the name's."""

    name: str
    parameters: tuple[Name, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Import(Node):
    """`from file import names`; the span is the file's name."""

    file: str
    names: tuple[Name, ...]


Item = KernelNode | Function | Import


def inner_blocks(statement: Stmt) -> tuple[tuple[Stmt, ...], ...]:
    """The blocks of statements inside a statement."""
    match statement:
        case Tile() | For() | Count() | Reference():
            return (statement.body,)
        case If():
            return (statement.then, statement.otherwise)
        case _:
            return ()
