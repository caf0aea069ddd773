"""Checks the options of Python functions and commands: one clear `UsageError` for each mistake."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilery.backends.tunable import Choice, Tunable
from tilery.dsl.errors import UsageError
from tilery.dsl.report import did_you_mean

if TYPE_CHECKING:
    from tilery.tuner.options import Options

MOST = 2**31 - 1
"""The largest seed, so that what a search adds to it still is one of numpy's generators and of Optuna's samplers."""


def whole(name: str, value: object, least: int, most: int = MOST) -> None:
    """A whole number within bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        bounds = f"of at least {least}" if most == MOST else f"from {least} to {most}"
        raise UsageError(f"{name}={shown(value)}: a whole number {bounds} is expected")


def positive(name: str, value: object) -> None:
    """A number over 0, and finite."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
        raise UsageError(f"{name}={shown(value)}: a number over 0 is expected")


def text(name: str, value: object) -> None:
    """A text."""
    if not isinstance(value, str):
        raise UsageError(f"{name}={shown(value)}: a text is expected, not {type(value).__name__}")


def path(name: str, value: object) -> Path:
    """The path of a file."""
    if (
        not isinstance(value, str | os.PathLike)
        or isinstance(spelled := os.fspath(value), bytes)
        or "\0" in spelled
        or not spelled
    ):
        raise UsageError(f"{name}={shown(value)}: the path of a file is expected")
    return Path(spelled)


def kernel(value: object, kind: type) -> None:
    """A kernel."""
    if not isinstance(value, kind):
        raise UsageError(f"{shown(value)} is no kernel; tilery.load(FILE).NAME is one")


def names(name: str, value: object, example: str) -> None:
    """A mapping whose keys are names."""
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value):
        raise UsageError(f"{name}={shown(value)}: a mapping of names to values is expected, as {example}")


def config(value: object) -> None:
    """Choices by name."""
    names("config", value, 'config={"m": 128}')
    assert isinstance(value, Mapping)
    for each, choice in value.items():
        if not isinstance(choice, int | str) or isinstance(choice, bool):
            raise UsageError(f"config: {each} is {shown(choice)}, and a choice is a whole number or a name")


def open_in_text(value: Mapping[str, Choice], tunables: Sequence[Tunable]) -> None:
    """Choices of what the text leaves open. Knobs of a chip, `order.m` or `buffers.a`, do not matter to values."""
    known = [each.name for each in tunables]
    for name in value:
        if name not in known and "." not in name:
            raise UsageError(f"config: the kernel has no `{name}` to choose; {did_you_mean(name, known) or f'it has {known}'}")


def search(options: Options, progress: object) -> None:
    """What bounds and steers a search, for the functions and for the commands."""
    whole("jobs", options.jobs, 1, 1024)
    whole("seed", options.seed, 0)
    text("objective", options.objective)
    if options.sampler is not None:
        text("sampler", options.sampler)
    if options.max_error is not None:
        positive("max_error", options.max_error)
    if progress is not None and not callable(progress):
        raise UsageError(f"progress={shown(progress)}: a function is expected, which is called as the search goes on")


def changes(value: object) -> tuple[str, ...]:
    """Changes to a chip."""
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(each, str) for each in value):
        raise UsageError(f'what_if={shown(value)}: a list of changes is expected, as what_if=["sbuf.bytes_per_partition=*2"]')
    return tuple(value)


def shown(value: Any) -> str:
    """A value in a message, cut where it is long."""
    try:
        said = value if isinstance(value, str) and value.isprintable() else repr(value)
    except Exception:  # whatever is wrong with it, it is not what is asked for
        said = f"<{type(value).__name__}>"
    return said if len(said) <= 60 else f"{said[:57]}..."
