"""Finds chip files and reads them."""

from __future__ import annotations

import difflib
from functools import cache
from importlib import resources
from pathlib import Path

import msgspec

from tilery.dsl.errors import UsageError
from tilery.dsl.reading import read_bytes

from .chip import Chip
from .validate import ChipError, checked


@cache
def chip_names() -> tuple[str, ...]:
    """The chips that ship with tilery."""
    here = resources.files(__package__)
    return tuple(sorted(each.name.removesuffix(".toml") for each in here.iterdir() if each.name.endswith(".toml")))


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
    return _shipped(text)


@cache
def _shipped(name: str) -> Chip:
    return _decode(resources.files(__package__).joinpath(f"{name}.toml").read_bytes(), f"{name}.toml")


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
