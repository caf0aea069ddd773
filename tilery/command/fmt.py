"""`tilery fmt`: the canonical layout of `.tk` files."""

from __future__ import annotations

import click

from .shared.parameters import debug_option


@click.command(epilog="\b\nExample:\n  tilery fmt kernels/*.tk --check")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@debug_option
def fmt(files: tuple[str, ...], check: bool, diff: bool) -> None:
    """One canonical layout."""
    from tilery.dsl.errors import Mistakes, TileryError

    mistakes: list[TileryError] = []
    changed: list[str] = []
    for file in files:
        try:
            if _formatted(file, diff, write=not (check or diff)):
                changed.append(file)
        except TileryError as error:
            mistakes.append(error)
    if mistakes:
        raise Mistakes(mistakes)
    if changed and (check or diff):
        raise TileryError(f"`tilery fmt` would change {', '.join(changed)}")


def _formatted(file: str, diff: bool, write: bool) -> bool:
    """Whether the layout changes; shows the difference or writes the new layout, as asked."""
    import difflib
    from pathlib import Path

    from tilery.dsl.reading import decoded, read_bytes
    from tilery.dsl.text.formatter import format_text
    from tilery.pages.console import echo, echo_file
    from tilery.writing import writing

    text = decoded(read_bytes(file), file)
    wanted = format_text(text, file)
    if wanted == text:
        return False
    if diff:
        lines = difflib.unified_diff(text.splitlines(True), wanted.splitlines(True), file, f"{file} (formatted)")
        echo_file("".join(lines))
    if write:
        with writing(file):
            Path(file).write_text(wanted, encoding="utf-8", newline="\n")
        echo(f"formatted {file}")
    return True
