"""The pages of what a chip cannot hold or do: every code of `CannotLower` and `Infeasible`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tilery.dsl.explanations import Explanation, read_pages

PAGES = Path(__file__).with_name("refusals.toml")


@cache
def refusals() -> Mapping[str, Explanation]:
    """Every page by its code, in order."""
    return read_pages(PAGES)
