"""Capacity: whether all instances of all buffers fit the chip, and which buffers are the largest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tilery.dsl.errors import Diagnostic
from tilery.dsl.program import Axis
from tilery.dsl.spans import Span

from ..chips import Chip
from ..machine.engine_program import Buffer, EngineProgram
from ..machine.errors import Infeasible
from ..machine.numbers import Number, ceil_div, product

Tile = Callable[[Axis], Number]
"""The positions of a full step of an axis."""


def bytes_per_partition(buffer: Buffer, chip: Chip, tile: Tile, extent: Tile) -> Number:
    """SBUF bytes that one instance takes in every partition.

    A tile with more rows than there are partitions is folded: every 128 rows take more bytes in the same partitions. So do runs.
    """
    return _folds(buffer, chip, tile, extent) * _free(buffer, tile, extent) * buffer.element.bytes


def psum_banks(buffer: Buffer, chip: Chip, tile: Tile, extent: Tile) -> Number:
    """PSUM banks that one instance takes: a bank holds 128 rows of what one matmul writes.

    All of a small tile shares one bank. Of a larger tile, every fold and every position of the outer axes takes banks of its own.
    """
    per_bank = chip.psum.bank_bytes // buffer.element.bytes
    long = [buffer.positions(axis, tile, extent) for axis in buffer.free if not axis.unit] or [1]
    apart = product(long[:-1]) * ceil_div(long[-1], per_bank)
    folds = _folds(buffer, chip, tile, extent)
    return 1 + (folds * product(long) > per_bank) * (folds * apart - 1)


def _folds(buffer: Buffer, chip: Chip, tile: Tile, extent: Tile) -> Number:
    axis = buffer.partition or buffer.runs
    if axis is None:
        return 1
    if axis.name in buffer.whole:
        covered = buffer.positions(axis, tile, extent)
        return ceil_div(covered, tile(axis)) * ceil_div(tile(axis), chip.sbuf.partitions)
    return ceil_div(buffer.positions(axis, tile, extent), chip.sbuf.partitions)


def _free(buffer: Buffer, tile: Tile, extent: Tile) -> Number:
    return product(buffer.positions(axis, tile, extent) for axis in buffer.free)


def usage(program: EngineProgram) -> tuple[int, int]:
    """SBUF bytes a partition and PSUM banks, over all instances of all buffers."""
    sbuf, psum = 0, 0
    for buffer in program.structure.buffers:
        slots = program.slots(buffer)
        if buffer.memory == "hbm":
            continue
        if buffer.memory == "sbuf":
            sbuf += slots * bytes_per_partition(buffer, program.chip, program.tile, program.extent)
        else:
            psum += slots * psum_banks(buffer, program.chip, program.tile, program.extent)
    return sbuf, psum


@dataclass(frozen=True, slots=True)
class Shortage:
    """A limit of the chip that a program exceeds."""

    limit: str
    """`sbuf` or `psum`."""
    text: str
    """What the chip has, what is needed, and the largest buffers."""
    over: int
    """Bytes a partition, or banks, too many."""
    span: Span
    """The place in the text that the largest buffer comes from."""
    largest: str
    """That buffer's name."""

    def error(self, code: str, message: str, help: str) -> Infeasible:
        """The shortage as an error with this code, message and help."""
        note = f"{self.largest} is the largest buffer"
        return Infeasible(Diagnostic(code, message, self.span, note, help), self.limit, self.over)


def shortage(program: EngineProgram) -> Shortage | None:
    """The first limit that a program exceeds; None: it fits its chip."""
    sbuf, psum = usage(program)
    chip = program.chip
    if sbuf > chip.sbuf.bytes_per_partition:
        over = sbuf - chip.sbuf.bytes_per_partition
        text = (
            f"{chip.name} has {chip.sbuf.bytes_per_partition:,} bytes a partition of SBUF, this configuration needs {sbuf:,}: "
            f"{over:,} too many; largest: {_in_words(program, 'sbuf')}"
        )
        return Shortage("sbuf", text, over, *_place(program, "sbuf"))
    if psum > chip.psum.banks:
        over = psum - chip.psum.banks
        text = (
            f"{chip.name} has {chip.psum.banks} PSUM banks, this configuration needs {psum}: {over} too many; "
            f"largest: {_in_words(program, 'psum')}"
        )
        return Shortage("psum", text, over, *_place(program, "psum"))
    return None


def check_capacity(program: EngineProgram) -> None:
    """Raises `Infeasible` if the program does not fit its chip; names the largest buffers."""
    short = shortage(program)
    if short is not None:
        instead = {"sbuf": "hoist less", "psum": "accumulate in SBUF"}[short.limit]
        raise short.error("TK501", short.text, f"take smaller tiles, fewer buffers, or {instead}")


def largest(program: EngineProgram, memory: str) -> list[tuple[int, int, Buffer]]:
    """The three largest buffers of a memory: bytes a partition or banks of all slots, the slots, the buffer."""
    measure = bytes_per_partition if memory == "sbuf" else psum_banks
    sizes = [
        (program.slots(buffer) * int(measure(buffer, program.chip, program.tile, program.extent)), program.slots(buffer), buffer)
        for buffer in program.structure.buffers
        if buffer.memory == memory
    ]
    return sorted(sizes, key=lambda entry: -entry[0])[:3]


def _place(program: EngineProgram, memory: str) -> tuple[Span, str]:
    """Where in the text the largest buffer of a memory is first written, and its name."""
    _, _, buffer = largest(program, memory)[0]
    written = (each.span for _, each in program.structure.instructions() if buffer in each.writes)
    return next(written, program.kernel.span), buffer.name


def _in_words(program: EngineProgram, memory: str) -> str:
    unit = "bytes" if memory == "sbuf" else "banks"
    return ", ".join(f"{buffer.name} {size:,} {unit} in {slots} slots" for size, slots, buffer in largest(program, memory))
