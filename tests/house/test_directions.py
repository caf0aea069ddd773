"""The direction of imports: dsl <- backends <- tuner <- tilery, and who may know whom among the rooms of `backends`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OUTER = ("dsl", "backends", "tuner", "tilery")
"""Each may import those before it."""
FAMILIES = ("trainium",)
"""The rooms of `backends` that only the registry reaches, by name and not by import."""
PLAIN = ("numbers", "operations", "simplify", "truth")
"""The rooms of `backends` that know nothing of chips."""


def modules(folder: str) -> Iterator[tuple[str, str]]:
    """Every module of a folder with every module that it imports, as `tilery.backends.machine.family`."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        place = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(place if place[0] == "tilery" else ("tilery", *place))
        for node in ast.walk(ast.parse(path.read_text())):
            for imported in _imported(node, name, path.name == "__init__.py"):
                yield name, imported


def _imported(node: ast.AST, name: str, package: bool) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    parts = name.removesuffix(".__init__").split(".")
    level = node.level - package
    base = parts[: len(parts) - level] if node.level else []
    origin = ".".join([*base, *([node.module] if node.module else [])])
    return [origin, *(f"{origin}.{each.name}" for each in node.names)]


def within(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def home(room: str) -> str:
    """A folder of the repository as the package it is installed as."""
    return room if room == "tilery" else f"tilery.{room}"


@pytest.mark.parametrize("place", range(len(OUTER) - 1))
def test_inner_rooms_import_no_outer_ones(place: int) -> None:
    inner = tuple(home(each) for each in OUTER[: place + 1])
    for module, imported in modules(OUTER[place]):
        if within(imported, "tilery") and imported != "tilery":
            assert any(within(imported, room) for room in inner), f"{module} imports {imported}"


@pytest.mark.parametrize("family", FAMILIES)
def test_only_a_family_imports_itself(family: str) -> None:
    room = f"tilery.backends.{family}"
    for folder in OUTER:
        for module, imported in modules(folder):
            assert within(module, room) or not within(imported, room), f"{module} imports {imported}"


def test_a_family_imports_the_machine() -> None:
    known = {imported for module, imported in modules("backends/trainium") if within(imported, "tilery.backends.machine")}
    assert "tilery.backends.machine.family" in known


@pytest.mark.parametrize("room", PLAIN)
def test_plain_rooms_know_no_chip(room: str) -> None:
    for module, imported in modules(f"backends/{room}"):
        for other in ("chips", "families", "machine", *FAMILIES):
            assert not within(imported, f"tilery.backends.{other}"), f"{module} imports {imported}"
