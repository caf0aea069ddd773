"""Every error of ours survives pickling and copying, with its message, its attributes and its notes."""

from __future__ import annotations

import copy
import importlib
import pickle
import pkgutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lark.lexer import Token

from tilery.backends.machine.errors import CannotLower, Infeasible
from tilery.backends.numbers.strided import Outside
from tilery.dsl.errors import Diagnosed, Diagnostic, Label, Mistakes, SourceErrors, UsageError
from tilery.dsl.spans import Source, Span
from tilery.dsl.text.lines import LayoutError
from tilery.tuner.model.protocol import Refused
from tilery.tuner.setting_up import NotSetUp
from tilery.tuner.verify.efforts import Unverified

SPAN = Span(Source("a.tk", "kernel f:\n"), 1, 1, 1, 7)
DIAGNOSTIC = Diagnostic("TK204", "wrong", SPAN, "here", "mend it", (Label(SPAN, "first here"),))
MADE: dict[type[BaseException], Callable[[], BaseException]] = {
    Diagnosed: lambda: Diagnosed([DIAGNOSTIC]),
    Infeasible: lambda: Infeasible(DIAGNOSTIC, "sbuf", 7.0),
    CannotLower: lambda: CannotLower("TK513", "trn2", SPAN, "no instruction", "write another"),
    SourceErrors: lambda: SourceErrors([DIAGNOSTIC]),
    Outside: lambda: Outside(1, 70),
    Mistakes: lambda: Mistakes([SourceErrors([DIAGNOSTIC]), UsageError("no such file")]),
    LayoutError: lambda: LayoutError("TK101", "wrong", Token("NAME", "x"), "mend it"),
    Unverified: lambda: Unverified(7.0, True),
    NotSetUp: lambda: NotSetUp("matmul"),
    Refused: lambda: Refused("sbuf", "no room"),
}
"""How those are made that take more than a message."""


PACKAGES = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]


def modules() -> Iterator[Any]:
    for package in map(importlib.import_module, PACKAGES):
        for each in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if not each.name.endswith("__main__"):
                yield importlib.import_module(each.name)


ERRORS = sorted(
    {
        value
        for module in modules()
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseException) and value.__module__.startswith("tilery.")
    },
    key=lambda each: each.__qualname__,
)


def form(error: BaseException) -> tuple[object, ...]:
    return type(error), str(error), error.args, error.__dict__


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize(
    "way", [lambda each: pickle.loads(pickle.dumps(each)), copy.deepcopy, copy.copy], ids=["pickle", "deep", "copy"]
)
def test_errors_travel(kind: type[BaseException], way: Callable[[BaseException], BaseException]) -> None:
    assert ("__init__" in vars(kind)) == (kind in MADE), "one that takes more than a message is told how to be made here"
    error = MADE[kind]() if kind in MADE else kind("what went wrong")
    error.add_note("seen on the way")
    error.exit_code = 2  # type: ignore[attr-defined]
    assert form(way(error)) == form(error)


def test_all_are_found() -> None:
    assert {"TileryError", "UsageError", "Infeasible", "ResultsError", "StorageError"} <= {each.__name__ for each in ERRORS}
