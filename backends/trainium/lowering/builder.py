"""The builder: the loops, buffers and instructions of a program that is being built.

It keeps one frame for every open loop. The passes beside it (`loads`, `dots`, `computes`, `loops`) decide what is emitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from tilery.backends.machine.choices import SLOTS, Choices
from tilery.backends.machine.engine_program import Action, Buffer, Compute, Instruction, Loop, Node, View
from tilery.backends.machine.errors import CannotLower
from tilery.backends.machine.time.guards import inner_guard_axes
from tilery.backends.machine.widths import Width
from tilery.backends.trainium.chip_tables import TrainiumChip
from tilery.dsl.program import (
    Axis,
    Call,
    Carried,
    Constant,
    Elementwise,
    Guard,
    Index,
    Load,
    Op,
    Print,
    Reduce,
    Store,
    Tensor,
    Value,
)
from tilery.dsl.spans import Span
from tilery.dsl.types import ElementType

from ..instructions import Memset
from ..phases.feeding import Device
from ..runs.arrange import Arrangement
from .host import Host
from .hosted import Prepared
from .pipelining import cuts, may_join, spread, staged
from .select import Selector
from .uses import Uses


@dataclass(slots=True, eq=False)
class Frame:
    """A loop whose body is being built; the frame without an axis is the program itself."""

    axis: Axis | None
    limit: int | None = None
    guard: Guard | None = None
    parallel: bool = True
    around: Axis | None = None
    """The tile variable of whose tiles a step covers several: its own loop is the next one further in."""
    within: Axis | None = None
    """That wide step, for the loop inside it."""
    nodes: list[Node] = field(default_factory=list)
    allocates: list[Buffer] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RunningSum:
    """The accumulator of a carried tile to which a loop only adds products."""

    buffer: Buffer
    first: bool
    """True for the first product of a step. In the first step of the loop it overwrites the accumulator."""


@dataclass(slots=True, eq=False)
class WideTransfer:
    """A load or a store that covers several tiles of a loop's variable."""

    axis: Axis
    """The variable."""
    positions: int
    row: Buffer | None = None
    """Where a store's tiles are collected."""


