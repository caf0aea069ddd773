"""The bytes that an instruction reads and writes on the chip, and what it computes: for the roofline and the energy."""

from __future__ import annotations

from ..machine.engine_program import DEVICE, Barrier, Buffer, Instruction, MatMul, Setting, Transfer, Transpose
from ..machine.numbers import Number, larger, product
from ..machine.splits import Extents, touches
from ..machine.time.run_traffic import Traffic
from .chip_tables import TrainiumChip, trainium
from .cost import macs
from .repetitions import repetitions
from .transfers import transferred_bytes


def traffic(node: Instruction, extents: Extents, setting: Setting) -> Traffic:
    """The traffic of an instruction with its repetitions."""
    chip = trainium(setting.chip)
    sbuf, psum = on_chip_bytes(node, chip, extents)
    found = Traffic({"sbuf": sbuf, "psum": psum})
    match node.action:
        case Transfer() as action:
            found.moved[DEVICE] = transferred_bytes(action, chip, extents)
        case MatMul():
            found.macs = dict(macs(node, extents))
            found.operands = {"sbuf": sbuf}
        case Barrier():
            pass
        case Transpose():
            found.operands = {"sbuf": sbuf}
        case _:
            largest: Number = 0
            for buffer in (*node.reads, *node.writes):
                largest = larger(largest, elements(buffer, extents))
            found.operations = largest
    return found


def on_chip_bytes(node: Instruction, chip: TrainiumChip, extents: Extents) -> tuple[Number, Number]:
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
        elif buffer.memory == "psum":
            psum = psum + moved
    return sbuf, psum


def elements(buffer: Buffer, extents: Extents) -> Number:
    """Elements of a buffer that an instruction at these extents covers."""
    return product(extents[axis.name] for axis in buffer.axes)
