"""Memories, engines and tables of this family as data: their names, what they hold, and how reports call them."""

from __future__ import annotations

from ..machine.family import Engine, Memory
from .chip_tables import ELEMENTWISE, TrainiumChip

ENGINES = (
    Engine("tensor", "the tensor engine", "unfilled rows and columns, transposes"),
    *(Engine(name, f"the {name} engine", "elementwise work beside the products") for name in ELEMENTWISE),
    Engine("dma", "moving data (dma)", "tensors loaded more than once, rows for a part of the engines"),
)

SECTIONS = {
    "sbuf": "on-chip memory that every engine reads and writes",
    "psum": "accumulators that the tensor engine writes",
    "tensor": "matrix unit: a stationary block, past which columns move",
    "vector": "elementwise engine",
    "scalar": "elementwise engine that knows functions",
    "gpsimd": "general elementwise engine",
    "dma": "engines between device memory and the chip",
}

OVERHEADS = (
    "dma.latency_ns=0",
    "dma.trigger_ns=0",
    "dma.floor_ns=0",
    "dma.descriptor_ns=0",
    "tensor.min_cycles=0",
    "tensor.fixed_cycles=0",
    "tensor.warm_up_ns=0",
    *(f"{engine}.{field}=0" for engine in ELEMENTWISE for field in ("fixed_cycles", "accumulate_cycles")),
)

CALIBRATED = (
    "dma.bytes_per_s",
    "dma.floor_ns",
    "dma.descriptor_ns",
    "dma.latency_ns",
    "dma.trigger_ns",
    "tensor.fixed_cycles",
    "tensor.warm_up_ns",
    *(f"{engine}.fixed_cycles" for engine in ELEMENTWISE),
)

IMPROVEMENTS = (
    *((f"a 10 % faster {engine} engine", (f"{engine}.clock_hz=+10%",)) for engine in ("tensor", *ELEMENTWISE)),
    ("10 % more bandwidth", ("dma.bytes_per_s=+10%", "hbm.bytes_per_s=+10%")),
    ("a 10 % shorter latency of transfers", ("dma.latency_ns=-10%", "dma.trigger_ns=-10%")),
    ("a 10 % lower floor of transfers", ("dma.floor_ns=-10%",)),
    ("10 % less for each run of bytes", ("dma.descriptor_ns=-10%",)),
    (
        "10 % lower fixed costs of instructions",
        tuple(f"{engine}.fixed_cycles=-10%" for engine in ("tensor", *ELEMENTWISE)),
    ),
)


def memories(chip: TrainiumChip) -> tuple[Memory, ...]:
    """The memory that every engine reads, and the accumulators."""
    return (
        Memory(
            name="sbuf",
            title="SBUF",
            capacity=chip.sbuf.bytes_per_partition,
            unit="bytes a partition",
            unit_bytes=chip.sbuf.partitions,
            whole="bytes a partition of SBUF",
            field="sbuf.bytes_per_partition",
            exceeded="tiles and slots take more bytes a partition than the chip has",
            instead="hoist less",
            used_field="sbuf_bytes_per_partition",
            available_field="sbuf_bytes_available",
            across=chip.sbuf.partitions,
        ),
        Memory(
            name="psum",
            title="PSUM",
            capacity=chip.psum.banks,
            unit="banks",
            unit_bytes=chip.psum.partitions * chip.psum.bank_bytes,
            whole="PSUM banks",
            field="psum.banks",
            exceeded="accumulators and their slots take more banks than the chip has",
            instead="accumulate in SBUF",
            used_field="psum_banks",
            available_field="psum_banks_available",
            across=chip.sbuf.partitions,
        ),
    )
