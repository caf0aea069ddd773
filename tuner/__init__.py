"""The tuner: from a checked kernel, a shape and a chip to the best configuration, and the file it is kept in.

Names are imported where they are used (`from tilery.tuner.by_model import autotune`), because Optuna is slow to import and
most calls of a tuned kernel need only the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .asking import Exhausted, Search

__all__ = ["Exhausted", "Search"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import asking

    return getattr(asking, name)
