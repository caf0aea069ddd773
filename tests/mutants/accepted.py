"""The mutants that no test has to find, each with its reason: `accepted.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from .changes import Mutant


@dataclass(frozen=True, slots=True)
class Accepted:
    """Mutants that survive with reason, by their line and change, in which `*` stands for anything."""

    line: str
    change: str
    reason: str

    def fits(self, mutant: Mutant) -> bool:
        """Whether it speaks of this mutant."""
        return fnmatchcase(mutant.statement, self.line) and fnmatchcase(mutant.what, self.change)


@cache
def accepted() -> dict[str, tuple[Accepted, ...]]:
    """All of them, by target."""
    with (Path(__file__).parent / "accepted.toml").open("rb") as file:
        return {name: tuple(Accepted(**each) for each in entries) for name, entries in tomllib.load(file).items()}
