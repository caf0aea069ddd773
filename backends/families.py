"""The registry of chip families: the only place that knows them by name. Each is imported when a chip of it is first read."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .chips import Chip
    from .machine.family import Family

DEFAULT = "trainium"
"""The family of a chip file that names none."""

_HOMES = {"trainium": "tilery.backends.trainium"}
"""The package of each family. Its module of the same name has `FAMILY`; its package `chips` holds the chip files that ship."""

_loaded: dict[str, Family[Any]] = {}


def family_names() -> tuple[str, ...]:
    """The names that a chip file may give."""
    return tuple(dict.fromkeys((*_HOMES, *_loaded)))


def family_named(name: str) -> Family[Any]:
    """The family of that name, one of `family_names`."""
    if name not in _loaded:
        _loaded[name] = import_module(f"{_HOMES[name]}.{name}").FAMILY
    return _loaded[name]


def family_of(chip: Chip) -> Family[Any]:
    """The family of a chip."""
    return family_named(chip.family)


def chip_packages() -> tuple[str, ...]:
    """The packages that hold chip files. To list them imports no family."""
    return tuple(f"{home}.chips" for home in _HOMES.values())


def register(family: Family[Any]) -> None:
    """Makes a family known that is not part of this package; its chip files name it."""
    _loaded[family.chip.family] = family
