"""The engine program: what a chip executes for one kernel, one set of shapes and one configuration.

Declared in one place. The same object is executed (`execute`), timed (`timing`), measured (`capacity`) and printed.
Loops are never unrolled. What a loop covers follows from the shapes and the tile sizes, so configurations that differ in numbers
only share one structure.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from tilery.dsl.program import Axis, Guard, Index, Op, Print, Program, Reduce, Tensor, Value, size_value
from tilery.dsl.spans import Span
from tilery.dsl.types import ElementType

from ..chips import Chip
from ..families import family_of
from ..numbers.rounding import Array
from ..tunable import Choice
from .numbers import Number, smaller
from .widths import Width, widened

if TYPE_CHECKING:
    from .family import Family

Held = TypeVar("Held")
"""A number of positions, or a range of them."""

DEVICE = "hbm"
"""The memory of a buffer that stands for a tensor in device memory that the program writes and then uses: it says what waits for
what, and takes no room on the chip."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What of another buffer a buffer stands for: an access pattern, which takes no room and no instruction."""

    of: Buffer
    index: tuple[Index, ...]
    """Where each axis of `of` is read or written, in the order of its axes. No gathers."""


@dataclass(frozen=True, slots=True, eq=False)
class Buffer:
    """A tile on the chip: one axis lies across the partitions, or is cut into runs; the others lie along each partition."""

    name: str
    memory: str
    """One of the memories that the family names, or `DEVICE`."""
    element: ElementType
    axes: tuple[Axis, ...]
    partition: Axis | None
    """The axis across the partitions. None: every partition holds a copy of the whole tile, or `runs` is set."""
    slots: str | int
    """How many instances are alive at once: a number, or the name of a knob."""
    whole: frozenset[str] = frozenset()
    """Tile variables whose whole dimension the buffer holds, because its load is hoisted out of their loop."""
    within: Mapping[str, Axis] = field(default_factory=dict)
    """For those in `whole` that cut another variable's tile (`k of m`): that variable. The buffer holds its tile only."""
    blocks: Mapping[str, int] = field(default_factory=dict)
    """The largest extent along an axis of which the buffer holds one block of a tile only."""
    runs: Axis | None = None
    """The axis that is cut into runs of consecutive positions, one run a partition. Then `partition` is None."""
    view: View | None = None
    """The part of another buffer that it stands for; None: it has room of its own."""

    @property
    def storage(self) -> Buffer:
        """The buffer whose room its elements lie in: itself, but for a view."""
        return self if self.view is None else self.view.of.storage

    @property
    def free(self) -> tuple[Axis, ...]:
        """The axes that lie whole along a partition."""
        return tuple(axis for axis in self.axes if axis not in (self.partition, self.runs))

    def along(self, axis: Axis, here: Callable[[Axis], Held], dimension: Callable[[Axis], Held]) -> Held:
        """What an instance holds along one of its axes: a number of positions, or a range of them.

        `here` gives what the steps around it cover of an axis, `dimension` all of it. Blocks are inner loops: where they count,
        `here` knows them.
        """
        if axis.name in self.within:
            return here(self.within[axis.name])
        return dimension(axis) if axis.name in self.whole else here(axis)

    def positions(self, axis: Axis, tile: Callable[[Axis], Number], extent: Callable[[Axis], Number]) -> Number:
        """Positions that a full instance holds along an axis: `tile` gives those of a full step, `extent` all there are."""
        held = self.along(axis, tile, extent)
        return smaller(held, self.blocks[axis.name]) if axis.name in self.blocks else held

    def __str__(self) -> str:
        return self.name


Positioned = tuple[tuple[Value, Buffer], ...]
"""Integer tiles whose values are positions, each with the buffer that holds it."""


# --- what an instruction does -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Transfer:
    """A tile between device memory and a buffer, 128 rows of it a repetition."""

    tensor: Tensor
    index: tuple[Index, ...]
    buffer: Buffer
    store: bool
    transposed: bool = False
    """True: the DMA engines transpose on the way in, reading whole rows."""
    positions: Positioned = ()
    """The buffers that hold gathered positions."""
    fill: float | None = None
    """The value to which elements outside the tensor were cleared before; they are not moved. None: all elements lie inside."""
    accumulate: bool = False
    """True: a store that adds to what is there."""
    together: bool = False
    """True in a what-if of the timing only: as if the elements of each row lay together in device memory."""


