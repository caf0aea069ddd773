"""Tile sizes among the choices of a configuration."""

from __future__ import annotations

from tilery.backends.tunable import Config, retuned
from tilery.dsl import program


def tile_sizes(kernel: program.Program, config: Config) -> dict[str, int]:
    """The tile sizes of a configuration, by tile variable: those it chooses, and those that the text or a tuning parameter
    fixes."""
    found: dict[str, int] = {}
    for variable in retuned(kernel, config).loop_variables:
        name, fixed = variable.axis.name, variable.by.choices
        size = config.get(name, fixed[0] if fixed and len(fixed) == 1 else None)
        if isinstance(size, int) and not variable.axis.unit:
            found[name] = size
    return found


def missing_sizes(kernel: program.Program, config: Config) -> list[str]:
    """The tile variables that a configuration gives no size."""
    sizes = tile_sizes(kernel, config)
    open_ = (each.axis.name for each in retuned(kernel, config).loop_variables if not each.axis.unit)
    return [name for name in dict.fromkeys(open_) if name not in sizes]
