"""Capacity: do all the instances of all the buffers fit the chip, and what would make them fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tilery.dsl.errors import Diagnostic
from tilery.dsl.spans import Span

from .engine_program import Buffer, EngineProgram
from .errors import Infeasible
from .family import Memory
from .segments import segments


def usage(program: EngineProgram) -> dict[str, int]:
    """What all instances of all buffers that are alive at once take of every memory, in its own unit."""
    found: dict[str, int] = {memory.name: 0 for memory in program.family.memories(program.chip)}
    for alive in segments(program.structure):
        for name, taken in _taken(program, alive).items():
            found[name] = max(found[name], taken)
    return found


def _taken(program: EngineProgram, buffers: Iterable[Buffer]) -> dict[str, int]:
    found: dict[str, int] = {}
    for buffer in buffers:
        found[buffer.memory] = found.get(buffer.memory, 0) + _size(program, buffer)
    return found


def _size(program: EngineProgram, buffer: Buffer) -> int:
    return program.slots(buffer) * int(program.family.takes(buffer, program.chip, program.tile, program.extent))


@dataclass(frozen=True, slots=True)
class Shortage:
    """A limit of the chip that a program exceeds."""

    limit: str
    """The memory's name."""
    text: str
    """What the chip has, what is needed, and the largest buffers."""
    over: int
    """Units of it too many: bytes a partition, or banks."""
    span: Span
    """The place in the text that the largest buffer comes from."""
    largest: str
    """That buffer's name."""

    def error(self, code: str, message: str, help: str) -> Infeasible:
        """This as an error of a configuration, or of the configuration that exceeds a limit least."""
        note = f"{self.largest} is the largest buffer"
        return Infeasible(Diagnostic(code, message, self.span, note, help), self.limit, self.over)


def shortage(program: EngineProgram) -> Shortage | None:
    """The first limit that a program exceeds; None: it fits its chip."""
    used, chip = usage(program), program.chip
    for memory in program.family.memories(chip):
        needed, over = used[memory.name], used[memory.name] - memory.capacity
        if over > 0:
            text = (
                f"{chip.name} has {memory.capacity:,} {memory.whole}, this configuration needs {needed:,}: "
                f"{over:,} too many; largest: {_in_words(program, memory.name)}"
            )
            return Shortage(memory.name, text, over, *_place(program, memory.name))
    return None


def memory_called(program: EngineProgram, name: str) -> Memory:
    """The memory of that name of a program's chip."""
    return next(each for each in program.family.memories(program.chip) if each.name == name)


def check_capacity(program: EngineProgram) -> None:
    """Raises `Infeasible` if the program does not fit its chip; names the largest buffers."""
    short = shortage(program)
    if short is not None:
        instead = memory_called(program, short.limit).instead
        raise short.error("TK501", short.text, f"take smaller tiles, fewer buffers, or {instead}")


def largest(program: EngineProgram, memory: str) -> list[tuple[int, int, Buffer]]:
    """The three largest buffers of a memory where most of it is taken: what all slots take in its unit, the slots, the buffer."""
    fullest = max(segments(program.structure), key=lambda alive: _taken(program, alive).get(memory, 0))
    sizes = [(_size(program, buffer), program.slots(buffer), buffer) for buffer in fullest if buffer.memory == memory]
    return sorted(sizes, key=lambda entry: -entry[0])[:3]


def _place(program: EngineProgram, memory: str) -> tuple[Span, str]:
    """Where in the text the largest buffer of a memory is first written, and its name."""
    _, _, buffer = largest(program, memory)[0]
    written = (each.span for _, each in program.structure.instructions() if buffer in each.writes_to)
    return next(written, program.kernel.span), buffer.name


def _in_words(program: EngineProgram, memory: str) -> str:
    unit = memory_called(program, memory).unit.split()[0]
    return ", ".join(f"{buffer.name} {size:,} {unit} in {slots} slots" for size, slots, buffer in largest(program, memory))
