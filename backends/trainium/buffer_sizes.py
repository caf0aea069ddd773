"""What an instance of a buffer takes of SBUF or PSUM, for one configuration or arrays of them."""

from __future__ import annotations

from ..machine.engine_program import Buffer
from ..machine.family import Tile
from ..machine.numbers import Number, ceil_div, product
from .chip_tables import TrainiumChip


def takes(buffer: Buffer, chip: TrainiumChip, tile: Tile, extent: Tile) -> Number:
    """SBUF bytes in every partition, or PSUM banks."""
    return (bytes_per_partition if buffer.memory == "sbuf" else psum_banks)(buffer, chip, tile, extent)


def bytes_per_partition(buffer: Buffer, chip: TrainiumChip, tile: Tile, extent: Tile) -> Number:
    """SBUF bytes that one instance takes in every partition.

    A tile with more rows than there are partitions is folded: every 128 rows take more bytes in the same partitions. So do runs.
    """
    return _folds(buffer, chip, tile, extent) * _whole(_free(buffer, tile, extent) * buffer.element.bytes)


def psum_banks(buffer: Buffer, chip: TrainiumChip, tile: Tile, extent: Tile) -> Number:
    """PSUM banks that one instance takes: a bank holds 128 rows of what one matmul writes.

    All of a small tile shares one bank. Of a larger tile, every fold and every position of the outer axes takes banks of its own.
    """
    per_bank = int(chip.psum.bank_bytes // buffer.element.bytes)
    long = [buffer.positions(axis, tile, extent) for axis in buffer.free if not axis.unit] or [1]
    apart = product(long[:-1]) * ceil_div(long[-1], per_bank)
    folds = _folds(buffer, chip, tile, extent)
    return 1 + (folds * product(long) > per_bank) * (folds * apart - 1)


def _folds(buffer: Buffer, chip: TrainiumChip, tile: Tile, extent: Tile) -> Number:
    axis = buffer.partition or buffer.runs
    if axis is None:
        return 1
    if axis.name in buffer.whole:
        covered = buffer.positions(axis, tile, extent)
        return ceil_div(covered, tile(axis)) * ceil_div(tile(axis), chip.sbuf.partitions)
    return ceil_div(buffer.positions(axis, tile, extent), chip.sbuf.partitions)


def _whole(free: Number) -> Number:
    """Half a byte takes one."""
    return ceil_div(2 * free, 2)


def _free(buffer: Buffer, tile: Tile, extent: Tile) -> Number:
    return product(buffer.positions(axis, tile, extent) for axis in buffer.free)
