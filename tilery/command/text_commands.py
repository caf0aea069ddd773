"""What `fmt` and `explain-error` do."""

from __future__ import annotations

import difflib
from pathlib import Path

from tilery.dsl import explain_error as page_of
from tilery.dsl.errors import Mistakes, TileryError
from tilery.dsl.reading import decoded, read_bytes
from tilery.dsl.text.formatter import format_text
from tilery.pages.console import echo, echo_file


class NotFormatted(TileryError):
    """Files whose layout `fmt --check` finds wanting."""


def explain_error(code: str) -> None:
    """Prints the page of an error code."""
    echo(page_of(code), end="")


def fmt(files: tuple[str, ...], check: bool, diff: bool) -> None:
    """Rewrites each file that is not in its canonical layout; raises `NotFormatted` instead with `check` or `diff`."""
    mistakes: list[TileryError] = []
    other: list[str] = []
    for file in files:
        try:
            text = decoded(read_bytes(file), file)
            wanted = format_text(text, file)
        except TileryError as error:
            mistakes.append(error)
            continue
        if wanted == text:
            continue
        other.append(file)
        if diff:
            lines = difflib.unified_diff(text.splitlines(True), wanted.splitlines(True), file, f"{file} (formatted)")
            echo_file("".join(lines))
        if not (check or diff):
            Path(file).write_text(wanted, encoding="utf-8", newline="\n")
            echo(f"formatted {file}")
    if mistakes:
        raise Mistakes(mistakes)
    if other and (check or diff):
        raise NotFormatted(f"`tilery fmt` would change {', '.join(other)}")
