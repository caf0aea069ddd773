"""The arguments of a run: read from a file, or drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tilery.backends.drawing import domains
from tilery.backends.memory import WORTH_SAYING_BYTES, check_memory
from tilery.backends.truth import data
from tilery.pages.console import bytes_text, echo
from tilery.pipeline import Pipeline
from tilery.python.calling import Array, Call
from tilery.python.within import check_distinct, check_within, limits

from ..shared.opening import open_kernel, open_pipeline, read_names
from .archive import read_call


def open_with_data(
    file: str, names: Sequence[str], chip: str, choices: Sequence[str], tuned: str | None, data_file: str | None
) -> tuple[Pipeline, Call | None]:
    """The kernel's pipeline, and the call that the file of `--data` holds; that file says dimensions and types too."""
    if data_file is None:
        return open_pipeline(file, names, chip, choices, tuned), None
    call = read_call(open_kernel(file, tuned).definition, Path(data_file), read_names(names))
    return open_pipeline(file, _words(call), chip, choices, tuned), call


def _words(call: Call) -> list[str]:
    types = {name: str(kind) for name, kind in call.types.items()}
    return [f"{name}={value}" for name, value in (dict(call.dims) | types | dict(call.constants)).items()]


def make_arguments(pipeline: Pipeline, call: Call | None, seed: int) -> dict[str, Array | float]:
    """The arguments of the call, or random ones, within the ranges that the kernel declares. Says if they need much memory."""
    kernel, dims = pipeline.program, pipeline.dims
    needed_bytes = check_memory(kernel, dims, compared=bool(kernel.reference))
    if needed_bytes > WORTH_SAYING_BYTES:
        echo(f"this takes {bytes_text(needed_bytes)} of memory and more", error=True)
    arguments: dict[str, Array | float]
    if call is None:
        arguments = {**data.random_arguments(kernel, dims, seed), **pipeline.request.scalars}
    else:
        arguments = dict(call.arguments)
    check_within(limits(kernel, dims), arguments, whole=True)
    check_distinct(kernel.signature, arguments, whole=True)
    return arguments


def drawn(pipeline: Pipeline, arguments: Mapping[str, Array | float]) -> dict[str, str]:
    """The scalars that were drawn, and the interval of each tensor that is not drawn from a normal distribution."""
    kernel, given = pipeline.program, pipeline.request.scalars
    over = domains(kernel, pipeline.dims)
    scalars = {each.name: f"{arguments[each.name]:.6g}" for each in kernel.signature.scalars if each.name not in given}
    return scalars | {each.name: f"drawn over {over[each.name]}" for each in kernel.signature.tensors if each.name in over}
