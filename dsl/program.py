"""The checked tile program: what a kernel means, after every name, axis and type has been resolved.

Declared here in one place, immutable, every node with its span. It is in single-assignment form: each `Op` defines one
`Value`, operands are values, and what a loop carries is listed on the loop. It knows shapes only by the names of their
dimensions; `specialise` has already bound the element types and decided every `if` on a constant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .errors import UsageError
from .spans import Span
from .types import AnyType, ElementType


@dataclass(frozen=True, slots=True)
class SizeOp:
    """Arithmetic on dimensions, `left op right`, in whole numbers."""

    op: str
    """One of `+ - * //`."""
    left: Size
    right: Size

    def __str__(self) -> str:
        return f"{self._operand(self.left, False)} {self.op} {self._operand(self.right, True)}"

    def _operand(self, size: Size, right: bool) -> str:
        """An operand, in parentheses where the text needs them."""
        if not isinstance(size, SizeOp):
            return str(size)
        tight = self.op in ("*", "//")
        loose = size.op in ("+", "-")
        needs = (loose and (tight or (right and self.op == "-"))) or (right and tight)
        return f"({size})" if needs else str(size)


Size = int | str | SizeOp
"""An extent: a number, a dimension's name, or arithmetic on them, in the canonical form of `sizes.py`.

In a kernel that is not specialised it may also name a constant, a tuning parameter or the counter of a loop.
"""


LEADING = "..."
"""The dimension that any number of axes of an argument make together: its size is their product."""


def size_value(size: Size, dims: Mapping[str, int]) -> int:
    """The number of elements that `size` stands for, `dims` giving each named dimension's; UsageError for a division by zero."""
    match size:
        case int():
            return size
        case str():
            return dims[size]
        case SizeOp(op, left, right):
            a, b = size_value(left, dims), size_value(right, dims)
            if op == "//" and b == 0:
                raise UsageError(f"`{size}` divides by zero: `{right}` is 0")
            return {"+": a + b, "-": a - b, "*": a * b}[op] if op != "//" else a // b


@dataclass(frozen=True, slots=True)
class Range:
    """What the elements of an argument are said to lie in, `in 1..L`; both bounds are included."""

    low: Size | float
    """A size, or a number with a fraction, or minus infinity."""
    high: Size | float

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"

    def limits(self, dims: Mapping[str, int]) -> tuple[float, float]:
        """The two bounds as numbers, whole where they are sizes; infinite where the text says `inf`."""
        low, high = (each if isinstance(each, float) else size_value(each, dims) for each in (self.low, self.high))
        return low, high


@dataclass(frozen=True, slots=True)
class Axis:
    """A named axis of a tile."""

    name: str
    """`m` for a tile variable, `N` for a whole dimension. Within one kernel a name means one axis."""
    size: Size
    """The dimension along which its positions run."""
    whole: bool
    """True: every position of the dimension. False: the part that one step of its loop covers."""
    unit: bool = False
    """True for `by 1`: of extent one by definition."""
    parent: str | None = None
    """For `k of m`: the name of the tile variable whose tile this one cuts. `size` is the dimension's all the same, and
    positions count over all of it: those of `k` run, tile after tile, through the positions that the tile of `m` covers."""

    def __hash__(self) -> int:
        return hash(self.name)  # lowering looks axes up all the time; within one kernel the name tells them apart

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """One value of the program; two values are the same only if they are the same object."""

    name: str
    """The name it has in the text, or `%n`."""
    axes: tuple[Axis, ...]
    """The named axes in order of first appearance; empty for a scalar."""
    dtype: AnyType
    """The type its elements have: a memory type after a load or a cast, else f32, i32 or bool."""
    span: Span

    @property
    def element(self) -> ElementType:
        """The element type of a value of a specialised kernel."""
        assert isinstance(self.dtype, ElementType), f"{self.name} is not specialised"
        return self.dtype

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor in device memory, argument or result."""

    name: str
    dtype: AnyType
    shape: tuple[Size, ...]
    """Row-major: the last dimension is contiguous."""
    span: Span
    range: Range | None = None
    """What the text says of the elements of an argument."""
    role: str = "argument"
    """`argument`, `result`, `inout` for both at once, or `temp`."""
    distinct: bool = False
    """True for an argument whose elements all differ, `ids: distinct i32[S]`: as places, no two are the same."""
    phase: int = 0
    """In a load or a store: how many phases have written to it, a store's own included. Loads of different phases differ."""
    either: tuple[int, ...] = ()
    """The dimensions that may have one element instead, `1 or M`, by their place."""
    spread: tuple[tuple[int, Size], ...] = ()
    """Those of them that have one element in a specialised kernel, and what the text has them stand for."""

    @property
    def written(self) -> tuple[Size, ...]:
        """The dimensions that the text indexes: of `1 or M` always M."""
        if not self.spread:
            return self.shape
        stands_for = dict(self.spread)
        return tuple(stands_for.get(place, size) for place, size in enumerate(self.shape))

    @property
    def dimensions_text(self) -> str:
        """`1 or M, N`, as the heading writes the dimensions."""
        spread = dict(self.spread)
        either = [each for each in self.either if each not in spread]
        return ", ".join(f"1 or {size}" if place in either else str(size) for place, size in enumerate(self.shape))

    @property
    def element(self) -> ElementType:
        """The element type of a tensor of a specialised kernel."""
        assert isinstance(self.dtype, ElementType), f"{self.name} is not specialised"
        return self.dtype


