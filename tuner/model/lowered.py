"""Lowering for the search: raises the protocol's `Refused` if a configuration does not fit."""

from __future__ import annotations

from collections.abc import Mapping

from tilery.backends import engine
from tilery.backends.chips import Chip
from tilery.backends.machine.errors import Infeasible
from tilery.backends.tunable import Config
from tilery.dsl import program

from .protocol import Refused


def lowered(kernel: program.Program, dims: Mapping[str, int], chip: Chip, config: Config, cores: int = 1) -> engine.EngineProgram:
    """The engine program of a configuration; raises `Refused` if it does not fit the chip."""
    try:
        return engine.lower(kernel, dims, chip, config, cores)
    except Infeasible as error:
        raise Refused(error.limit, str(error)) from error