@dataclass(frozen=True, slots=True)
class MatMul:
    """`out[rows, columns] += stationary[contracted, rows] * moving[contracted, columns]`, block by block."""

    stationary: Buffer
    moving: Buffer
    out: Buffer
    rows: Axis | None
    """The stationary operand's free axis, across the partitions of `out`. None: it has none, and `out` has one row."""
    column: Axis | None
    """The moving operand's free axis along which it streams, one bank of `out` at a time. None: one column."""
    contracted: Axis
    """Across the partitions of both operands. A stationary operand with another axis there is the same for every block of it."""
    counted: tuple[Axis, ...]
    """All other axes: every position takes an instruction of its own."""
    summed_over: str | None
    """The `for` loop whose steps all add to `out`. None: `out` is overwritten each time."""


@dataclass(frozen=True, slots=True)
class Transpose:
    """Transpose block by block, on the tensor engine or an elementwise one: `out` has `source`'s elements with `rows` across the
    partitions."""

    source: Buffer
    out: Buffer
    rows: Axis
    columns: Axis


Operand: TypeAlias = Buffer | Value
"""A tile in a buffer, or a number that the host computes: an immediate. While a program is built: any value."""
Ranges: TypeAlias = Mapping[str, tuple[int, int]]
"""Axis name -> the global positions, start and stop, that it covers here."""
Read: TypeAlias = Callable[[Operand], Array]
"""The elements of an operand, in computing form, lined up with the axes of the instruction."""
Written: TypeAlias = tuple[Operand, Array, tuple[Axis, ...]]
"""A result of an instruction: where it goes, its elements, and their axes."""


@dataclass(frozen=True, slots=True)
class Compute(ABC):
    """Elementwise and reducing work of one instruction. A chip family has a class for each of its own, with its operands."""

    axes: tuple[Axis, ...]
    """The axes of the tile that it works on, in order; executed on blocks of 128 partitions."""
    issues: ClassVar[int] = 1
    """Instructions of the engine that share its elements out among themselves."""

    def results(self, read: Read, ranges: Ranges) -> tuple[Written, ...]:
        """What it computes from its operands."""
        return tuple(self._computed(read, ranges))

    @abstractmethod
    def _computed(self, read: Read, ranges: Ranges) -> Iterator[Written]: ...

    @abstractmethod
    def formula(self, say: Callable[[Operand], str]) -> str:
        """What it does, with its operands, as the program's text would write it."""

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of its elementwise operations, on which its speed may depend."""
        parts = (self, *(getattr(self, name) for name in _operand_names(type(self))))
        return tuple(found for part in parts if (found := getattr(part, "fn", None)) is not None)

    @property
    def accumulates(self) -> bool:
        """True: the same pass also leaves a sum along the free axes."""
        return getattr(self, "total", None) is not None

    @property
    def inputs(self) -> tuple[Operand, ...]:
        """Its operands, each once."""
        named = [getattr(self, name) for name in _operand_names(type(self))]
        nested = [getattr(each, "operand", each) for each in named if not isinstance(each, Op)]
        return tuple(dict.fromkeys(each for each in nested if isinstance(each, Buffer | Value)))

    @property
    def outputs(self) -> tuple[Operand, ...]:
        """Where its results go."""
        named = (getattr(self, name, None) for name in RESULTS)
        return tuple(each for each in named if each is not None)


@cache
def _operand_names(kind: type[Compute]) -> tuple[str, ...]:
    """The fields of a kind of instruction that may be what it reads. Costs ask for them at every timing."""
    return tuple(each.name for each in fields(kind) if each.name not in (*RESULTS, "axes"))


RESULTS = ("out", "total")
"""The fields of an instruction that it writes."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One buffer into another, rounding to the target's element type; `add` adds to what is there."""

    source: Buffer
    target: Buffer
    add: bool = False
    """True: adds to the target instead."""
    begins: Axis | None = None
    """With `add`: the axis of the loop whose first step overwrites the target instead."""
    shared: Axis | None = None
    """The source's axis across the partitions, if all its positions hold the same value. Each partition copies its own."""
    fill: float | None = None
    """The value to which the target was cleared before: positions of the source, a view, outside its buffer are not copied."""


@dataclass(frozen=True, slots=True)
class ReduceRuns:
    """Reduces what each partition `lane` holds of `source`, and combines the result with `out[.., lane]`."""

    op: Reduce
    source: Buffer
    out: Buffer