@dataclass(frozen=True, slots=True)
class ScalarParameter:
    """A run-time scalar, `scale: f32`."""

    name: str
    dtype: ElementType
    default: float | int | bool | None
    span: Span
    range: Range | None = None


@dataclass(frozen=True, slots=True)
class ConstantParameter:
    """A constant of the specialisation, `causal: bool = true` or `steps: int`."""

    name: str
    kind: str
    """`int` or `bool`."""
    default: int | bool | None
    span: Span


Parameter = Tensor | ScalarParameter | ConstantParameter


@dataclass(frozen=True, slots=True)
class Signature:
    """What a kernel takes and gives."""

    parameters: tuple[Parameter, ...]
    """In the order of the text, which is the order of a call."""
    results: tuple[Tensor, ...]
    dimensions: tuple[str, ...]
    """The name of every dimension that the arguments bind, in order of first appearance."""
    type_variables: tuple[str, ...]
    temps: tuple[Tensor, ...] = ()
    """The tensors that live in device memory for as long as a call lasts, `temp h: T[M, N]`."""
    derived: tuple[tuple[str, Size], ...] = ()
    """Names of dimensions that follow from others, `require P == H // 2`. Shapes and axes hold what they stand for."""
    named: tuple[str, ...] = ()
    """Those of them that `axis P of H // 2` declares: names for axes, of which no shape needs to speak."""

    def size(self, dimension: str) -> Size | None:
        """What a dimension's name stands for: itself, or the size that it follows from; None if there is no such dimension."""
        return dimension if dimension in self.dimensions else dict(self.derived).get(dimension)

    @property
    def dimension_names(self) -> tuple[str, ...]:
        """Every dimension's name, derived ones too."""
        return (*self.dimensions, *(name for name, _ in self.derived))

    @property
    def memory(self) -> tuple[Tensor, ...]:
        """Every tensor in device memory, each once."""
        return (*self.tensors, *(each for each in self.results if each.role != "inout"), *self.temps)

    @property
    def ranges(self) -> dict[str, Range]:
        """The declared ranges, by the name of their argument."""
        return {each.name: each.range for each in self.data if each.range is not None}

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensor arguments."""
        return tuple(each for each in self.parameters if isinstance(each, Tensor))

    @property
    def scalars(self) -> tuple[ScalarParameter, ...]:
        """The run-time scalars."""
        return tuple(each for each in self.parameters if isinstance(each, ScalarParameter))

    @property
    def data(self) -> tuple[Tensor | ScalarParameter, ...]:
        """What a run is given, and what is drawn for it: tensors, then scalars."""
        return (*self.tensors, *self.scalars)

    @property
    def ones(self) -> tuple[str, ...]:
        """The names of dimensions `1 or M`: `bias.M` of the tensor `bias`. Such a name is bound to 1, or to nothing."""
        return tuple(f"{each.name}.{each.written[place]}" for each in self.tensors for place in each.either)

    @property
    def constants(self) -> tuple[ConstantParameter, ...]:
        """The constants of the specialisation."""
        return tuple(each for each in self.parameters if isinstance(each, ConstantParameter))


# --- operations: each defines `result` --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Op:
    """Base of everything that defines a value."""

    result: Value


@dataclass(frozen=True, slots=True)
class Constant(Op):
    """A number or truth value, without axes; `inf` is `math.inf`."""

    value: float | int | bool


@dataclass(frozen=True, slots=True)
class ScalarArgument(Op):
    """The value of a run-time scalar parameter (in a kernel not yet specialised, of a constant one too)."""

    parameter: str


@dataclass(frozen=True, slots=True)
class DimensionSize(Op):
    """The size of a dimension, i32, without axes."""

    size: Size


@dataclass(frozen=True, slots=True)
class Positions(Op):
    """The global positions that an axis covers, i32, that one axis."""

    axis: Axis


@dataclass(frozen=True, slots=True)
class AxisIndex:
    """A dimension of a tensor read or written at the positions of one axis."""

    axis: Axis


@dataclass(frozen=True, slots=True)
class AffineIndex:
    """A dimension at shifted or strided positions, `2 * p + r - 1`: the sum of `stride * positions(axis)`, and `offset`.

    The dimension gives the tile one axis a term. Without terms it is one position, `x[n, 0]`, and gives no axis. Strides and
    offset are sizes: `g * R + r` has the stride `R`, `N - 1 - n` the stride -1 and the offset `N - 1`.
    """

    terms: tuple[tuple[Axis, Size], ...]
    """Axis and stride; no axis twice, no stride 0."""
    offset: Size


@dataclass(frozen=True, slots=True, eq=False)
class GatherIndex:
    """A dimension at the positions that an integer tile holds, `table[ids[m], D]`; the tile's axes are the axes it gives.

    They may be axes of other indices of the same tensor: `x[m, label[m]]` reads one element for each position of `m`.
    A position outside the dimension reads as the load's `fill`; without one, and in a store, it is an error of the data.
    """

    value: Value
    """Of an integer type; without axes it is one position that is known when the kernel runs."""


Index = AxisIndex | AffineIndex | GatherIndex
"""How one dimension of a tensor is indexed, or one axis of a tile."""


def index_axes(index: Iterable[Index]) -> tuple[Axis, ...]:
    """The axes of a tile read or written at `index`, in order of first appearance."""
    axes: dict[Axis, None] = {}
    for each in index:
        match each:
            case AxisIndex(axis):
                axes[axis] = None
            case AffineIndex(terms, _):
                axes |= dict.fromkeys(axis for axis, _ in terms)
            case GatherIndex(value):
                axes |= dict.fromkeys(value.axes)
    return tuple(axes)


def index_values(index: Iterable[Index]) -> tuple[Value, ...]:
    """The values that an index reads."""
    return tuple(each.value for each in index if isinstance(each, GatherIndex))


@dataclass(frozen=True, slots=True)
class Load(Op):
    """A tile of a tensor; the result's axes are `index_axes(index)`, and its type is the tensor's."""

    tensor: Tensor
    index: tuple[Index, ...]
    fill: float | int | bool | None = None
    """What positions outside the tensor read as, `x[n + 1, else 0]`. None: every position lies inside, `check_bounds` sees
    to it before the kernel runs."""


@dataclass(frozen=True, slots=True)
class Unwritten(Op):
    """A tile on the chip that nothing is written to yet: `row[m, n] = ...` in `for n of N` starts from one over `[m, N]`.

    Its elements have no values, and the checker sees to it that each is written before it is read.
    """


@dataclass(frozen=True, slots=True)
class Cut(Op):
    """Part of a tile, `row[m, k]`, or all of it under other axes, `h[b, G]`; the result has the tile's type.

    There is one index for each axis of the tile, in the order of the tile's axes, and the result's axes are
    `index_axes(index)`, as those of a load are. Positions count over the axis's whole dimension, whatever part of it the tile
    covers: of a tile over `m` an index `k`, with `k of m`, is the part that `k` covers. An `AxisIndex` of another axis over
    the same size is a renaming; one of the tile's own axis takes it as it is.
    """

    tile: Value
    index: tuple[Index, ...]
    fill: float | int | bool | None = None
    """What positions outside the tile read as. None: every position lies inside."""


@dataclass(frozen=True, slots=True)
class Insert(Op):
    """The tile with part of it replaced: `row[m, n] = value`. The result has the axes and the type of `tile`.

    `index` is as a cut's, no position twice and all inside; the value's axes are those of the index, in any order, and its
    type is the tile's. Loops carry such a tile as any value; where the old one is not read again it may be written in place.
    """

    tile: Value
    index: tuple[Index, ...]
    value: Value


@dataclass(frozen=True, slots=True)
class Elementwise(Op):
    """A function applied element by element, operands lined up and broadcast by axis name, computed in f32 or i32.

    `fn` is a name of `dsl.functions.FUNCTIONS`, which says of each what it is, what it takes and what it gives.
    """

    fn: str
    operands: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Cast(Op):
    """Rounds to `result.dtype`, to nearest even."""

    operand: Value


@dataclass(frozen=True, slots=True)
class Fill(Op):
    """A tile of the result's axes, every element `operand` (a scalar): `zeros[..]`, `full[..](value)`."""

    operand: Value


