"""From the words of a command line to kernels, requests and configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .backends import engine
from .backends.tunable import Choice, Tunable
from .dsl.errors import UsageError
from .dsl.report import did_you_mean
from .kernel import Kernel
from .library import load
from .request import Request, make_request
from .tuner.choose import Chosen


def open_kernel(target: str, tuned: str | None = None) -> Kernel:
    """The kernel of `FILE` or `FILE:KERNEL`."""
    path, colon, name = target.rpartition(":")
    if not colon or Path(target).exists() or not name.isidentifier():
        return load(target, tuned=tuned).only()
    return load(path, tuned=tuned)[name]


def read_names(words: Sequence[str], option: str = "") -> dict[str, str]:
    """`NAME=VALUE` words as a mapping; `UsageError` for another form or a name given twice."""
    values: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (equals and name and value):
            example = f"{option} m=128" if option else "M=2048"
            raise UsageError(f"`{word}`: write NAME=VALUE, for example {example}")
        if name in values:
            raise UsageError(f"{name} is given twice: {values[name]} and {value}")
        values[name] = value
    return values


@dataclass(frozen=True, slots=True)
class Opened:
    """A request, and the configuration it is to run with."""

    kernel: Kernel
    request: Request
    config: Mapping[str, Choice]
    origin: str
    """Where the configuration comes from, in words."""
    note: str
    """What a user should know of it; empty for a tuned entry."""


def open_request(target: str, names: Sequence[str], chip: str, choices: Sequence[str] = (), tuned: str | None = None) -> Opened:
    """Everything a command needs: kernel, shapes, chip, and the chosen configuration with `--set` laid over it."""
    kernel = open_kernel(target, tuned)
    request = make_request(kernel.definition, read_names(names), chip)
    chosen = kernel.choose(request)
    if not choices:
        return Opened(kernel, request, chosen.config, _origin(chosen), kernel.note(request, chosen))
    tunables = engine.tunables(request.kernel, request.dims, request.chip)
    given = {name: _choice(tunables, name, value) for name, value in read_names(choices, "--set").items()}
    return Opened(kernel, request, {**chosen.config, **given}, f"{_origin(chosen)}, with --set", "")


def _origin(chosen: Chosen) -> str:
    return {
        "tuned": "tuned entry",
        "nearest": "adapted from the nearest tuned entry",
        "borrowed": "borrowed from another chip's tuned entry",
        "default": "the model's default",
    }[chosen.origin]


def _choice(tunables: Sequence[Tunable], name: str, text: str) -> Choice:
    """A value of `--set`, as the tunable has it; a number outside the domain is left to the engine to judge."""
    names = [each.name for each in tunables]
    if name not in names:
        raise UsageError(f"--set {name}: {did_you_mean(name, names) or 'there are ' + ', '.join(names)}")
    tunable = tunables[names.index(name)]
    if text in tunable.values:
        return text
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"--set {name}={text}: the choices are {', '.join(map(str, tunable.values))}") from None
