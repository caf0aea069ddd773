"""A tuning by the engine model, without a command line."""

from __future__ import annotations

from collections.abc import Mapping

from tilery.backends.chips import Chip
from tilery.dsl import program
from tilery.tuner.by_model import autotune
from tilery.tuner.model.engine_model import EngineModel
from tilery.tuner.options import Options
from tilery.tuner.result import Result


def tuned(kernel: program.Program, dims: Mapping[str, int], chip: Chip, options: Options) -> Result:
    return autotune(EngineModel.of(kernel, dims, chip, options), options)
