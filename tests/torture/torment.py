"""What a torment is, and what it raises."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The repository."""


class Fault(Exception):
    """Something that tilery promises does not hold."""

    def __init__(self, message: str, files: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.files = dict(files or {})
        """What reproduces it, by file name."""


class TooLong(BaseException):
    """A round that takes longer than it may; no `except Exception` of what is tormented swallows it."""


Round = Callable[[random.Random, Path], None]
"""One round: draws from the first, may use the second, an empty folder; raises what is wrong, a `Fault` where it knows more."""


@dataclass(frozen=True, slots=True)
class Torment:
    """One way to do harm."""

    name: str
    shown: str
    """What it does, in a line."""
    round: Round
    limit_s: float = 30.0
    """How long a round may take where nothing else is to do."""
    share: float = 1.0
    """How much time it gets, beside the others."""


def draws(seed: int, name: str, number: int) -> random.Random:
    """What a round draws from."""
    return random.Random(f"{seed} {name} {number}")


def again(seed: int, name: str, number: int) -> str:
    """The command that runs one round again."""
    return f"python -m tests.torture --seed {seed} --only {name} --round {number}"
