"""Lengths of time and budgets, as people write them."""

from __future__ import annotations

import pytest

from tilery.command.shared.duration import read_budget
from tilery.dsl.errors import UsageError


@pytest.mark.parametrize(
    ("text", "trials", "read"),
    [
        ("30s", None, (30.0, None)),
        ("5m", None, (300.0, None)),
        ("1h", 40, (3600.0, 40)),
        ("200 trials", None, (None, 200)),
        ("1 trial", None, (None, 1)),
        ("5m, 200 trials", None, (300.0, 200)),
        ("200 trials,5m", None, (300.0, 200)),
        (None, 7, (None, 7)),
        (None, None, (20.0, None)),
        (2.5, None, (2.5, None)),
    ],
)
def test_budgets(text: str | float | None, trials: int | None, read: tuple[float | None, int | None]) -> None:
    assert read_budget(text, trials, "20s") == read


@pytest.mark.parametrize(
    ("text", "trials", "told"),
    [
        ("soon", None, "`soon` is no length of time"),
        ("5m 10s", None, "is no length of time"),
        ("5m, 10s", None, "has two lengths of time"),
        ("5 trials", 6, "given twice: 6 and 5 trials"),
        ("0 trials", None, "at least one trial"),
        ("", None, "is no length of time"),
    ],
)
def test_what_is_no_budget(text: str, trials: int | None, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_budget(text, trials, "20s")
