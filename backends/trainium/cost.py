"""The cost of an instruction: the published formulas, each with its source, for one configuration or arrays of them.

The cost includes all repetitions. It depends only on the extents of the axes at that place, which differ for full and for shorter
tiles.
"""

from __future__ import annotations

from collections.abc import Mapping

from tilery.dsl.program import Axis, AxisIndex, Tensor, size_value

from ..machine.engine_program import Barrier, Buffer, Clear, Compute, Copy, Instruction, MatMul, ReduceRuns, Transfer, Transpose
from ..machine.numbers import Number, ceil_div, in_pieces, larger, product, smaller
from ..machine.splits import Extents, count
from .addressing import contiguous_axis
from .chip_tables import Elementwise, TrainiumChip
from .instructions import Gather, Select, TakeEnd, TensorScan
from .repetitions import matmul_splits, transpose_splits
from .runs.pieces import elements_a_lane, piece_count
from .transfers import transfer_s, turn_s


def duration_s(instruction: Instruction, chip: TrainiumChip, extents: Extents, dims: Mapping[str, int], cores: int = 1) -> Number:
    """Seconds for which the instruction, with its repetitions, occupies its engine."""
    match instruction.action:
        case Transfer() as action:
            return transfer_s(action, chip, extents, dims)
        case MatMul() as action:
            return matmul_cycles(action, chip, extents) / chip.tensor.clock_hz
        case Transpose() as action if instruction.engine == "tensor":
            return transpose_cycles(action, chip, extents) / chip.tensor.clock_hz
        case Transpose() as action if instruction.engine == "dma":
            return turn_s(action, chip, extents)
        case Transpose() as action:
            engine = instruction.engine
            return elementwise_transpose_cycles(action, engine, chip, extents) / chip.engine(engine).clock_hz
        case Clear(tensor=Tensor() as tensor):
            return product(size_value(each, dims) for each in tensor.shape) * tensor.element.bytes / chip.dma_bytes_per_s
        case Barrier():
            return barrier_s(chip) if cores > 1 else 0.0
        case Gather() as action:
            return gather_cycles(action, chip, extents) / chip.gpsimd.clock_hz
        case Compute() | Copy() | ReduceRuns() | Clear() as action:
            return compute_cycles(instruction, action, chip, extents) / chip.engine(instruction.engine).clock_hz


def latency_s(instruction: Instruction, chip: TrainiumChip) -> float:
    """Seconds from the end of the occupation until the result can be used; the engine goes on meanwhile."""
    moves = instruction.engine == "dma" and not isinstance(instruction.action, Barrier)
    return chip.dma.latency_ns * 1e-9 if moves else 0.0


def barrier_s(chip: TrainiumChip) -> float:
    """Seconds until every core knows that all have come to a barrier: as long as a transfer of a word from one to the others.

    On one core an instruction waits for the semaphores of those before it, which costs nothing of its own.
    """
    return (chip.dma.floor_ns + chip.dma.latency_ns) * 1e-9


def matmul_cycles(action: MatMul, chip: TrainiumChip, extents: Extents) -> Number:
    """max(64, columns) cycles for each block of 128 x 128 stationary elements, times 4 for f32 (NKI instruction costs).

    A few cycles more from one instruction to the next: AWS measures 98 % of peak at 512 columns, and f32 at 4 x 512 + 14.
    Several small matmuls share the array, each in its own rows and columns (NKI's tile_position).
    """
    unit = chip.tensor
    splits = matmul_splits(action, chip)
    passes = unit.cycles_per_column[action.moving.element.name]
    width = _extent(action.column, extents)
    columns = in_pieces(width, unit.moving_columns, unit.min_cycles) * passes
    columns = columns + ceil_div(width, unit.moving_columns) * unit.fixed_cycles
    blocks = count([split for split in splits if split.axis != action.column], extents)
    apart = count([split for split in splits if split.axis != action.contracted], extents)
    rows, depth = _extent(action.rows, extents), extents[action.contracted.name]
    return blocks * columns / smaller(_side_by_side(rows, depth, chip), apart)


