"""From the words of a command line to a kernel and its pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from tilery.backends.tunable import Choice
from tilery.dsl.errors import UsageError
from tilery.dsl.looking import exists
from tilery.dsl.report import did_you_mean
from tilery.kernel import Kernel
from tilery.library import load
from tilery.pipeline import Pipeline


def open_kernel(target: str, tuned: str | None = None) -> Kernel:
    """The kernel of `FILE` or `FILE:KERNEL`."""
    path, colon, name = target.rpartition(":")
    if not colon or exists(target) or not name.isidentifier():
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


def open_pipeline(
    target: str,
    names: Sequence[str],
    chip: str,
    choices: Sequence[str] = (),
    tuned: str | None = None,
    what_if: Sequence[str] = (),
) -> Pipeline:
    """Every stage of what a command line names, with the choices of `--set` and `--what-if` laid over configuration and chip."""
    pipeline = open_kernel(target, tuned).pipeline(read_names(names), chip, what_if=what_if)
    given = read_names(choices, "--set")
    pipeline.overrides = {name: _choice(pipeline, name, text) for name, text in given.items()}
    return pipeline


def _choice(pipeline: Pipeline, name: str, text: str) -> Choice:
    """A value of `--set` in the tunable's type. Numbers outside its domain are checked later, by the engine."""
    # What the text itself leaves open is known without the chip, which may be unable to run the kernel.
    tunables = pipeline.open_in_text
    if all(each.name != name for each in tunables):
        tunables = pipeline.settable
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
