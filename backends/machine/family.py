"""A family of chips: what the machine asks of it.

The machine knows loops, queues, buffers and slots, and how programs of them are timed, bounded, executed and explained. What an
instruction costs, what a buffer takes and how a kernel becomes instructions differs from family to family. Memories, engines and
queues are data that a family gives for a chip: nothing else knows their names.

A family that makes its programs of the actions of `program` alone defines the abstract methods, and is timed, tuned, executed
and drawn. The other methods have defaults that are right for a family with nothing to add. docs/families.md goes through them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from tilery.dsl.program import Axis, Program

from ..tunable import Choice, Tunable
from .choices import Choices
from .engine_program import Buffer, EngineProgram, Instruction, Setting, Structure
from .numbers import Number
from .splits import Extents, Split

if TYPE_CHECKING:
    from ..chips import Chip
    from ..simplify.passes import Pass
    from .execute.execute import Machine
    from .explain.elements import Apart, Single
    from .explain.roofline import Roofs
    from .time.run_traffic import Traffic

Tile = Callable[[Axis], Number]
"""The positions of a full step of an axis, or of its whole dimension."""

C = TypeVar("C", bound="Chip")
"""The chip type of a family."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory on the chip, of limited capacity."""

    name: str
    """As buffers name it; a limit that a configuration exceeds is called so too."""
    title: str
    """As reports show it, `SBUF`."""
    capacity: int
    """How many units a kernel may use."""
    unit: str
    """What capacity is counted in, `bytes a partition`."""
    unit_bytes: int
    """Bytes of one unit, over the whole memory."""
    whole: str
    """The unit and the memory, as in `has 8 PSUM banks`."""
    field: str
    """The field of the chip file that holds the capacity."""
    exceeded: str
    """What it means that a space is limited by this memory."""
    instead: str
    """What makes a configuration fit, beside smaller tiles and fewer buffers."""
    used_field: str
    """What machines read in a report as the units used,"""
    available_field: str
    """and as the capacity."""
    across: int = 1
    """How many positions of a buffer's axis lie beside each other and take no room of their own: partitions."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What works, or moves data, on its own. Several queues may share it: then an instruction of one holds up the others."""

    name: str
    """As queues name it."""
    title: str
    """As what bounds a run, `the vector engine`."""
    losses: str
    """What its work has beyond what an ideal run needs: a row of the waterfall."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Instructions that an engine takes in order."""

    name: str
    """The engine's name, or the engine's name, a dot and more: `dma.load.k`."""
    engine: str
    starts_ns: float = 0.0
    """When its first instruction can begin, after the launch."""
    warm_up_ns: float = 0.0
    """What its first instruction takes longer."""
    warm_share: float = 0.0
    """The share of the run for which a profile shows it active at least (`time/pace.py`); 0: for as long as it works."""
    cold_speed: float = 1.0
    """1 over how many times as long as its work takes that is at most."""
    holds_up: tuple[str, ...] = ()
    """Names of queues of other engines that stand still while it works, because they share hardware."""


class Lowering(Protocol):
    """A kernel on its way to a chip, with all that does not depend on numbers."""

    @property
    def structural(self) -> frozenset[str]:
        """Names of the knobs that change the program's structure, in whatever structure they show."""

    def structure(self, config: Mapping[str, Choice]) -> Structure:
        """The program for the structural choices of a configuration; what is missing takes its default. Equal choices give the
        same object. Raises `CannotLower` where the chip has no instruction for something."""

    def built(self, config: Mapping[str, Choice]) -> tuple[Structure, Choices]:
        """The same, with the knobs that were met on the way to it."""

    def tunables(self, dims: Mapping[str, int], settable: bool, short: bool = True) -> tuple[Tunable, ...]:
        """Tile sizes first, then knobs of at least two options, as they are searched at these shapes.

        `settable`: with the options, too, that are not searched because they do not pay here. Not `short`: without tile sizes
        that leave a part of the chip unused.
        """

    def tile_sizes(self, dims: Mapping[str, int], short: bool = True) -> tuple[Tunable, ...]:
        """The tile sizes alone."""