@dataclass(frozen=True, slots=True)
class Clear:
    """Writes one number to a whole buffer, or to a result in device memory before anything is added to it."""

    target: Buffer
    value: float
    tensor: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Barrier:
    """Waits until everything before it is done, on every core: what follows may use what has been written to device memory.

    It stands in no loop.
    """

    tensors: tuple[Tensor, ...]
    """What is used on both sides of it."""


@dataclass(frozen=True, slots=True)
class Observe:
    """Prints a tile; in the exact execution only."""

    statement: Print
    buffer: Buffer | None
    """None: a number that the host computes."""


class FamilyAction:
    """The base of actions that only one family of chips knows: it says what they cost, and carries them out.

    `str` gives the formula that a listing of the program shows.
    """

    __slots__ = ()


Action = Transfer | MatMul | Transpose | Compute | Copy | ReduceRuns | Clear | Barrier | Observe | FamilyAction


@dataclass(frozen=True, slots=True, eq=False)
class Instruction:
    """An instruction and its repetitions, which follow one another on one engine."""

    name: str
    queue: str
    """The in-order queue it waits in: its engine's name, or that with a dot and more. In `dma.load.k`, `dma` is the engine."""
    form: str
    """What it costs: `load store matmul transpose activation tensor_scalar tensor_tensor reduce copy memset select positions`."""
    action: Action
    reads: tuple[Buffer, ...]
    writes: tuple[Buffer, ...]
    span: Span
    engine: str = field(init=False, repr=False)
    """The engine whose queue it is."""
    reads_from: tuple[Buffer, ...] = field(init=False, repr=False)
    """The buffers with room of their own that it reads: what it has to wait for."""
    writes_to: tuple[Buffer, ...] = field(init=False, repr=False)
    """The buffers with room of their own that it writes."""

    def __post_init__(self) -> None:
        # Lowering, timing and bounds ask for these again and again.
        object.__setattr__(self, "engine", self.queue.partition(".")[0])
        object.__setattr__(self, "reads_from", _with_room(self.reads))
        object.__setattr__(self, "writes_to", _with_room(self.writes))


def _with_room(buffers: tuple[Buffer, ...]) -> tuple[Buffer, ...]:
    """The buffers in whose room these lie, each once."""
    return tuple(dict.fromkeys([buffer if buffer.view is None else buffer.storage for buffer in buffers]))


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A stretch of a loop's body."""

    allocates: tuple[Buffer, ...]
    """Buffers of which every step takes a new instance at the start of this stage."""
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """Steps over an axis: tiles of its dimension (for `k of m`, of its parent's tile), or blocks of the current tile.

    With several stages it is software-pipelined: the first stage of a step comes before the second stage of the step before it,
    that before the third stage of the one before, and so on. It keeps engines from waiting for results of the same step.
    """

    axis: Axis
    limit: int | None
    """None: steps of the tile size over the dimension. A number: blocks of that many positions over the current tile."""
    stages: tuple[Stage, ...]
    guard: Guard | None
    parallel: bool
    span: Span
    joined: bool = False
    """True: its steps follow one another without a pause. The last stages of the one pipelined loop inside come in the turns of
    the next step's first ones (`stage_order.in_joined_order`)."""
    allocates: tuple[Buffer, ...] = field(init=False, repr=False)
    """Buffers of which each step takes the next instance."""
    body: tuple[Node, ...] = field(init=False, repr=False)
    """The body of a step, all its stages."""
    reads_from: tuple[Buffer, ...] = field(init=False, repr=False)
    """The buffers with room of their own that instructions inside read, at any depth, each once."""
    writes_to: tuple[Buffer, ...] = field(init=False, repr=False)
    """Those that they write."""

    def __post_init__(self) -> None:
        body = tuple(node for stage in self.stages for node in stage.body)
        object.__setattr__(self, "allocates", tuple(buffer for stage in self.stages for buffer in stage.allocates))
        object.__setattr__(self, "body", body)
        object.__setattr__(self, "reads_from", tuple(dict.fromkeys(buffer for node in body for buffer in node.reads_from)))
        object.__setattr__(self, "writes_to", tuple(dict.fromkeys(buffer for node in body for buffer in node.writes_to)))

    @property
    def parts(self) -> tuple[tuple[Node, ...], Loop, tuple[Node, ...]]:
        """Of a joined loop: what comes before the pipelined loop inside, that loop, and what comes after."""
        (place,) = (place for place, node in enumerate(self.body) if isinstance(node, Loop) and node.limit is None)
        inner = self.body[place]
        assert isinstance(inner, Loop)
        return self.body[:place], inner, self.body[place + 1 :]


