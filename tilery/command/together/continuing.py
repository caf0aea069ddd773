"""The command that continues an ended tuning."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from tilery.tuner.result import Result
from tilery.tuner.together.sharing import shown

THROUGH = ("proved", "exhausted")
"""Endings after which there is nothing left to do."""


def continuing(words: Sequence[str], result: Result, storage: str | None) -> str:
    """The command line `words` once more, so that it goes on; empty if the search is through.

    A storage counts the trials of all runs together, so that a number of trials has to grow: it is doubled.
    """
    if result.stop in THROUGH:
        return ""
    again = [shown(each) for each in words]
    if result.stop == "trials" and storage:
        again = doubled(again)
    if "--continue" not in again:
        again.append("--continue")
    return shlex.join(["tilery", *again])


def doubled(words: Sequence[str]) -> list[str]:
    """The words with twice the number of trials, in whichever form they give it."""
    done = []
    for before, word in zip(["", *words], words, strict=False):
        option, equals, value = word.partition("=")
        if before in ("--trials", "--budget"):
            done.append(_more(before, word))
        elif option in ("--trials", "--budget") and equals:
            done.append(f"{option}={_more(option, value)}")
        else:
            done.append(word)
    return done


def _more(option: str, value: str) -> str:
    if option == "--trials":
        return str(2 * int(value))
    return re.sub(r"(\d+) *trials?", lambda found: f"{2 * int(found[1])} trials", value)