class Builder:
    """The state of one lowering under one set of structural choices."""

    def __init__(
        self,
        chip: TrainiumChip,
        prepared: Prepared,
        uses: Uses,
        arrangement: Arrangement,
        choices: Choices,
        shares_banks: bool = False,
    ) -> None:
        self.chip = chip
        self.layout = arrangement.across
        self.runs = arrangement.runs
        self.choices = choices
        self.uses = uses
        self.host = Host(prepared.host)
        self.zeros = frozenset(op.result for op in prepared.host if isinstance(op, Constant) and op.value == 0)
        self.selector = Selector(chip, self.layout, self.runs, self.uses, self.host)
        self.frames = [Frame(None)]
        self.buffers: list[Buffer] = []
        self.shares_banks = shares_banks
        self.products: list[Buffer] = []
        """The buffers of products in PSUM, but for running sums."""
        self.views: list[Buffer] = []
        """The parts of buffers that stand for values."""
        self.home: dict[Value, Buffer] = {}
        """The buffer of each value."""
        self.crossed: dict[tuple[Value, Axis], Buffer] = {}
        """The buffer of each value that was transposed, by the axis that lies across the partitions there."""
        self.loaded: dict[tuple[object, ...], tuple[Frame, Value]] = {}
        """The loads that were emitted, with their frames: the same load is not emitted twice in a frame."""
        self.carrying: dict[Value, Carried] = {}
        """What the open `for` loops carry, by the value at the end of a step."""
        self.begun: set[Carried] = set()
        """What loops that were entered carry."""
        self.sums: dict[Value, RunningSum] = {}
        """The running sum that each product is added to."""
        self.widths: dict[str, Width] = {}
        """The steps that cover several tiles, by the name of their axis."""
        self.wide: dict[Load | Store, WideTransfer] = {}
        """The loads and stores that cover several tiles of a loop."""
        self.copies: dict[tuple[object, ...], list[Buffer]] = {}
        """The buffers of tiles that are alike, by the frame, the name and the form."""
        self.accumulated: dict[Tensor, Buffer] = {}
        """The buffers of results that stores add to."""
        self.device = Device(prepared.body)
        """The tensors in device memory that the kernel writes and reads."""
        self._columns: dict[Value, Buffer] = {}
        self.negated: dict[Value, tuple[Frame, Buffer]] = {}
        """Where scalar operands lie negated, with the frame that holds each."""
        self.done: set[Op | Store | Print] = set()
        """Operations and statements that were emitted, or need no instruction of their own."""
        self._labels: dict[tuple[str, Span], str] = {}

    def open(
        self, axis: Axis, limit: int | None = None, guard: Guard | None = None, parallel: bool = True, within: Axis | None = None
    ) -> None:
        """Enters a loop; `within`: over what such a step covers."""
        self.frames.append(Frame(axis, limit, guard, parallel, within=within))

    def close(self, span: Span) -> None:
        """Leaves the innermost loop and puts it into the one around it, unless it is empty."""
        frame = self.frames.pop()
        assert frame.axis is not None
        if frame.nodes:
            stages = staged(frame.nodes, frame.allocates, self._cuts(frame))
            axis = replace(frame.axis, parent=frame.within.name) if frame.within else frame.axis
            joined = self._joined(frame)
            self.frames[-1].nodes.append(Loop(axis, frame.limit, stages, frame.guard, frame.parallel, span, joined))

    def _cuts(self, frame: Frame) -> tuple[int, ...]:
        """The places in a tile loop's body where its stages begin, without the first."""
        assert frame.axis is not None
        inside = sum(isinstance(node, Loop) and node.limit is None for node in frame.nodes)
        if frame.limit is not None or inside == 1:
            return ()  # around a single loop, steps may be joined instead
        if frame.axis.name in inner_guard_axes(tuple(frame.nodes)):
            return ()  # steps of different lengths come one after another
        places = cuts(frame.nodes, frame.allocates)
        options = tuple(range(1, len(places) + 2))
        reason = f"steps of {frame.axis} whose parts may overlap on engines that run in order"
        count = int(self.choices.pick(f"stages.{frame.axis}", options, reason))
        return spread(places, count - 1)

    def _joined(self, frame: Frame) -> bool:
        """Whether the steps of a loop around a pipelined one follow one another without a pause: a knob, where they may."""
        if frame.limit is not None or not may_join(frame.nodes, frame.allocates):
            return False
        reason = f"2: a step of {frame.axis} begins while the last stages inside the one before are still under way"
        return self.choices.pick(f"stages.{frame.axis}", (1, 2), reason) == 2

    @contextmanager
    def blocks(self, limits: Iterable[tuple[Axis, int]], span: Span) -> Iterator[None]:
        """Loops over blocks of the current tile, one an axis, the first outermost."""
        before = len(self.frames)
        for axis, limit in limits:
            self.open(axis, limit)
        yield
        while len(self.frames) > before:
            self.close(span)

    @contextmanager
    def outside(self, depth: int) -> Iterator[None]:
        """Builds in the frame at `depth`, before the loop that is being built in it."""
        inner = self.frames[depth + 1 :]
        del self.frames[depth + 1 :]
        yield
        self.frames += inner

    def buffer(
        self,
        name: str,
        memory: str,
        element: ElementType,
        axes: tuple[Axis, ...],
        partition: Axis | None,
        slots: str | int,
        *,
        cut: Sequence[Axis] = (),
        blocks: Mapping[str, int] | None = None,
        runs: Axis | None = None,
    ) -> Buffer:
        """A new buffer, of which every step of the innermost open loop takes the next instance.

        `cut`: the axes of loops further in, over all of whose steps it is filled.
        """
        slots = 1 if len(self.frames) == 1 else slots
        whole = frozenset(axis.name for axis in cut)
        open_axes = {frame.axis.name: frame.axis for frame in self.frames if frame.axis is not None}
        steps = {frame.around.name: frame.axis for frame in self.frames if frame.around and frame.axis}
        within = {axis.name: open_axes[axis.parent] for axis in cut if axis.parent in open_axes}
        within |= {axis.name: steps[axis.name] for axis in cut if axis.name in steps}
        made = Buffer(self.unique(name), memory, element, axes, partition, slots, whole, within, blocks or {}, runs)
        self.buffers.append(made)
        self.frames[-1].allocates.append(made)
        return made

    def view(self, name: str, of: Buffer, index: tuple[Index, ...], axes: tuple[Axis, ...], partition: Axis | None) -> Buffer:
        """Part of a buffer, as a buffer."""
        made = Buffer(name, of.memory, of.element, axes, partition, of.slots, view=View(of, index))
        self.views.append(made)
        return made

    def label(self, value: Value) -> str:
        """A name for a value: that in the text, else that of its operation; the next one of this name has a number.

        What one operation of the text became has one name, as the steps of an unrolled loop have; and a name at two places of the
        text is two, as it is for values without a name.
        """
        definition = self.uses.definition.get(value)
        what = definition.fn if isinstance(definition, Elementwise | Call | Reduce) else type(definition).__name__.lower()
        key = (what, value.span)
        if key not in self._labels:
            first = what if value.name.startswith("%") else value.name
            taken = set(self._labels.values())
            names = [first, *(f"{first}{number}" for number in range(2, len(taken) + 3))]
            self._labels[key] = next(each for each in names if each not in taken)
        return self._labels[key]

    def unique(self, name: str) -> str:
        """`name`, or `name.2` and so on if a buffer has it already."""
        taken = {each.name for each in self.buffers}
        if name not in taken:
            return name
        return next(f"{name}.{number}" for number in range(2, len(taken) + 3) if f"{name}.{number}" not in taken)

    def emit(
        self, name: str, queue: str, form: str, action: Action, reads: Iterable[Buffer], writes: Iterable[Buffer], span: Span
    ) -> None:
        """Appends an instruction to the innermost open loop."""
        once_read, once_written = tuple(dict.fromkeys(reads)), tuple(dict.fromkeys(writes))
        self.frames[-1].nodes.append(Instruction(name, queue, form, action, once_read, once_written, span))

    def issue(self, name: str, queue: str, form: str, action: Compute, span: Span) -> None:
        """Appends an instruction that says itself what it reads and writes."""
        reads = [each for each in action.inputs if isinstance(each, Buffer)]
        writes = [each for each in action.outputs if isinstance(each, Buffer)]
        self.emit(name, queue, form, action, reads, writes, span)

    def column(self, number: Value, span: Span) -> Buffer:
        """Where a number of the host lies, one element on every partition: written once, before all loops."""
        if number not in self._columns:
            with self.outside(0):
                made = self.buffer(
                    f"{'number' if number.name.startswith('%') else number.name}.column", "sbuf", number.element, (), None, 1
                )
                engine = self.selector.having("memset")[0]
                self.issue(f"memset {made.name}", engine, "memset", Memset((), number, made), span)
            self._columns[number] = made
        return self._columns[number]

    def engine(self, name: str, engines: tuple[str, ...], reads: Iterable[Buffer], small: bool, span: Span) -> str:
        """The engine of an elementwise instruction: a knob, where several have it and its tile is more than a column."""
        from_psum = any(buffer.memory == "psum" for buffer in reads)
        able = tuple(each for each in engines if not from_psum or self.chip.engine(each).reads_psum)
        if not able:
            why = "no engine that could move it reads what the tensor engine leaves"
            raise CannotLower("TK513", self.chip.name, span, why, "run the kernel in the emulator, without --exact")
        if small:
            return able[0]
        reason = f"engines of {self.chip.name} that can do it: {', '.join(able)}"
        return str(self.choices.pick(f"engine.{name}", able, reason))

    def transfer_queue(self, kind: str) -> str:
        """The queue for the loads, or the stores, that stand in the innermost open tile loop."""
        axes = [frame.axis for frame in self.frames if frame.axis is not None and frame.limit is None]
        return f"dma.{kind}.{axes[-1]}" if axes else f"dma.{kind}"

    def work_slots(self) -> str | int:
        """The knob for tiles that are computed and used within one step."""
        return self.choices.slots("buffers.work", SLOTS, 2, "steps whose intermediate tiles are alive at once")

    def slots(self, name: str, default: int = 2) -> str | int:
        """The knob for the slots of one buffer."""
        return self.choices.slots(f"buffers.{name}", SLOTS, default, f"steps whose tile of {name} is alive at once")
