"""The tables of a Trainium chip. Every number is per core; units stand in the names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

import msgspec

from tilery.dsl.types import ELEMENT_TYPES

from ..chips.chip import Chip, Count, Energy, NotNegative, Positive, Section
from ..chips.validate import unknown

FORMS = (
    "activation",
    "tensor_scalar",
    "tensor_scalar_reduce",
    "tensor_tensor",
    "reduce",
    "scan",
    "copy",
    "memset",
    "select",
    "positions",
)
"""The instruction forms that the lowering knows."""
ELEMENTWISE = ("vector", "scalar", "gpsimd")
"""The engines that work element by element, as chip files and queues name them."""


class Sbuf(Section, frozen=True, kw_only=True):
    """The on-chip memory that every engine reads and writes."""

    partitions: Count
    bytes_per_partition: Count
    """Bytes that a kernel may use."""


class Psum(Section, frozen=True, kw_only=True):
    """The accumulators that the tensor engine writes."""

    partitions: Count
    banks: Count
    bank_bytes: Count
    """Bytes of one bank in one partition; a matmul's result fits one bank."""


class TensorUnit(Section, frozen=True, kw_only=True):
    """The matrix unit: a stationary operand of `rows` x `columns`, past which the moving operand streams."""

    clock_hz: Positive
    rows: Count
    """The longest contraction of one instruction."""
    columns: Count
    """The most stationary columns of one instruction."""
    moving_columns: Count
    """The most moving columns of one instruction."""
    min_cycles: NotNegative
    """Cycles that the shortest matmul takes."""
    fixed_cycles: NotNegative = 0
    """Cycles from one matmul to the next on top of its columns."""
    cycles_per_column: dict[str, Positive]
    """Cycles a moving column takes, by element type; a type that is missing cannot be multiplied."""
    transpose_cycles_per_column: dict[str, Positive] = msgspec.field(default_factory=dict)
    """The same for a transpose, which multiplies by zeros and ones, where it takes fewer than a product does."""
    peak_element: str
    """The element type that the chip's peak is quoted for."""
    double_row: tuple[str, ...] = ()
    """Element types of which two rows are contracted at once: twice `rows` in the time of one instruction."""
    row_tiles: Count = 1
    """Into how many parts the array's rows can be split: that many matmuls with short contractions run side by side."""
    column_tiles: Count = 1
    """The same for its columns, and matmuls with few stationary columns."""
    warm_up_ns: NotNegative = 0
    """Time lost when the unit is first used, because it starts at a part of its speed."""
    warm_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """The share of a run for which profiles show the unit active at least; 0: for as long as it works. Changes no latency."""
    cold_speed: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    """1 over how many times as long as its work takes the unit is active at most."""

    def macs_per_s(self, element: str) -> float:
        """Multiplications and additions a second at most, for operands of an element type."""
        rows = self.rows * (2 if element in self.double_row else 1)
        return rows * self.columns * self.clock_hz / self.cycles_per_column[element]

    def least_s(self, macs: Mapping[str, float]) -> float:
        """Seconds that products take at least, each at the peak rate of its own operands' element type."""
        return sum(number / self.macs_per_s(element) for element, number in macs.items())