Node = Instruction | Loop


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """The program without its numbers: the same for all tile sizes and numbers of slots."""

    kernel: Program
    chip: Chip
    choices: Mapping[str, Choice]
    """The values of the knobs that it was lowered with."""
    buffers: tuple[Buffer, ...]
    allocates: tuple[Buffer, ...]
    """Buffers that live as long as the program."""
    body: tuple[Node, ...]
    host: tuple[Op, ...]
    """Scalar arithmetic done once, before the launch: constants, sizes, arguments."""
    lags: Mapping[Buffer, int]
    """Additional instances of a buffer that later stages still read after newer steps have begun."""
    views: tuple[Buffer, ...] = ()
    """The parts of `buffers` that instructions read and write."""
    widths: Mapping[str, Width] = field(default_factory=dict)
    """The axes whose steps cover several tiles, by name."""

    @property
    def family(self) -> Family[Any]:
        """The chip's family, which knows what its instructions cost."""
        return family_of(self.chip)

    @property
    def axes(self) -> dict[str, Axis]:
        """The axes of every buffer and view, by name."""
        return {axis.name: axis for buffer in (*self.buffers, *self.views) for axis in buffer.axes}

    def instructions(self) -> Iterator[tuple[tuple[Loop, ...], Instruction]]:
        """Every instruction with the loops around it, outermost first, in order."""
        yield from instructions(self.body)


def instructions(body: tuple[Node, ...], loops: tuple[Loop, ...] = ()) -> Iterator[tuple[tuple[Loop, ...], Instruction]]:
    """Every instruction of a body with the loops around it, after `loops`."""
    for node in body:
        if isinstance(node, Loop):
            yield from instructions(node.body, (*loops, node))
        else:
            yield loops, node


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What an instruction stands in: a program but for its numbers of slots, or many of one structure."""

    structure: Structure
    dims: Mapping[str, int]
    tiles: Mapping[str, Number]
    """The tile size of every tile variable, cut to its dimension: a number, or an array with an element a configuration."""
    cores: int = 1

    @property
    def chip(self) -> Chip:
        """The chip it is for."""
        return self.structure.chip


@dataclass(frozen=True, slots=True, eq=False)
class EngineProgram:
    """A structure with its numbers: shapes, tile sizes, slots."""

    structure: Structure
    dims: Mapping[str, int]
    config: Mapping[str, Choice]
    cores: int = 1
    """The steps of independent loops are divided among this many cores (`dealing`). Each core has its share of the device
    memory's bandwidth, whether the others work or not. Times are those of the core that finishes last."""

    @property
    def kernel(self) -> Program:
        """The specialised kernel that it executes."""
        return self.structure.kernel

    @property
    def chip(self) -> Chip:
        """The chip it is for."""
        return self.structure.chip

    @property
    def family(self) -> Family[Any]:
        """The chip's family."""
        return self.structure.family

    @property
    def tiles(self) -> dict[str, int]:
        """The tile size of every tile variable, cut to its dimension, and of the steps that cover several tiles."""
        sizes = {each.axis.name: self.tile(each.axis) for each in self.kernel.loop_variables}
        return {name: int(size) for name, size in widened(self.structure.widths, self.dims, sizes).items()}

    def extent(self, axis: Axis) -> int:
        """Positions of the whole dimension that an axis runs along."""
        return size_value(axis.size, self.dims)

    def tile(self, axis: Axis) -> int:
        """Positions that a full step covers."""
        if axis.whole:
            return self.extent(axis)
        if axis.unit:
            return 1
        wide = self.structure.widths.get(axis.name)
        if wide is not None:
            return int(wide.step(self.tile(wide.axis), self.extent(axis)))
        size = min(int(self.config[axis.name]), self.extent(axis))
        if axis.parent is None or axis.parent in self.structure.widths:
            return size
        return min(size, int(self.config[axis.parent]))

    def slots(self, buffer: Buffer) -> int:
        """Instances of a buffer."""
        slots = int(self.config[buffer.slots]) if isinstance(buffer.slots, str) else buffer.slots
        return slots + self.structure.lags.get(buffer, 0)
