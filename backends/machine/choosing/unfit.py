"""The error if no configuration fits the chip: what to change in the kernel, in its sizes, or in the chip.

It describes the configuration that exceeds a limit least. A size is suggested only if that configuration fits with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tilery.dsl.errors import UsageError
from tilery.dsl.program import Axis, LoopVariable, Size, SizeOp
from tilery.dsl.specialise.bind import check_requirements

from ..capacity import largest, memory_called, shortage
from ..engine_program import Buffer, EngineProgram
from ..errors import Infeasible

TRIED = 1024
"""How many sizes below the largest one that fits are tried if the text has a `require`."""


def nothing_fits(nearest: EngineProgram) -> Infeasible:
    """The error of a kernel without a configuration that fits. `nearest` exceeds a limit least."""
    short = shortage(nearest)
    if short is None:
        raise AssertionError("screening and capacity disagree")
    kernel, memory = nearest.kernel, memory_called(nearest, short.limit)
    names = [each.axis.name for each in kernel.loop_variables if each.axis.name in nearest.config]
    tiles = " ".join(f"{name}={nearest.config[name]}" for name in names)
    field, enough = memory.field, memory.capacity + short.over
    needed = f"a chip with {field} of {enough:,.0f} would hold it (--what-if {field}={enough:.0f})"
    helps = "\n      or ".join([*_changes(nearest, short.limit), needed])
    message = f"no configuration of {kernel.name} fits at this shape; the nearest{' is ' + tiles if tiles else ''}: {short.text}"
    return short.error("TK502", message, helps)


def _changes(program: EngineProgram, limit: str) -> Iterator[str]:
    """What to change in the kernel, and in its sizes."""
    buffers = [buffer for _, _, buffer in largest(program, limit)]
    whole = _whole(program, buffers)
    for axis in whole:
        names = _listed([buffer.name for buffer in buffers if axis in _held(program, buffer)])
        yield f"loop over {axis} in tiles, `{_variable(program, axis)} of {axis}`, which {names} must hold whole"
    fixed = [each for each in program.kernel.loop_variables if _is_fixed(each) and any(each.axis in one.axes for one in buffers)]
    for each in fixed:
        yield f"give {each.axis} smaller tiles than its `by`"
    if not whole and not fixed:
        yield f"keep fewer tiles alive at once than {_listed([buffer.name for buffer in buffers])}"
    sizes = dict.fromkeys(name for buffer in buffers for axis in buffer.axes for name in _names(axis.size))
    found = {name: _largest_size(program, name) for name in sizes}
    fitting = [f"{name}={size}" for name, size in found.items() if size]
    if fitting:
        yield f"take a smaller dimension: {', or '.join(fitting)} fits"


def _whole(program: EngineProgram, buffers: list[Buffer]) -> list[Axis]:
    """The axes that the buffers hold whole, the longest first."""
    axes = dict.fromkeys(axis for buffer in buffers for axis in _held(program, buffer))
    return sorted(axes, key=lambda axis: -program.extent(axis))


def _held(program: EngineProgram, buffer: Buffer) -> list[Axis]:
    """The whole dimensions that make a buffer large; one that lies across the memory only if it is longer than that is wide."""
    across = memory_called(program, buffer.memory).across
    return [axis for axis in buffer.axes if axis.whole and program.extent(axis) > (1 if axis in buffer.free else across)]


def _is_fixed(variable: LoopVariable) -> bool:
    by = variable.by
    return not variable.axis.unit and (by.low is not None or (by.choices is not None and min(by.choices) > 1))


def _variable(program: EngineProgram, axis: Axis) -> str:
    """A name for a loop over a dimension that the kernel does not have yet."""
    taken = {each.axis.name for each in program.kernel.loop_variables} | set(program.dims)
    name = axis.name.lower()
    return name if name not in taken else next(f"{name}{count}" for count in range(2, 99) if f"{name}{count}" not in taken)


def _listed(names: list[str]) -> str:
    *others, last = dict.fromkeys(names)
    return f"{', '.join(others)} and {last}" if others else last


def _names(size: Size) -> Iterator[str]:
    match size:
        case str():
            yield size
        case SizeOp():
            yield from _names(size.left)
            yield from _names(size.right)
        case _:
            pass


def _largest_size(program: EngineProgram, name: str) -> int | None:
    """The largest size of a dimension with which the configuration fits, and which the text allows."""
    low, high = 0, program.dims[name]  # `high` does not fit, `low` is assumed to
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _fits(program, {name: middle}) else (low, middle)
    tried = range(low, max(0, low - TRIED), -1)
    return next((size for size in tried if _is_allowed(program, {name: size}) and _fits(program, {name: size})), None)


def _fits(program: EngineProgram, sizes: Mapping[str, int]) -> bool:
    return shortage(replace(program, dims={**program.dims, **sizes})) is None


def _is_allowed(program: EngineProgram, sizes: Mapping[str, int]) -> bool:
    try:
        check_requirements(program.kernel, {**program.dims, **sizes})
    except UsageError:
        return False
    return True
