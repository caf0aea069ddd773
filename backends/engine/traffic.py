"""What an instruction reads and writes on the chip, in bytes: for the roofline and for the energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..chips import Chip
from .cost import flops, transferred_bytes
from .numbers import Number, ceil_div, product
from .program import Buffer, EngineProgram, Instruction, MatMul, Transfer, Transpose
from .report import tile_sizes
from .totals import Totals

Extents = Mapping[str, Number]


@dataclass(slots=True)
class Traffic:
    """Bytes and operations of a whole run, all cores together."""

    hbm_bytes: float = 0.0
    sbuf_bytes: float = 0.0
    psum_bytes: float = 0.0
    macs: dict[str, float] = field(default_factory=dict)
    """Multiplications and additions of the tensor engine, by the element type of what moves."""
    operations: float = 0.0
    """Elements through the vector, scalar and gpsimd engines."""
    tensor_sbuf_bytes: float = 0.0
    """What the tensor engine reads of the SBUF bytes."""

    def each(self, cores: int) -> Traffic:
        """A core's share."""
        macs = {name: number / cores for name, number in self.macs.items()}
        parts = (self.hbm_bytes, self.sbuf_bytes, self.psum_bytes, self.operations, self.tensor_sbuf_bytes)
        hbm, sbuf, psum, operations, tensor = (part / cores for part in parts)
        return Traffic(hbm, sbuf, psum, macs, operations, tensor)


def traffic(program: EngineProgram) -> Traffic:
    """Sums over everything that a program executes."""
    found = Traffic()
    for node, times, extents in Totals(program.structure, program.dims, tile_sizes(program)).executed():
        _add(found, node, float(times), extents, program.chip)
    return found


def _add(found: Traffic, node: Instruction, times: float, extents: Extents, chip: Chip) -> None:
    sbuf, psum = on_chip_bytes(node, chip, extents)
    found.sbuf_bytes += times * sbuf
    found.psum_bytes += times * psum
    match node.action:
        case Transfer() as action:
            found.hbm_bytes += times * transferred_bytes(action, chip, extents)
        case MatMul() as action:
            name = action.moving.element.name
            found.macs[name] = found.macs.get(name, 0.0) + times * flops(node, extents) / 2
            found.tensor_sbuf_bytes += times * sbuf
        case Transpose():
            found.tensor_sbuf_bytes += times * sbuf
        case _:
            largest = max((elements(buffer, extents) for buffer in (*node.reads, *node.writes)), default=0)
            found.operations += times * largest


def on_chip_bytes(node: Instruction, chip: Chip, extents: Extents) -> tuple[float, float]:
    """Bytes of SBUF and of PSUM that an instruction reads and writes, with its repetitions.

    A matmul reads the moving operand again for every block of stationary columns, and adds to its result again for every block of
    the contracted axis.
    """
    sbuf = psum = 0.0
    for buffer in (*node.reads, *node.writes):
        moved = float(elements(buffer, extents) * buffer.element.bytes * _again(node, buffer, chip, extents))
        if buffer.memory == "sbuf":
            sbuf += moved
        else:
            psum += moved
    return sbuf, psum


def elements(buffer: Buffer, extents: Extents) -> Number:
    """Elements of a buffer that an instruction at these extents covers."""
    return product(extents[axis.name] for axis in buffer.axes)


def _again(node: Instruction, buffer: Buffer, chip: Chip, extents: Extents) -> Number:
    action = node.action
    if not isinstance(action, MatMul):
        return 1
    if buffer is action.moving and action.rows is not None:
        return ceil_div(extents[action.rows.name], chip.tensor.columns)
    if buffer is action.out:
        return ceil_div(extents[action.contracted.name], chip.tensor.rows)
    return 1