def _side_by_side(rows: Number, depth: Number, chip: TrainiumChip) -> Number:
    """How many small matmuls the array holds at once: its rows are shared by short contractions, its columns by narrow blocks."""
    unit = chip.tensor
    by_rows = _parts(unit.rows, depth, unit.row_tiles)
    by_columns = _parts(unit.columns, rows, unit.column_tiles)
    return smaller(by_rows * by_columns, larger(unit.row_tiles, unit.column_tiles))


def _parts(whole: int, used: Number, most: int) -> Number:
    """The largest power of two of parts, `most` at most, that `used` fits one of."""
    parts: Number = 1
    for split in (2, 4, 8):
        if split <= most:
            parts = parts + (used * split <= whole) * (split // 2)
    return parts


def transpose_cycles(action: Transpose, chip: TrainiumChip, extents: Extents) -> Number:
    """max(P, min(64, F)) cycles for each [P, F] block of at most 128 x 128, times 2 for f32 (NKI instruction costs)."""
    unit = chip.tensor
    rows, columns = extents[action.rows.name], extents[action.columns.name]
    least = smaller(unit.min_cycles, rows)
    apart = count([split for split in transpose_splits(action, "tensor", chip) if split.axis != action.columns], extents)
    element = action.source.element.name
    passes = unit.transpose_cycles_per_column.get(element, unit.cycles_per_column[element])
    return apart * in_pieces(columns, unit.rows, least) * passes


def elementwise_transpose_cycles(action: Transpose, name: str, chip: TrainiumChip, extents: Extents) -> Number:
    """fixed + N cycles for each block of at most 32 x 32, N its elements a partition (NKI instruction costs)."""
    splits = transpose_splits(action, name, chip)
    engine, rows = chip.engine(name), extents[action.rows.name]
    apart = count([split for split in splits if split.axis != action.rows], extents)
    return count(splits, extents) * engine.fixed_cycles + apart * rows


def compute_cycles(
    instruction: Instruction, action: Compute | Copy | ReduceRuns | Clear, chip: TrainiumChip, extents: Extents
) -> Number:
    """fixed + passes x free elements (NKI instruction costs).

    A tile of more than 128 rows lies folded along the partitions, and one instruction takes all its folds, unless it has an
    operand or a result of one element a partition: that is another one in every fold. Runs are taken at once, what is left over
    by an instruction of its own. A scan takes one row after the other, and one that is exclusive another instruction for all
    first places.
    """
    engine = chip.engine(instruction.engine)
    buffers = [*instruction.reads, *instruction.writes]
    partition = next((buffer.partition for buffer in buffers if buffer.partition), None)
    runs = next((buffer.runs for buffer in buffers if buffer.runs), None)
    free = {axis.name for buffer in buffers for axis in buffer.axes if axis not in (partition, runs)}
    elements = product(extents[name] for name in sorted(free))
    folds = ceil_div(extents[partition.name], engine.lanes) if partition else 1
    times = folds if any(_is_column(buffer) for buffer in buffers) else 1
    if runs is not None:
        folds = elements_a_lane(extents[runs.name], chip.sbuf.partitions, engine.lanes)
        times = piece_count(extents[runs.name], chip.sbuf.partitions)
    if isinstance(action, TensorScan):
        rows = product(extents[axis.name] for axis in action.axes if axis not in (partition, runs, action.along))
        times = folds * rows + action.exclusive
    if isinstance(action, TakeEnd):
        elements = product(extents[axis.name] for axis in action.axes if axis not in (partition, *action.over))
    extra = engine.accumulate_cycles if isinstance(action, Compute) and action.accumulates else 0.0
    issues = action.issues if isinstance(action, Compute) else 1
    return times * issues * (engine.fixed_cycles + extra) + folds * passes(instruction, chip) * elements


GATHERED_AT_ONCE = 512
"""Elements a partition of one group of nc_n_gather's instructions (NKI)."""
CYCLES_A_POSITION = 2
"""NKI's instruction costs have 150 + V / 8 cycles for V positions of a core's 16 partitions (local_gather, single elements)."""


def gather_cycles(action: Gather, chip: TrainiumChip, extents: Extents) -> Number:
    """fixed cycles for each 512 elements of a partition, and 2 an element; a second position is first added to the first.

    What nc_n_gather takes is not published: this is the formula of local_gather, which the same engine runs.
    """
    out, engine = action.out, chip.gpsimd
    assert isinstance(out, Buffer)
    elements = product(extents[axis.name] for axis in out.free)
    folds = ceil_div(extents[out.partition.name], engine.lanes) if out.partition else 1
    cycles = ceil_div(elements, GATHERED_AT_ONCE) * engine.fixed_cycles + CYCLES_A_POSITION * elements
    flattened = 0 if action.second is None else engine.fixed_cycles + elements
    return folds * (cycles + flattened)


def passes(instruction: Instruction, chip: TrainiumChip) -> float:
    """Cycles an element takes.

    Two SBUF operands of tile size share a port; some functions are slow on some engines; tiles of 16 bits may go faster.
    """
    engine = chip.engine(instruction.engine)
    slowest = 1.0
    if instruction.form == "scan":
        return engine.passes.get("scan", 1.0)
    if isinstance(instruction.action, Compute):
        slowest = max([1.0, *(engine.passes.get(name, 1.0) for name in instruction.action.functions)])
    from_sbuf = all(buffer.memory == "sbuf" for buffer in instruction.reads)
    rate = _mode(instruction, engine)
    two = instruction.form == "tensor_tensor" or isinstance(instruction.action, Select)
    if two and from_sbuf and rate is None:
        return max(slowest, engine.passes.get("tensor_tensor", 1.0))
    return slowest / (rate or 1.0)


def _mode(instruction: Instruction, engine: Elementwise) -> float | None:
    """Elements a cycle of the engine's mode for short elements; None if the instruction does not qualify."""
    buffers = (*instruction.reads, *instruction.writes)
    # A column beside a tile is read once; where there are only columns, their own type decides.
    tiles = [buffer for buffer in buffers if not _is_column(buffer)] or buffers
    if any(buffer.element.name not in engine.mode_elements for buffer in tiles):
        return None
    slower = any(buffer.memory == "psum" or _is_apart(buffer) for buffer in tiles)
    if slower and instruction.form != "tensor_tensor" and instruction.form in engine.modes:
        return engine.modes.get("psum")
    return engine.modes.get(instruction.form)


def _is_apart(buffer: Buffer) -> bool:
    """Whether neighbours of a view lie apart along the partition: half as fast as whole rows in the modes for short elements."""
    if buffer.view is None:
        return False
    inner = [axis for axis in buffer.view.of.free if not axis.unit]
    index = buffer.view.index[buffer.view.of.axes.index(inner[-1])] if inner else None
    return index is not None and not isinstance(index, AxisIndex) and contiguous_axis((index,)) is None


def _is_column(buffer: Buffer) -> bool:
    return all(axis == buffer.partition or axis.unit for axis in buffer.axes)


def macs(instruction: Instruction, extents: Extents) -> dict[str, Number]:
    """Multiplications and additions of a matmul, a pair counted once, by the moving operand's element type."""
    if not isinstance(instruction.action, MatMul):
        return {}
    action = instruction.action
    names = {axis.name for axis in (action.rows, action.column, action.contracted, *action.counted) if axis}
    return {action.moving.element.name: product(extents[name] for name in names)}


def _extent(axis: Axis | None, extents: Extents) -> Number:
    return extents[axis.name] if axis else 1
