"""What a chip file holds. Every number is per core; units stand in the names; `source` says where a section's come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]

NOT_TIMED = ("title", "price", "power", "energy", "references")
"""Fields that no latency depends on."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of a chip file."""

    source: str
    """Where its numbers are published."""


class Cores(Section, frozen=True, kw_only=True):
    """The cores that share a chip."""

    count: Count


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
    passes: dict[str, Positive] = {}
    """Passes over the elements where a form or a function takes more than one."""
    modes: dict[str, Positive] = {}
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
    """The engines that move data between device memory and the chip, taken together."""

    bytes_per_s: Positive
    floor_ns: NotNegative
    """The least time that a transfer occupies the engines; data moves meanwhile."""
    latency_ns: NotNegative
    """From the last byte of a transfer to the start of its consumer."""
    trigger_ns: NotNegative = 0
    """From the launch to the first byte of a queue. Later transfers are queued ahead, so that theirs is hidden."""
    run_bytes: Positive
    """Shorter runs of consecutive bytes in device memory take as long as runs of this length."""
    gathers: bool = False
    """True: a transfer takes rows whose positions a tile on the chip holds."""
    accumulates: tuple[str, ...] = ()
    """Element types that a store can add in device memory."""
    transpose_elements: tuple[str, ...] = ()
    """Element types that a load can transpose on the way in."""
    transpose_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    """Share of the bandwidth that a transposing load reaches."""


class Hbm(Section, frozen=True, kw_only=True):
    """Device memory."""

    bytes_per_s: Positive


class Price(Section, frozen=True, kw_only=True):
    """What renting the chip costs."""

    instance: str
    """The machine that is rented."""
    usd_per_hour: Positive
    """For the whole machine."""
    chips: Count
    """Chips in it."""
    date: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """When the price was read, as 2025-11-30."""

    @property
    def usd_per_chip_hour(self) -> float:
        """The machine's price over its chips."""
        return self.usd_per_hour / self.chips

    def __str__(self) -> str:
        return f"{self.usd_per_chip_hour:.3f} USD/h a chip, {self.instance}, read {self.date}"


class Power(Section, frozen=True, kw_only=True):
    """The chip's published power."""

    tdp_w: Positive


class Energy(Section, frozen=True, kw_only=True):
    """What one access or operation takes, in picojoules; leakage, clocks and control are not in it."""

    pj_per_mac: dict[str, Positive]
    """One multiplication and addition in the tensor engine, by element type of its operands."""
    pj_per_operation: Positive
    """One element through the vector, scalar or gpsimd engine."""
    pj_per_hbm_byte: Positive
    pj_per_sbuf_byte: Positive
    pj_per_psum_byte: Positive
    scaled: str
    """How these numbers were carried over to this chip from what is published, in a sentence."""


class Chip(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One core of a chip, and what it shares."""

    name: str
    title: str
    cores: Cores
    sbuf: Sbuf
    psum: Psum
    tensor: TensorUnit
    vector: Elementwise
    scalar: Elementwise = ABSENT
    """Left out: the chip has none."""
    gpsimd: Elementwise = ABSENT
    """Left out: the chip has none."""
    dma: Dma
    hbm: Hbm
    price: Price | None = None
    power: Power | None = None
    energy: Energy | None = None
    references: dict[str, str] = {}
    """What the abbreviations in the sources stand for."""

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change with any number that a configuration could depend on: prices and sources are none."""
        fields = {name: _timed(value) for name, value in msgspec.to_builtins(self).items() if name not in NOT_TIMED}
        return hashlib.sha256(msgspec.json.encode(fields, order="deterministic")).hexdigest()[:16]

    @property
    def peak_flops(self) -> float:
        """Floating-point operations a second of one core: rows x columns x 2 x clock, for `tensor.peak_element`."""
        unit = self.tensor
        return 2.0 * unit.rows * unit.columns * unit.clock_hz / unit.cycles_per_column[unit.peak_element]

    @property
    def dma_bytes_per_s(self) -> float:
        """What one core can move: its DMA engines, or its share of the device memory if that is less."""
        return min(self.dma.bytes_per_s, self.hbm.bytes_per_s)

    def engine(self, name: str) -> Elementwise:
        """The elementwise engine called `name`: vector, scalar or gpsimd."""
        engine = {"vector": self.vector, "scalar": self.scalar, "gpsimd": self.gpsimd}[name]
        assert isinstance(engine, Elementwise)
        return engine


def _timed(value: Any) -> Any:
    """A field without its source, every number as a float: 0 and 0.0 are the same chip."""
    if isinstance(value, dict):
        return {name: _timed(each) for name, each in value.items() if name != "source"}
    return float(value) if isinstance(value, int) else value
