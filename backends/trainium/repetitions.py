"""The repetitions of an instruction: how its axes are split into pieces that the hardware takes at once.

    matmul       128 stationary columns, 512 moving ones, 128 contracted rows (256 for types that go in two at a time)
    transpose    128 x 128 on the tensor engine, 32 x 32 on an elementwise one, 128 rows by the DMA engines
    the others   128 partitions; runs as a full rectangle and what is left over

Execution, cost, traffic and printing all read this.
"""

from __future__ import annotations

from ..machine.engine_program import Buffer, Copy, Instruction, MatMul, ReduceRuns, Transfer, Transpose
from ..machine.splits import Split
from .chip_tables import TrainiumChip
from .runs.pieces import RunSplit


def repetitions(node: Instruction, chip: TrainiumChip) -> tuple[Split, ...]:
    """The splits of an instruction's axes, in the order in which its pieces come, outermost first."""
    match node.action:
        case MatMul() as action:
            return matmul_splits(action, chip)
        case Transpose() as action:
            return transpose_splits(action, node.engine, chip)
        case Transfer() as action:
            return row_splits((action.buffer,), chip.sbuf.partitions)
        case Copy() | ReduceRuns() as action:
            return row_splits((action.source,), chip.sbuf.partitions)
        case _:
            return row_splits((*node.reads, *node.writes), chip.sbuf.partitions)


def matmul_splits(action: MatMul, chip: TrainiumChip) -> tuple[Split, ...]:
    """Contracted axes innermost: a block's sum is finished before the next block's begins."""
    unit = chip.tensor
    splits = [Split(axis, 1) for axis in action.counted]
    splits += [Split(axis, limit) for axis, limit in ((action.rows, unit.columns), (action.column, unit.moving_columns)) if axis]
    splits.sort(key=lambda split: split.axis not in action.out.axes)
    return (*splits, Split(action.contracted, contraction_rows(action, chip)))


def contraction_rows(action: MatMul, chip: TrainiumChip) -> int:
    """The longest contraction of one instruction: twice the array's rows for element types that go in two at a time."""
    return chip.tensor.rows * (2 if action.moving.element.name in chip.tensor.double_row else 1)


def transpose_splits(action: Transpose, engine: str, chip: TrainiumChip) -> tuple[Split, ...]:
    """Blocks of the array's size, or of the one that an elementwise engine turns; the DMA engines take 128 rows of any length."""
    if engine == "dma":
        return (Split(action.columns, chip.sbuf.partitions),)
    rows, columns = chip.tensor.columns, chip.tensor.rows
    if engine != "tensor":
        rows = columns = chip.engine(engine).transpose_block
    others = [axis for axis in action.source.axes if axis not in (action.rows, action.columns)]
    return (Split(action.rows, rows), Split(action.columns, columns), *(Split(axis, 1) for axis in others))


def row_splits(buffers: tuple[Buffer, ...], partitions: int) -> tuple[Split, ...]:
    """The axis that lies across the partitions, or the one that is cut into runs; none, if every partition holds the same."""
    in_runs = next((buffer.runs for buffer in buffers if buffer.runs), None)
    if in_runs is not None:
        return (RunSplit(in_runs, partitions),)
    across = next((buffer.partition for buffer in buffers if buffer.partition), None)
    return (Split(across, partitions),) if across is not None else ()
