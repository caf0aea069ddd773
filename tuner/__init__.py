"""The tuner: from a checked kernel, a shape and a chip to the best configuration, and the file it is kept in.

Names are imported where they are used (`from tilery.tuner.by_model import autotune`), because Optuna is slow to import and
most calls of a tuned kernel need only the store.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .asking import Exhausted, Search
    from .strategy import Candidates, Strategy

__all__ = ["Candidates", "Exhausted", "Search", "Strategy"]

_HOMES = {"Candidates": "strategy", "Exhausted": "asking", "Search": "asking", "Strategy": "strategy"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
