"""The outcome of a run: compared with the reference, saved, and turned into the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tilery.backends import emulator
from tilery.backends.truth import accuracy
from tilery.backends.truth.comparison import Comparison, other_data
from tilery.backends.truth.reference import reference
from tilery.dsl.errors import TileryError
from tilery.dsl.program import Program
from tilery.pipeline import Pipeline
from tilery.python.calling import Array
from tilery.writing import writing

from .archive import save


class WrongValues(TileryError):
    """A run whose values differ from the reference."""


class Unproven(TileryError):
    """A run compared with a reference of NaN and infinities: its values are neither right nor wrong."""


def judge(
    pipeline: Pipeline, on_chip: bool, arguments: Mapping[str, Array | float], results: Mapping[str, Array]
) -> tuple[Mapping[str, Array], Comparison | None]:
    """The reference's values and how the results compare with them; nothing where the kernel has no reference."""
    kernel, dims = pipeline.program, pipeline.dims
    if not kernel.reference:
        return {}, None
    wanted = reference(kernel, dims, arguments)
    executed = pipeline.scheduled if on_chip else pipeline.emulated
    return wanted, accuracy.compare(executed, dims, results, wanted, arguments)


def insist(kernel: Program, comparison: Comparison) -> None:
    """Raises unless the values are right: a script must not go on with values that nothing was proved of."""
    if comparison.verdict == "wrong":
        raise WrongValues(f"{kernel.name}: the values differ from the reference: {comparison}")
    if comparison.verdict == "unproven":
        what_to_do = f"help: {other_data(kernel.signature)}"
        raise Unproven(f"{kernel.name}: the values are neither right nor wrong: {comparison}\n{what_to_do}")


def save_all(
    path: str,
    pipeline: Pipeline,
    arguments: Mapping[str, Array | float],
    results: Mapping[str, Array],
    wanted: Mapping[str, Array],
) -> None:
    """Writes arguments, constants, results and the reference's values to an archive.

    What the kernel updates in place is there as it was given, and as it came to be under `updated.NAME`.
    """
    references = {f"reference.{name}": array for name, array in wanted.items()}
    named = {f"updated.{name}" if name in arguments else name: array for name, array in results.items()}
    save(Path(path), {**arguments, **pipeline.program.constants, **named, **references})


def save_probes(probes: emulator.Probes | None, path: str) -> dict[str, str]:
    """Writes the probed tiles. Describes each by name: `acc_line6` -> `f32 [m, n] 300 x 200, in matmul.probe.npz`."""
    if probes is None:
        return {}
    with writing(path):
        probes.save(Path(path))
    return {name: f"{_form(array, probes.axes[name])} in {path}" for name, array in probes.arrays.items()}


def _form(array: Array, axes: tuple[str, ...]) -> str:
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    ends = f", {finite.min():g} to {finite.max():g}" if finite.size else ""
    return f"{array.dtype} [{', '.join(f'{name}={extent}' for name, extent in zip(axes, array.shape, strict=True))}]{ends}"
