"""Finds chip files and reads them."""

from __future__ import annotations

import difflib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec

from tilery.dsl.errors import UsageError
from tilery.dsl.reading import read_bytes

from ..families import chip_packages
from .chip import Chip
from .validate import ChipError, checked


@cache
def _shipped() -> dict[str, Traversable]:
    """The chip files that ship with tilery, by the name that each gives its chip."""
    found = {}
    for package in chip_packages():
        for each in resources.files(package).iterdir():
            if each.name.endswith(".toml"):
                found[str(msgspec.toml.decode(each.read_bytes())["name"])] = each
    return dict(sorted(found.items()))


def chip_names() -> tuple[str, ...]:
    """The chips that ship with tilery."""
    return tuple(_shipped())


def load_chip(name: str | Path) -> Chip:
    """The chip of that name, or of that TOML file.

    Raises:
        UsageError: there is no such chip or file.
        ChipError: the file is not TOML, or a field is unknown, missing or out of range; the message names it.
    """
    text = str(name)
    if text.endswith(".toml"):
        return _read(Path(text))
    if text not in chip_names():
        near = difflib.get_close_matches(text, chip_names(), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(
            f"there is no chip '{text}'{hint} Known: {', '.join(chip_names())}; or give a TOML file of your own, "
            "as in --chip mychip.toml"
        )
    return _made(text)


def chip_text(name: str | Path) -> str:
    """The text of the file of a chip that `load_chip` finds."""
    text = str(name)
    data = read_bytes(Path(text), "the chip file ") if text.endswith(".toml") else _shipped()[text].read_bytes()
    return data.decode("utf-8")


@cache
def _made(name: str) -> Chip:
    return _decode(_shipped()[name].read_bytes(), f"{name}.toml")


def _read(path: Path) -> Chip:
    return _decode(read_bytes(path, "the chip file "), str(path))


def _decode(data: bytes, shown: str) -> Chip:
    try:
        fields = msgspec.toml.decode(data)
    except RecursionError:
        raise ChipError(f"{shown}: its tables and lists lie too deep in each other; a chip file has two levels") from None
    except (msgspec.DecodeError, ValueError) as problem:  # ValueError: text that is no UTF-8, a number of thousands of digits
        raise ChipError(f"{shown} is not a TOML file: {_first_words(str(problem))}") from problem
    return checked(fields, shown)


def _first_words(problem: str) -> str:
    return problem.split("; use sys.")[0]
