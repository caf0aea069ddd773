"""The bytes that an instruction reads and writes on the chip, for the roofline and the energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..chips import Chip
from ..machine.engine_program import Buffer, EngineProgram, Instruction, MatMul, Structure, Transfer, Transpose
from ..machine.numbers import Number, larger, product
from ..machine.splits import Extents, touches
from ..machine.time.dealing import repeated
from ..machine.time.summary import tile_sizes
from ..machine.time.totals import Totals
from .cost import flops, transferred_bytes
from .repetitions import repetitions


@dataclass(slots=True)
class Traffic:
    """Bytes and operations of a whole run on all cores, for one configuration or an array of them."""

    hbm_bytes: Number = 0.0
    sbuf_bytes: Number = 0.0
    psum_bytes: Number = 0.0
    macs: dict[str, Number] = field(default_factory=dict)
    """Multiplications and additions of the tensor engine, by the element type of what moves."""
    operations: Number = 0.0
    """Elements through the vector, scalar and gpsimd engines."""
    tensor_sbuf_bytes: Number = 0.0
    """Those of the SBUF bytes that the tensor engine reads."""

    def each(self, cores: int) -> Traffic:
        """A core's share."""
        macs = {name: number / cores for name, number in self.macs.items()}
        parts = (self.hbm_bytes, self.sbuf_bytes, self.psum_bytes, self.operations, self.tensor_sbuf_bytes)
        hbm, sbuf, psum, operations, tensor = (part / cores for part in parts)
        return Traffic(hbm, sbuf, psum, macs, operations, tensor)


def traffic(program: EngineProgram) -> Traffic:
    """Sums over everything that a program executes."""
    found, copies = Traffic(), repeated(program)
    for node, times, extents in Totals(program.structure, program.dims, tile_sizes(program)).executed():
        _add(found, node, times * copies.get(node, 1) * 1.0, extents, program.chip)
    return found


def traffic_of(structure: Structure, dims: Mapping[str, int], tiles: Mapping[str, Number]) -> Traffic:
    """The same of a structure at given tile sizes, which may be arrays."""
    found = Traffic()
    for node, times, extents in Totals(structure, dims, tiles).executed():
        _add(found, node, times * 1.0, extents, structure.chip)
    return found


def _add(found: Traffic, node: Instruction, times: Number, extents: Extents, chip: Chip) -> None:
    sbuf, psum = on_chip_bytes(node, chip, extents)
    # Not in place: the array may be needed to compute the next configuration.
    found.sbuf_bytes = found.sbuf_bytes + times * sbuf
    found.psum_bytes = found.psum_bytes + times * psum
    match node.action:
        case Transfer() as action:
            found.hbm_bytes = found.hbm_bytes + times * transferred_bytes(action, chip, extents)
        case MatMul() as action:
            name = action.moving.element.name
            found.macs[name] = found.macs.get(name, 0.0) + times * flops(node, extents) / 2
            found.tensor_sbuf_bytes = found.tensor_sbuf_bytes + times * sbuf
        case Transpose():
            found.tensor_sbuf_bytes = found.tensor_sbuf_bytes + times * sbuf
        case _:
            largest: Number = 0
            for buffer in (*node.reads, *node.writes):
                largest = larger(largest, elements(buffer, extents))
            found.operations = found.operations + times * largest


def on_chip_bytes(node: Instruction, chip: Chip, extents: Extents) -> tuple[Number, Number]:
    """Bytes of SBUF and of PSUM that an instruction reads and writes, with its repetitions.

    A matmul touches a buffer again for every piece along the axes that the buffer has not: it reads the stationary operand for
    every 512 moving columns, the moving one for every 128 stationary ones, and adds to its result for every 128 contracted rows.
    """
    splits = repetitions(node, chip) if isinstance(node.action, MatMul) else ()
    sbuf: Number = 0.0
    psum: Number = 0.0
    for buffer in (*node.reads, *node.writes):
        moved = elements(buffer, extents) * buffer.element.bytes * touches(splits, buffer, extents)
        if buffer.memory == "sbuf":
            sbuf = sbuf + moved
        else:
            psum = psum + moved
    return sbuf, psum


def elements(buffer: Buffer, extents: Extents) -> Number:
    """Elements of a buffer that an instruction at these extents covers."""
    return product(extents[axis.name] for axis in buffer.axes)