class Elementwise(Section, frozen=True, kw_only=True):
    """An engine that works element by element, one element a partition and cycle."""

    clock_hz: Positive
    fixed_cycles: NotNegative
    """Cycles an instruction takes on top of its elements."""
    lanes: Count
    """Partitions worked on at once."""
    forms: tuple[str, ...]
    """The instruction forms it has."""
    functions: tuple[str, ...]
    """The functions it knows as one instruction."""
    transpose_block: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Rows and columns of the block that one instruction transposes; 0: it transposes none."""
    accumulate_cycles: NotNegative = 0
    """Cycles to read out a sum taken along the way."""
    passes: dict[str, Positive] = msgspec.field(default_factory=dict)
    """Passes over the elements where a form or a function takes more than one."""
    modes: dict[str, Positive] = msgspec.field(default_factory=dict)
    """Elements a cycle where every tile is of one of `mode_elements`: of `copy` and `tensor_scalar` between SBUF tiles, of
    the same with a PSUM tile (`psum`), and of `tensor_tensor`."""
    mode_elements: tuple[str, ...] = ()
    reads_psum: bool = True
    holds_up: tuple[str, ...] = ()
    """Engines that share its port to SBUF: they stand still while it works."""

    @property
    def instructions(self) -> frozenset[str]:
        """The functions that are one instruction: `functions`, and `cos`, which is `sin` with a bias."""
        return frozenset((*self.functions, "cos") if "sin" in self.functions else self.functions)


ABSENT = Elementwise(source="the chip has none", clock_hz=1.0, fixed_cycles=0, lanes=1, forms=(), functions=())
"""An engine that a chip does without."""


class Dma(Section, frozen=True, kw_only=True):
    """The engines that move data between device memory and the chip."""

    engines: Count = 1
    """How many there are; each serves its share of the partitions. Left out: they are taken as one that serves all."""
    bytes_per_s: Positive
    """What all of them together move, of long runs of consecutive bytes."""
    floor_ns: NotNegative
    """The least time from one DMA instruction to the next; data moves meanwhile."""
    descriptor_ns: NotNegative = 0
    """Time that an engine takes for each run of consecutive bytes in device memory, on top of the bytes."""
    run_bytes: Positive
    """Shorter runs take as long as runs of this length."""
    latency_ns: NotNegative
    """From the last byte of a transfer to the start of its consumer."""
    trigger_ns: NotNegative = 0
    """From the launch to the first byte of a queue. Later transfers are queued ahead, so that theirs is hidden."""
    gathers: bool = False
    """True: a transfer takes rows whose positions a tile on the chip holds."""
    accumulates: tuple[str, ...] = ()
    """Element types that a store can add in device memory."""
    transpose_elements: tuple[str, ...] = ()
    """Element types that a load can transpose on the way in."""
    transpose_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    """Share of the bandwidth that a transposing load reaches."""
    turn_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """The same of a transpose from SBUF to SBUF; 0: there is none."""


class MemoryEnergy(Energy, frozen=True, kw_only=True):
    """What one access or operation takes, with the memories on the chip."""

    pj_per_sbuf_byte: Positive
    pj_per_psum_byte: Positive
    scaled: str
    """How these numbers were carried over to this chip from what is published, in a sentence."""


class TrainiumChip(Chip, frozen=True, kw_only=True):
    """One core of a chip of this family, and what it shares."""

    family: ClassVar[str] = "trainium"

    sbuf: Sbuf
    psum: Psum
    tensor: TensorUnit
    vector: Elementwise
    scalar: Elementwise = ABSENT
    """Left out: the chip has none."""
    gpsimd: Elementwise = ABSENT
    """Left out: the chip has none."""
    dma: Dma
    energy: MemoryEnergy | None = None

    @property
    def peak_flops(self) -> float:
        """Floating-point operations a second of one core: rows x columns x 2 x clock, for `tensor.peak_element`."""
        unit = self.tensor
        return 2.0 * unit.rows * unit.columns * unit.clock_hz / unit.cycles_per_column[unit.peak_element]

    @property
    def peak_element(self) -> str:
        """The element type that the peak is quoted for."""
        return self.tensor.peak_element

    def least_s(self, macs: Mapping[str, float]) -> float:
        """Seconds that products take at least, each at the peak rate of its own operands' element type."""
        return self.tensor.least_s(macs)

    @property
    def memory_bytes_per_s(self) -> float:
        """What one core can move: its DMA engines, or its share of the device memory if that is less."""
        return self.dma_bytes_per_s

    @property
    def dma_bytes_per_s(self) -> float:
        """The same."""
        return min(self.dma.bytes_per_s, self.hbm.bytes_per_s)

    def engine(self, name: str) -> Elementwise:
        """The elementwise engine called `name`: vector, scalar or gpsimd."""
        engine = {"vector": self.vector, "scalar": self.scalar, "gpsimd": self.gpsimd}[name]
        assert isinstance(engine, Elementwise)
        return engine


def trainium(chip: Chip) -> TrainiumChip:
    """A chip as one of this family, which it has to be."""
    assert isinstance(chip, TrainiumChip), f"{chip.name} is no chip of this family"
    return chip


def contradictions(chip: TrainiumChip) -> Iterator[str]:
    """What contradicts what, a sentence each."""
    unit, sbuf, psum = chip.tensor, chip.sbuf, chip.psum
    if unit.peak_element not in unit.cycles_per_column:
        yield f"tensor.peak_element is {unit.peak_element}, which tensor.cycles_per_column lacks"
    if unit.rows > sbuf.partitions:
        yield f"tensor.rows is {unit.rows}, but sbuf.partitions only {sbuf.partitions}"
    if unit.columns > psum.partitions:
        yield f"tensor.columns is {unit.columns}, but psum.partitions only {psum.partitions}"
    if psum.bank_bytes % 4:
        yield f"psum.bank_bytes is {psum.bank_bytes}, which is no whole number of f32 sums"
    if unit.moving_columns > psum.banks * psum.bank_bytes // 4:
        yield (
            f"tensor.moving_columns is {unit.moving_columns}, but psum holds only {psum.banks} banks of "
            f"{psum.bank_bytes // 4} f32 sums a partition"
        )
    for name in ELEMENTWISE:
        if chip.engine(name).lanes > sbuf.partitions:
            yield f"{name}.lanes is {chip.engine(name).lanes}, but sbuf.partitions only {sbuf.partitions}"
        yield from unknown(f"{name}.forms", chip.engine(name).forms, FORMS)
    yield from unknown("tensor.cycles_per_column", unit.cycles_per_column, ELEMENT_TYPES)
    yield from unknown("dma.transpose_elements", chip.dma.transpose_elements, ELEMENT_TYPES)
    for form in ("tensor_scalar", "tensor_tensor", "reduce", "copy", "memset"):
        if not any(form in chip.engine(name).forms for name in ELEMENTWISE):
            yield f"no engine has the form {form}, without which nothing can be lowered: add it to vector.forms"
