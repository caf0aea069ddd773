"""The command line of the mutation tests."""

from __future__ import annotations

import ast
import importlib
import random
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from .changes import Mutant, mutants
from .targets import TARGETS, Target
from .trial import PRELOADED, passes

ROOT = Path(__file__).parents[2]
console = Console(width=200)


def survivors(target: Target, only: str, sample: int | None, seed: int) -> tuple[list[Mutant], int, int]:
    """The mutants of a file that its tests do not find; how many were tried, and how many of all are known to change nothing."""
    path = ROOT / target.path
    every = [each for each in mutants(path.read_text()) if only in each.statement]
    if not every:
        raise click.ClickException(f"no line of {target.path} that has a mutant contains {only!r}")
    known = [each for each in every if (each.statement, each.what) in target.equal]
    tried = [each for each in every if (each.statement, each.what) not in target.equal]
    if sample is not None and sample < len(tried):
        tried = random.Random(seed).sample(tried, sample)
    began = time.monotonic()
    if not passes(target.module, path, ast.parse(path.read_text()), target.tests, 300):
        raise click.ClickException(f"the tests of {target.path} fail without any fault: {' '.join(target.tests)}")
    limit_s = 5 * (time.monotonic() - began) + 5
    alive = [each for each in tried if passes(target.module, path, each.tree, target.tests, limit_s)]
    return alive, len(tried), len(known)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(TARGETS)))
@click.option("--only", default="", metavar="WORDS", help="Try the mutants of lines that contain these words.")
@click.option("--sample", type=click.IntRange(min=1), help="Try that many mutants of each file, drawn at random.")
@click.option("--seed", default=0, show_default=True, help="Which ones are drawn.")
@click.option("--killed", default=0.95, show_default=True, help="The share that has to be found.")
def main(names: tuple[str, ...], only: str, sample: int | None, seed: int, killed: float) -> None:
    """Puts small faults into files that hold numbers; prints those that no test finds."""
    for each in PRELOADED:
        importlib.import_module(each)
    table = Table("file", "mutants", "found", "share", "change nothing")
    short = False
    for name in names or tuple(TARGETS):
        alive, tried, known = survivors(TARGETS[name], only, sample, seed)
        for mutant in sorted(alive, key=lambda one: one.line):
            console.print(
                f"{TARGETS[name].path}:{mutant.line}: {mutant.statement!r}, {mutant.what!r}", highlight=False, markup=False
            )
        share = 1 - len(alive) / tried
        short |= share < killed
        table.add_row(TARGETS[name].path, str(tried), str(tried - len(alive)), f"{share:.1%}", str(known))
    console.print(table)
    sys.exit(1 if short else 0)


if __name__ == "__main__":
    main()