@dataclass(frozen=True, slots=True)
class Reduce(Op):
    """`fn` in `sum max min mean prod any all argmax argmin first last` over `axes`, which the result no longer has.

    `argmax` and `argmin` give the first such position, counted over the whole dimension as those of a tile variable are;
    `first` and `last` give the element at the first and last positions that the axes cover.
    """

    fn: str
    operand: Value
    axes: tuple[Axis, ...]


@dataclass(frozen=True, slots=True)
class Scan(Op):
    """A scan along one axis, which the result keeps, one element after the other.

    `fn` in `cumsum cumprod cummax cummin`: element i holds what elements 0 to i come to. `scan` has the operands a, b and perhaps
    a start, which lacks the axis: `h[i] = a[i] * h[i - 1] + b[i]`, beginning with the start, or 0. Operands broadcast by name,
    the product is rounded and then the sum. Over a tile variable it begins anew in each tile.
    """

    fn: str
    operands: tuple[Value, ...]
    axis: Axis
    exclusive: bool = False
    """Element i holds what came of those before it; the first one what there is before any."""
    reverse: bool = False
    """From the last element to the first."""


@dataclass(frozen=True, slots=True)
class Dot(Op):
    """Contraction over `axes`; other shared axes are batch axes. Accumulates in f32, or i32 for integers.

    The result's axes are the left operand's without the contracted ones, then the right operand's that are new.
    """

    left: Value
    right: Value
    axes: tuple[Axis, ...]


