"""The search strategies by name: every way of tuning finds them here, and asks here whether one can do what is wanted.

A file of `strategies/` is a strategy of that name. A package of somebody else's names its own as entry points of the group
`tilery.strategies`; one that is nowhere registered is named by where it stands, `package.module:Class` or `file.py:Class`, or
is given as a class, which `register` gives a name in this process.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .strategy import Candidates, Checked, Strategy

GROUP = "tilery.strategies"
"""Of entry points."""
FOLDER = Path(__file__).parent / "strategies"
ELSEWHERE = "MODULE:CLASS or FILE.py:CLASS"

_registered: dict[str, type[Strategy]] = {}
"""Classes that were given as such."""


def own_names() -> tuple[str, ...]:
    """Those that come with tilery; nothing is imported for that."""
    return tuple(sorted(each.name for each in pkgutil.iter_modules([str(FOLDER)]) if not each.ispkg))


def installed() -> Mapping[str, EntryPoint]:
    """Those that installed packages have registered, but for names that are taken."""
    return {each.name: each for each in entry_points(group=GROUP) if each.name not in own_names()}


def names() -> tuple[str, ...]:
    """All that can be named."""
    return (*own_names(), *sorted(installed()))


def summaries() -> dict[str, str]:
    """What each one that comes with tilery does, in a line; read from its file, because importing some takes a while."""
    return {name: _summary((FOLDER / f"{name}.py").read_text(encoding="utf-8")) for name in own_names()}


def _summary(text: str) -> str:
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]


def find(name: str) -> type[Strategy]:
    """The class of a strategy. `UsageError` if there is none of that name, or a package that it needs is missing."""
    from tilery.dsl.errors import UsageError
    from tilery.dsl.report import did_you_mean

    if name in _registered:
        found = _registered[name]
    elif name in own_names():
        found = own(name)
    elif ":" in name:
        found = _located(name)
    elif (entry := installed().get(name)) is not None:
        found = _strategy(name, _loaded(name, entry))
    else:
        hint = did_you_mean(name, names()) or f"there are {', '.join(names())}, and your own as {ELSEWHERE}"
        raise UsageError(f"there is no strategy `{name}`; {hint}")
    if found.needs_package and importlib.util.find_spec(found.needs_package) is None:
        package = found.needs_package
        raise UsageError(f"the strategy `{name}` needs the package {package}: pip install {package}")
    return found


def check(name: str, objectives: int, bounds: bool) -> None:
    """`UsageError` if there is no such strategy, or it cannot search for so many objectives, or without bounds."""
    from tilery.dsl.errors import UsageError

    found = find(name)
    if objectives > 1 and not found.several:
        able = ", ".join(each for each in own_names() if own(each).several)
        raise UsageError(f"the strategy `{name}` searches for one objective only; {able} search for several")
    if not bounds and found.needs_bounds:
        raise UsageError(
            f"the strategy `{name}` needs the lower bounds of a model, which this space has not; "
            'a kernel\'s space has them: kernel.space(chip="trn2", ...)'
        )


def made(name: str, candidates: Candidates, seed: int) -> Checked:
    """A strategy for one search. `UsageError` as in `find` and `check`."""
    import numpy as np

    from .strategy import Checked

    check(name, candidates.objectives, candidates.bounds(np.empty(0, np.int64)) is not None)
    return Checked(name, find(name)(candidates, seed), candidates)


def register(strategy: type[Strategy]) -> str:
    """Makes a class known in this process, and gives the name that it is found by: MODULE:CLASS, or its own if it is one of ours.

    `UsageError` for what is no strategy.
    """
    found = _strategy(getattr(strategy, "__qualname__", repr(strategy)), strategy)
    own = f"{__package__}.strategies."
    name = found.__module__.removeprefix(own) if found.__module__.startswith(own) else f"{found.__module__}:{found.__qualname__}"
    _registered[name] = found
    return name


def importable(name: str) -> bool:
    """Whether other processes find it by its name."""
    return name not in _registered or not (name.startswith("__main__:") or "<" in name)


def own(name: str) -> type[Strategy]:
    """The strategy of a file of ours: the one class that is made in it."""
    from .strategy import Strategy

    module = importlib.import_module(f"{__package__}.strategies.{name}")
    made_there = [each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__]
    (found,) = (each for each in made_there if issubclass(each, Strategy))
    return found


def _located(name: str) -> type[Strategy]:
    from tilery.dsl.errors import UsageError

    where, _, attribute = name.rpartition(":")
    try:
        module = _from_file(Path(where)) if where.endswith(".py") else importlib.import_module(where)
        found: object = module
        for each in attribute.split("."):
            found = getattr(found, each)
    except Exception as error:  # a module of the user's may raise anything
        raise UsageError(f"the strategy `{name}` cannot be imported: {type(error).__name__}: {error}") from error
    return _strategy(name, found)


def _from_file(path: Path) -> object:
    """A module by its file, imported once."""
    name = str(path.resolve())
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no module")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


def _loaded(name: str, entry: EntryPoint) -> object:
    from tilery.dsl.errors import UsageError

    try:
        return entry.load()
    except Exception as error:  # as above
        raise UsageError(f"the strategy `{name}` cannot be imported: {type(error).__name__}: {error}") from error


def _strategy(name: str, found: object) -> type[Strategy]:
    from tilery.dsl.errors import UsageError

    from .strategy import Strategy

    if not inspect.isclass(found) or not issubclass(found, Strategy):
        raise UsageError(f"`{name}` is no strategy; a class that is derived from tilery.tuner.Strategy is expected")
    if inspect.isabstract(found):
        missing = ", ".join(sorted(found.__abstractmethods__))
        raise UsageError(f"the strategy `{name}` is not complete: it has no {missing}")
    return found