class Family(ABC, Generic[C]):
    """A family of chips. All numbers it gives may be arrays, with an element a configuration, where its arguments are."""

    chip: type[C]
    """The type of its chips: the common tables of a chip file and its own. Says the family's name and its peaks."""
    sections: ClassVar[Mapping[str, str]] = {}
    """What each of its own tables of a chip file is about."""
    overheads: tuple[str, ...] = ()
    """Changes to a chip that leave no latencies, floors, fixed or least costs: `dma.latency_ns=0`."""
    improvements: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """What may be made better, in words, and the changes to a chip that make it 10 % better."""

    calibrated: tuple[str, ...] = ()
    """Constants of a chip file that measurements may move, as `dma.floor_ns`: what is fitted, not what is published."""

    # --- the chip ---

    @abstractmethod
    def memories(self, chip: C) -> tuple[Memory, ...]:
        """The memories on the chip, in the order in which their limits are checked. Of two equally fast configurations the one
        wins that takes less of the first."""

    @abstractmethod
    def engines(self, chip: C) -> tuple[Engine, ...]:
        """The engines, in the order in which they are shown."""

    @abstractmethod
    def queues(self, chip: C, names: Sequence[str]) -> tuple[Queue, ...]:
        """The queues that a program waits in, from their names, in that order."""

    def contradictions(self, chip: C) -> Iterable[str]:
        """What contradicts what in a chip file, a sentence each."""
        return ()

    def absent(self, chip: C) -> tuple[str, ...]:
        """Which of its own tables stand for something that this chip does without."""
        return ()

    # --- from a kernel to its program ---

    @abstractmethod
    def tile_sizes(self, kernel: Program, dims: Mapping[str, int], chip: C) -> tuple[Tunable, ...]:
        """The tile sizes that the text leaves open, with their choices at these shapes. It must lower nothing: the emulator asks,
        also for kernels that the chip cannot run."""

    def passes(self, chip: C) -> tuple[Pass, ...]:
        """What rewrites a kernel before it is lowered, in order; `tilery show` prints what each pass leaves."""
        return ()

    @abstractmethod
    def lowering(self, kernel: Program, chip: C) -> Lowering:
        """A specialised kernel on its way to a chip; the caller keeps it. Raises `CannotLower`."""

    # --- numbers of a program ---

    @abstractmethod
    def takes(self, buffer: Buffer, chip: C, tile: Tile, extent: Tile) -> Number:
        """What one instance of a buffer takes of its memory, in that memory's unit. `tile` gives the positions of a full step of
        an axis, `extent` those of its whole dimension."""

    @abstractmethod
    def duration_s(self, node: Instruction, extents: Extents, setting: Setting) -> Number:
        """Seconds for which an instruction, with its counted repetitions, occupies its queue. `extents` holds every axis that is
        open here; `setting` is the program around it, but for numbers of slots: searches turn those most, and time is kept."""

    def latency_s(self, node: Instruction, chip: C) -> float:
        """Seconds from then until its result can be used; the queue goes on meanwhile."""
        return 0.0

    @abstractmethod
    def moved_bytes(self, node: Instruction, extents: Extents, setting: Setting) -> Number:
        """Bytes that an instruction moves between device memory and the chip."""

    def macs(self, node: Instruction, extents: Extents) -> Mapping[str, Number]:
        """Multiplications and additions of an instruction that makes products, by its operands' element type."""
        return {}

    @abstractmethod
    def traffic(self, node: Instruction, extents: Extents, setting: Setting) -> Traffic:
        """What an instruction reads and writes of every memory, and what it computes."""

    # --- execution ---

    def repetitions(self, node: Instruction, chip: C) -> tuple[Split, ...]:
        """How the axes of an instruction are split into what the hardware takes at once, outermost first. None: all at once."""
        return ()

    def perform(self, node: Instruction, machine: Machine) -> None:
        """Carries out an instruction whose action is a `FamilyAction`, in pieces as small as the chip's."""
        raise NotImplementedError(f"{type(self).__name__} does not say what {type(node.action).__name__} does")

    # --- explanation ---

    @abstractmethod
    def roofs(self, program: EngineProgram, used: Traffic) -> Roofs:
        """What the engines and each level of memory allow one core: `used` is its share of the run."""

    def single_elements(self, program: EngineProgram) -> tuple[Single, ...]:
        """Flat tensors that move an element at a time because of their layout, those that lose most first."""
        return ()

    def elements_apart(self, program: EngineProgram) -> tuple[Apart, ...]:
        """Places of the text that meet device memory an element at a time, the one that would gain most first."""
        return ()