@dataclass(frozen=True, slots=True)
class Call(Op):
    """A `fn` from the file or the prelude, kept by name so that a chip may know it as one instruction.

    Its meaning is `body`, whose last op's result is the value of the call; `operands` are the values the body starts from.
    """

    fn: str
    operands: tuple[Value, ...]
    body: tuple[Op, ...]


# --- statements -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Store:
    """Writes a tile to a tensor, rounding to its type. The value's axes are those of the index, in any order.

    With `accumulate` it adds to what is there, in f32 or i32; results that any store accumulates into start from zero.
    """

    tensor: Tensor
    index: tuple[Index, ...]
    value: Value
    accumulate: bool
    """True for `+=`, `max=` and `min=`."""
    span: Span
    fn: str = "add"
    """What an accumulating store does with what is there and the value: `add`, `max` or `min`."""


@dataclass(frozen=True, slots=True)
class TileSize:
    """What the text says of a tile size: nothing (the tuner chooses), `by 128`, `by 64..512`, `by {128, 256}`, `by TK`."""

    choices: tuple[int, ...] | None = None
    """`by 128` has one, `by {128, 256}` several; `by TK` has those of `TK`, in a specialised kernel the one it is bound to."""
    low: int | None = None
    high: int | None = None
    """The bounds of `by 64..512`, both included."""
    tune: str | None = None
    """The tuning parameter of `by TK`."""

    def allows(self, size: int) -> bool:
        """True if the text lets a tile be that long."""
        if self.choices is not None:
            return size in self.choices
        return (self.low or 1) <= size <= (self.high or size)

    def __str__(self) -> str:
        """As the text has it, without `by`."""
        if self.choices is not None:
            several = "{" + ", ".join(map(str, self.choices)) + "}"
            return self.tune or (str(self.choices[0]) if len(self.choices) == 1 else several)
        return f"{self.low}..{self.high}" if self.low or self.high else "any"


@dataclass(frozen=True, slots=True)
class LoopVariable:
    """`k of K by ...`: an axis and what the text says of its tile size."""

    axis: Axis
    by: TileSize
    span: Span


