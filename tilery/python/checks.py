"""Checks the options of Python functions and commands. Each check raises `UsageError` for a mistake."""

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
"""The largest seed. A search adds to it, and the sum must still be a seed for numpy and Optuna."""


def whole(name: str, value: object, least: int, most: int = MOST) -> None:
    """Checks that a value is a whole number within bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        bounds = f"of at least {least}" if most == MOST else f"from {least} to {most}"
        raise UsageError(f"{name}={shown(value)}: a whole number {bounds} is expected")


def positive(name: str, value: object) -> None:
    """Checks that a value is a finite number above 0."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
        raise UsageError(f"{name}={shown(value)}: a number over 0 is expected")


def yes_or_no(name: str, value: object) -> bool:
    """Checks that a value is True or False."""
    if not isinstance(value, bool):
        raise UsageError(f"{name}={shown(value)}: True or False is expected")
    return value


def text(name: str, value: object) -> None:
    """Checks that a value is a text."""
    if not isinstance(value, str):
        raise UsageError(f"{name}={shown(value)}: a text is expected, not {type(value).__name__}")


def path(name: str, value: object) -> Path:
    """Checks that a value is the path of a file."""
    if (
        not isinstance(value, str | os.PathLike)
        or isinstance(spelled := os.fspath(value), bytes)
        or "\0" in spelled
        or not spelled
    ):
        raise UsageError(f"{name}={shown(value)}: the path of a file is expected")
    return Path(spelled)


def kernel(value: object, kind: type) -> None:
    """Checks that a value is a kernel."""
    if not isinstance(value, kind):
        raise UsageError(f"{shown(value)} is no kernel; tilery.load(FILE).NAME is one")


def names(name: str, value: object, example: str) -> None:
    """Checks that a value is a mapping whose keys are names."""
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value):
        raise UsageError(f"{name}={shown(value)}: a mapping of names to values is expected, as {example}")


def config(value: object) -> None:
    """Checks that a configuration is a mapping of names to choices."""
    names("config", value, 'config={"m": 128}')
    assert isinstance(value, Mapping)
    for each, choice in value.items():
        if not isinstance(choice, int | str) or isinstance(choice, bool):
            raise UsageError(f"config: {each} is {shown(choice)}, and a choice is a whole number or a name")


def open_in_text(value: Mapping[str, Choice], tunables: Sequence[Tunable]) -> None:
    """Checks the names of choices that the text leaves open. A chip's knobs, such as `order.m`, change no value and pass."""
    known = [each.name for each in tunables]
    for name in value:
        if name not in known and "." not in name:
            raise UsageError(f"config: the kernel has no `{name}` to choose; {did_you_mean(name, known) or f'it has {known}'}")


def search(options: Options, progress: object) -> None:
    """Checks the options that bound and steer a search, for functions and commands alike."""
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
    """Checks the changes to a chip."""
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(each, str) for each in value):
        raise UsageError(f'what_if={shown(value)}: a list of changes is expected, as what_if=["sbuf.bytes_per_partition=*2"]')
    return tuple(value)


def shown(value: Any) -> str:
    """A value as messages show it; a long one is cut."""
    try:
        said = value if isinstance(value, str) and value.isprintable() else repr(value)
    except Exception:  # it fails somehow, so it is not what is asked for
        said = f"<{type(value).__name__}>"
    return said if len(said) <= 60 else f"{said[:57]}..."
