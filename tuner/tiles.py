"""Tile sizes among the choices of a configuration."""

from __future__ import annotations

from ..backends.tunable import Config
from ..dsl import program


def tile_sizes(kernel: program.Kernel, config: Config) -> dict[str, int]:
    """The tile sizes among the choices of a configuration, by tile variable."""
    names = {variable.axis.name for variable in kernel.loop_variables}
    return {name: value for name, value in config.items() if name in names and isinstance(value, int)}
