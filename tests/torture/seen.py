"""What a user may see of a command, whatever went wrong: a message, the right exit code, and nothing of ours."""

from __future__ import annotations

import contextlib
import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tilery.command.cli import main

from .torment import Fault

CODES = (0, 1, 2)
LONGEST = 4_000_000
"""Characters: thousands of mistakes are told one by one, but no answer is endless."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    words: Sequence[str]
    code: int
    out: str
    err: str

    def __str__(self) -> str:
        words = " ".join(shortened(each, 300) for each in self.words)
        return f"$ tilery {words}\nexit code {self.code}\n{shortened(self.out)}\n{shortened(self.err)}"


def call(words: Sequence[str]) -> Ended:
    """A command line, run in this process."""
    out, err = io.StringIO(), io.StringIO()
    code: object = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main.main(list(words))
        except SystemExit as end:
            code = end.code
    closed = "" if err.closed else err.getvalue()
    return Ended(words, code if isinstance(code, int) else -1, out.getvalue(), closed)


def judge(ended: Ended, files: Mapping[str, str] | None = None, codes: Sequence[int] = CODES) -> Ended:
    """The same, if a user may see that."""
    for wrong in complaints(ended, codes):
        raise Fault(f"{wrong}\n{ended}", files)
    return ended


def complaints(ended: Ended, codes: Sequence[int] = CODES) -> list[str]:
    """What is wrong with how a command ended."""
    shown, found = ended.out + ended.err, []
    if "Traceback (most recent call last)" in shown:
        found.append("a traceback")
    if "internal error: " in ended.err:
        found.append(f"internal error: {ended.err.split('internal error: ')[1].splitlines()[0]}")
    if ended.code not in codes:
        found.append(f"exit code {ended.code}")
    if ended.code > 0 and not shown.strip():
        found.append("it fails without a word")
    if len(shown) > LONGEST:
        found.append(f"{len(shown):,} characters of answer")
    # What may be redirected to a file, a difference that `patch` reads, stays as it is where no terminal is.
    seen = ended.err if "--diff" in ended.words else shown
    if raw := {each for each in seen if _harms(each)}:
        found.append(f"characters that a terminal obeys: {sorted(map(hex, map(ord, raw)))}")
    return found


BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _harms(each: str) -> bool:
    return each in BIDIRECTIONAL or (unicodedata.category(each) == "Cc" and each not in "\n\t")


def shortened(text: str, most: int = 4000) -> str:
    """A text that may be long."""
    text = text.encode("ascii", "backslashreplace").decode() if any(map(_harms, text)) else text
    return text if len(text) <= most else f"{text[: most // 2]} [...{len(text):,} characters...] {text[-most // 2 :]}"
