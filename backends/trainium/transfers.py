"""What a transfer is, how long it takes, and what it moves.

The DMA engines share the partitions: with 16 engines, each serves eight of them, so that few rows leave engines idle. An engine
works through its descriptors, one for each run of consecutive bytes in device memory:

    data = descriptors x (descriptor_ns + bytes / rate of an engine), and no faster than device memory
    transfer = max(issue floor, data of each 128 rows)

Runs shorter than `run_bytes` take as long as runs of that length. A tile of more rows than partitions is one DMA instruction for
every 128 rows, whose results can be used as they arrive; where that would make each wait for the issue floor, one instruction
moves all, with an access pattern of one dimension more. Runs are a full rectangle and what is left over, an instruction each.
That form is of AWS's DMA overview and bandwidth guide.

A row that every partition gets is read from device memory once, as AWS's RMSNorm tutorial reads its weights (nki-samples,
rmsnorm_nki_kernels.py: a row of one partition, `broadcast_to` on the chip). What hands it on to the partitions is not published:
here the DMA engines write it to each of them, the slower assumption.
"""

from __future__ import annotations

from collections.abc import Mapping

from tilery.dsl.program import AffineIndex, AxisIndex, size_value

from ..machine.engine_program import Buffer, Transfer, Transpose
from ..machine.numbers import Number, ceil_div, larger, product, smaller
from ..machine.splits import Extents, count
from .addressing import contiguous_axis
from .chip_tables import TrainiumChip
from .repetitions import row_splits
from .runs.pieces import left_over, run_length


def transfer_parts(action: Transfer, chip: TrainiumChip, extents: Extents, dims: Mapping[str, int]) -> Number:
    """How many DMA instructions a transfer is, which come in the order of `repetitions.row_splits`."""
    folds = count(row_splits((action.buffer,), chip.sbuf.partitions), extents)
    if action.buffer.runs is not None:
        return folds
    filled = _data_s(action, chip, extents, dims, chip.sbuf.partitions) >= chip.dma.floor_ns * 1e-9
    return 1 + (folds - 1) * filled


def transfer_s(action: Transfer, chip: TrainiumChip, extents: Extents, dims: Mapping[str, int]) -> Number:
    """Seconds for which a transfer occupies the DMA engines."""
    partitions, runs, floor_s = chip.sbuf.partitions, action.buffer.runs, chip.dma.floor_ns * 1e-9
    if runs is not None:
        length, rest = run_length(extents[runs.name], partitions), left_over(extents[runs.name], partitions)
        full = larger(floor_s, _data_s(action, chip, {**extents, runs.name: length}, dims, partitions))
        single = larger(floor_s, _data_s(action, chip, {**extents, runs.name: 1}, dims, rest))
        return (length > 0) * full + (rest > 0) * single
    rows = _rows(action, chip, extents)
    if action.together and product(extents[axis.name] for axis in action.buffer.free) == 1:
        return _column_together_s(action, chip, extents)
    full, last = (_data_s(action, chip, extents, dims, each) for each in (partitions, rows % partitions))
    return larger(floor_s, rows // partitions * full + last)


def _column_together_s(action: Transfer, chip: TrainiumChip, extents: Extents) -> Number:
    """Seconds of a column whose elements lay together: one instruction moves them in runs, or they are a share of longer rows."""
    last = contiguous_axis(action.index)
    least_s = 0.0 if last is not None and last.unit else chip.dma.floor_ns * 1e-9
    return larger(least_s, _rows(action, chip, extents) * row_bytes(action.buffer, extents) / chip.dma_bytes_per_s)


def _data_s(action: Transfer, chip: TrainiumChip, extents: Extents, dims: Mapping[str, int], rows: Number) -> Number:
    """Seconds for which the busiest engine moves data of at most as many rows as there are partitions."""
    dma, times = chip.dma, 2 if action.accumulate else 1  # read, added to, written
    row = _along_partition(action, extents)
    busiest = smaller(rows, ceil_div(chip.sbuf.partitions, dma.engines)) * row
    rate = dma.bytes_per_s / dma.engines * (dma.transpose_share if action.transposed else 1.0)
    run = row if action.together else run_bytes(action, extents, dims)
    data_s = busiest / run * (dma.descriptor_ns * 1e-9 + larger(run, dma.run_bytes) / rate)
    read = smaller(1, rows) if _is_for_all(action) else rows
    return times * larger(data_s, read * row / chip.hbm.bytes_per_s)


def turn_s(action: Transpose, chip: TrainiumChip, extents: Extents) -> Number:
    """Seconds in which the DMA engines transpose a tile from SBUF to SBUF: one DMA instruction for every 128 rows of it.

    Its rate is published as a share of the bandwidth. No row overhead is: the elements are moved one by one anyway.
    """
    dma, partitions = chip.dma, chip.sbuf.partitions
    row = row_bytes(action.source, extents)
    rows, rate = extents[action.columns.name], dma.bytes_per_s / dma.engines * dma.turn_share

    def one(number: Number) -> Number:
        return larger(dma.floor_ns * 1e-9, smaller(number, ceil_div(partitions, dma.engines)) * row / rate)

    rest = rows % partitions
    return rows // partitions * one(partitions) + (rest > 0) * one(rest)


def transferred_bytes(action: Transfer, chip: TrainiumChip, extents: Extents) -> Number:
    """Bytes written to or read from the chip's memory."""
    times = 2 if action.accumulate else 1  # read, added to, written
    rows = 1 if _is_for_all(action) else _rows(action, chip, extents)
    return rows * row_bytes(action.buffer, extents) * times


def row_bytes(buffer: Buffer, extents: Extents) -> Number:
    """Bytes of one position of the axis across the partitions, or of the axis that is cut into runs."""
    return product(extents[axis.name] for axis in buffer.free) * buffer.element.bytes


def _along_partition(action: Transfer, extents: Extents) -> Number:
    """Bytes of a DMA instruction in one partition: a run where the tile is cut into runs."""
    runs = action.buffer.runs
    return row_bytes(action.buffer, extents) * (extents[runs.name] if runs is not None else 1)


def _is_for_all(action: Transfer) -> bool:
    """Whether the tile is the same on every partition."""
    return action.buffer.partition is None and action.buffer.runs is None


def _rows(action: Transfer, chip: TrainiumChip, extents: Extents) -> Number:
    """Rows moved: a tile that is the same on every partition is written to all of them, and stored from one."""
    across = action.buffer.partition or action.buffer.runs
    if across is not None:
        return extents[across.name]
    return 1 if action.store else chip.sbuf.partitions


def run_bytes(action: Transfer, extents: Extents, dims: Mapping[str, int]) -> Number:
    """Consecutive bytes in device memory that go to one partition: from the last dimension on, as far as dimensions are whole.

    A transposing load reads whole rows, whose elements go to one partition each.
    """
    across = None if action.transposed else action.buffer.partition
    run: Number = 1
    whole: Number = True
    for index, size in zip(reversed(action.index), reversed(action.tensor.shape), strict=True):
        if isinstance(index, AffineIndex) and not index.terms and size_value(size, dims) == 1:
            continue
        axis = contiguous_axis((index,))
        if axis is None or axis == across:
            break
        run = run * larger(1, whole * extents[axis.name])
        if action.transposed or not isinstance(index, AxisIndex):
            break
        whole = whole * (extents[axis.name] == size_value(size, dims))
    return action.buffer.element.bytes * run
