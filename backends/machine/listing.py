"""An engine program as text: loops, instructions, buffers, each with its numbers."""

from __future__ import annotations

from .engine_program import DEVICE, Buffer, EngineProgram, Instruction, Loop, Node
from .wording import formula


def print_engine_program(program: EngineProgram) -> str:
    """The program, an instruction a line, indented by loop; buffers at the top."""
    units = {memory.name: memory.unit for memory in program.family.memories(program.chip)}
    lines = [f"engine program {program.kernel.name} for {program.chip.name}"]
    lines += [f"  {name} = {value}" for name, value in program.config.items()]
    for buffer in program.structure.buffers:
        if buffer.memory == DEVICE:
            lines.append(f"{DEVICE} {buffer.name} {buffer.element}")
            continue
        size = program.family.takes(buffer, program.chip, program.tile, program.extent)
        lines.append(f"{buffer.memory} {_shape(program, buffer)}: {program.slots(buffer)} x {size:,} {units[buffer.memory]}")
    lines += _nodes(program, program.structure.body, 0)
    return "\n".join(lines)


def _shape(program: EngineProgram, buffer: Buffer) -> str:
    axes = []
    for axis in buffer.axes:
        extent = buffer.positions(axis, program.tile, program.extent)
        axes.append(f"{'|' if axis == buffer.partition else ''}{axis}={extent}{' in runs' if axis == buffer.runs else ''}")
    return f"{buffer.name}[{', '.join(axes)}] {buffer.element}"


def _nodes(program: EngineProgram, body: tuple[Node, ...], depth: int) -> list[str]:
    lines: list[str] = []
    for node in body:
        lines += _loop(program, node, depth) if isinstance(node, Loop) else [f"{'    ' * depth}{_instruction(program, node)}"]
    return lines


def _loop(program: EngineProgram, loop: Loop, depth: int) -> list[str]:
    step = loop.limit if loop.limit is not None else program.tile(loop.axis)
    over = f"{loop.axis.parent or loop.axis.size}" if loop.limit is None else "the tile"
    kind = "for" if not loop.parallel else "tile"
    guard = " if its guard holds" if loop.guard else ""
    joined = ", each begun under the last stages of the one before" if loop.joined else ""
    lines = [f"{'    ' * depth}{kind} {loop.axis} of {over} by {step}{guard}{joined}:"]
    for number, stage in enumerate(loop.stages):
        note = [f"stage {number + 1}"] if len(loop.stages) > 1 else []
        note += [f"new {', '.join(map(str, stage.allocates))}"] if stage.allocates else []
        lines += [f"{'    ' * (depth + 1)}# {'; '.join(note)}"] if note else []
        lines += _nodes(program, stage.body, depth + 1)
    return lines


def _instruction(program: EngineProgram, node: Instruction) -> str:
    """The queue, the form, what it does, and into what pieces it is cut if one does not do."""
    splits = program.family.repetitions(node, program.chip) if node.form in ("matmul", "transpose") else ()
    pieces = [f"{split.axis} {split.limit}" for split in splits if program.tile(split.axis) > split.limit > 1]
    note = f"   # by {', '.join(pieces)}" if pieces else ""
    return f"{node.queue:<12} {node.form:<14} {formula(node.action, program.structure.host)}{note}"