@dataclass(frozen=True, slots=True)
class TileLoop:
    """Steps independent of each other, in any order: `tile m of M, n of N:`."""

    variables: tuple[LoopVariable, ...]
    body: tuple[Statement, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Carried:
    """A name bound before a `for` loop and bound again in it."""

    initial: Value
    """Its value before the loop (also what `argument` is in the first step)."""
    argument: Value
    """What the body reads: the value from the step before."""
    updated: Value
    """What the body leaves for the next step."""
    result: Value
    """Its value after the loop."""


@dataclass(frozen=True, slots=True)
class Guard:
    """`if any(COND)` on a loop: a step for whose tile the condition is false everywhere is left out."""

    body: tuple[Op, ...]
    """Ops that compute the condition from positions, sizes and constants only; the last one's result is the condition."""


@dataclass(frozen=True, slots=True)
class ForLoop:
    """Steps in order: `for k of K:`."""

    variable: LoopVariable
    carried: tuple[Carried, ...]
    guard: Guard | None
    body: tuple[Statement, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class CountedLoop:
    """`for r in 0..3:`, in a kernel that is not specialised; specialised, it is unrolled.

    `r` is a scalar that is known only then: the body has it by name in sizes, and as a `ScalarArgument`.
    """

    counter: str
    start: Size
    stop: Size
    """Not reached: `0..3` counts 0, 1, 2."""
    carried: tuple[Carried, ...]
    body: tuple[Statement, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Merged:
    """A name that both branches of an undecided `if` bind."""

    then: Value
    otherwise: Value
    result: Value


@dataclass(frozen=True, slots=True)
class If:
    """An `if` whose condition is not known yet. A specialised kernel has none."""

    condition: tuple[Op, ...]
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]
    merged: tuple[Merged, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Print:
    """`print("text", tile)`: shows the tile of each step to a person, and changes nothing."""

    text: str
    what: str
    """The tile as the text has it, `acc` or `max[n](x)`."""
    value: Value
    span: Span


Statement = Op | Store | TileLoop | ForLoop | CountedLoop | If | Print


@dataclass(frozen=True, slots=True)
class Requirement:
    """`require condition, "message"`: what the sizes must satisfy."""

    condition: tuple[Op, ...]
    """Ops without axes on sizes and constants; the last one's result is the condition."""
    message: str
    span: Span


@dataclass(frozen=True, slots=True)
class Tune:
    """`tune TK in 64..512 step 64 = 128`: a constant that the tuner chooses."""

    name: str
    choices: tuple[int | str, ...]
    """Whole numbers, or names of element types."""
    default: int | str
    span: Span


class Definition(Protocol):
    """What a kernel is specialised from."""

    def specialise(
        self,
        types: Mapping[str, ElementType],
        constants: Mapping[str, int | bool],
        tunes: Mapping[str, int | str] = ...,
    ) -> Program:
        """The program for given types, constants and choices of the tuning parameters."""
        ...


@dataclass(frozen=True, slots=True)
class Program:
    """A checked kernel; specialised once `types` and `constants` bind everything the signature leaves open."""

    name: str
    doc: str
    signature: Signature
    body: tuple[Statement, ...]
    reference: tuple[Statement, ...]
    """Ops and stores over whole dimensions, to be evaluated in float64; empty if the text has none."""
    loop_variables: tuple[LoopVariable, ...]
    """Every tile variable, in order of appearance; `axis.name` is the name of its tile size."""
    span: Span
    types: Mapping[str, ElementType] = field(default_factory=dict)
    """What each type variable is bound to."""
    constants: Mapping[str, int | bool] = field(default_factory=dict)
    """What each constant parameter is bound to."""
    requirements: tuple[Requirement, ...] = ()
    """What the sizes must satisfy; `check_requirements` does so."""
    tunes: tuple[Tune, ...] = ()
    """The tuning parameters that the text declares."""
    tuned: Mapping[str, int | str] = field(default_factory=dict)
    """What each of them is bound to in a specialised kernel."""
    printing: tuple[Statement, ...] = ()
    """A specialised kernel's body with what its text prints, which `body` has not; empty if it prints nothing."""
    definition: Definition | None = field(default=None, compare=False, repr=False)
    """What a specialised kernel was made from."""

    def retuned(self, values: Mapping[str, int | str]) -> Program:
        """The same specialisation with other choices of some tuning parameters; those not given stay as they are.

        The same kernel object for the same choices, as long as it is among the latest few. Raises UsageError for a name that
        is not declared and for a value that is none of its choices.
        """
        assert self.definition is not None, f"{self.name} is not specialised"
        return self.definition.specialise(self.types, self.constants, {**self.tuned, **values})


def walk(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """Every statement and op, outer before inner, in the order of the text; calls and guards are entered too."""
    for each in statements:
        yield each
        match each:
            case TileLoop() | Call():
                yield from walk(each.body)
            case ForLoop():
                if each.guard:
                    yield from walk(each.guard.body)
                yield from walk(each.body)
            case CountedLoop():
                yield from walk(each.body)
            case If():
                yield from walk(each.condition)
                yield from walk(each.then)
                yield from walk(each.otherwise)


def operands(op: Op) -> tuple[Value, ...]:
    """The values that an op reads."""
    match op:
        case Elementwise() | Call() | Scan():
            return op.operands
        case Cast() | Fill() | Reduce():
            return (op.operand,)
        case Dot():
            return (op.left, op.right)
        case Load():
            return index_values(op.index)
        case Cut():
            return (op.tile, *index_values(op.index))
        case Insert():
            return (op.tile, op.value, *index_values(op.index))
        case _:
            return ()
