"""`tilery tuned`: what has been tuned in a folder, and what of it no longer holds."""

from __future__ import annotations

import click

from .shared.parameters import debug_option, json_option


@click.command(epilog="\b\nExample:\n  tilery tuned kernels")
@click.argument("folder", default=".", metavar="[FOLDER|FILE]")
@click.option("--prune", is_flag=True, help="Remove the stale entries.")
@click.option("--retune", is_flag=True, help="Tune the stale entries anew, where the kernel still takes their shape.")
@click.option("--budget", default="20s", show_default=True, metavar="TIME", help="How long to search for each of them.")
@json_option
@debug_option
def tuned(folder: str, prune: bool, retune: bool, budget: str, as_json: bool) -> None:
    """The tuned entries of a folder, stale ones marked."""
    from pathlib import Path

    from tilery.pages.console import echo, print_json
    from tilery.pages.tuned_page import print_tuned, row_figures
    from tilery.tuned_entries import remove, retuned, rows_below

    from .shared.duration import seconds

    limit_s = seconds(budget)
    rows = list(rows_below(Path(folder)))
    if as_json:
        print_json([row_figures(row) for row in rows])
    else:
        print_tuned(rows)
    stale = [row for row in rows if row.stale]
    if retune:
        stale = [row for row in stale if not retuned(row, limit_s)]
    if prune:
        remove(stale)
    elif stale and not (retune or as_json):
        echo(f"{len(stale)} of {len(rows)} stale: `--retune` tunes them anew, `--prune` removes them", error=True)
