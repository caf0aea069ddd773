"""Lengths of time as people write them."""

from __future__ import annotations

import re
import time

from tilery.dsl.errors import UsageError
from tilery.python.checks import shown, whole

USUAL, USUAL_MEASURED = "20s", "5m"
"""The default budget of a search by the model, and of one by measurements."""
_SECONDS = {"": 1.0, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


LEAST_S = 1e-3
LONGEST_S = 1e8
"""Three years: a longer time is a mistake."""


def seconds(text: str | float) -> float:
    """Seconds of `30`, `30s`, `500ms`, `2m`, `1.5h`, or of a number. `UsageError` for anything else, and for nothing at all."""
    number = _number(text) if isinstance(text, int | float) and not isinstance(text, bool) else _read(text)
    if number is None or not 0 < number <= LONGEST_S:
        raise UsageError(f"`{shown(text)}` is no length of time; write for example 30s, 2m or 1h")
    return number


def left_of(budget_s: float | None, began_s: float) -> float | None:
    """What is left of a budget that began then; at least a moment, in which the default is timed and verified.

    A process that had to wait for others until here has lost what it worked, and no more: there is no answer before that.
    """
    if budget_s is None:
        return None
    return max(LEAST_S, budget_s - min(time.monotonic() - began_s, time.process_time()))


def _number(value: float) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def _read(text: object) -> float | None:
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*", text) if isinstance(text, str) else None
    return float(match[1]) * _SECONDS[match[2]] if match and match[2] in _SECONDS else None


def read_budget(text: str | float | None, trials: int | None, usual: str) -> tuple[float | None, int | None]:
    """Seconds and number of trials, each None for no limit, of `30s`, `200 trials`, or both as in `5m, 200 trials`.

    `trials` is a number given elsewhere. With nothing given at all the budget is `usual`; with a number of trials and no
    time, time has no limit. `UsageError` for other forms, and for a thing given twice.
    """
    limit_s: float | None = None
    parts = [each.strip() for each in text.split(",")] if isinstance(text, str) else [] if text is None else [text]
    for part in parts:
        if isinstance(part, str) and (count := re.fullmatch(r"(\d{1,9}) *trials?", part)):
            if trials is not None:
                raise UsageError(f"the number of trials is given twice: {trials} and {part}")
            trials = int(count[1])
        elif limit_s is not None:
            raise UsageError(f"the budget `{text}` has two lengths of time; write for example 5m, 200 trials")
        else:
            limit_s = seconds(part)
    if trials == 0:
        raise UsageError("a search has at least one trial")
    if trials is not None:
        whole("trials", trials, 1)
    return (seconds(usual) if limit_s is None and trials is None else limit_s), trials
