"""The command line of the mutation tests."""

from __future__ import annotations

import ast
import importlib
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from .accepted import Accepted, accepted
from .changes import Mutant, mutants
from .targets import TARGETS
from .trial import PRELOADED, passes

ROOT = Path(__file__).parents[2]
console = Console(width=200)


@dataclass(frozen=True, slots=True)
class Found:
    """What came of the mutants of one file."""

    alive: list[Mutant]
    """Those that no test found and nobody has accepted."""
    tried: int
    accepted: int
    stale: list[Accepted]
    """Entries of `accepted.toml` that fit no mutant."""

    @property
    def share(self) -> float:
        """How many of those tried were found."""
        return 1 - len(self.alive) / self.tried if self.tried else 1.0


def trials(name: str, only: str, sample: int | None, seed: int) -> Found:
    """Tries the mutants of a file."""
    target, known = TARGETS[name], accepted().get(name, ())
    everywhere = accepted().get("every", ())
    path = ROOT / target.path
    every = list(mutants(path.read_text()))
    stale = [each for each in known if not any(each.fits(mutant) for mutant in every)]
    chosen = [each for each in every if only in each.statement]
    if not chosen:
        raise click.ClickException(f"no line of {target.path} that has a mutant contains {only!r}")
    tried = [each for each in chosen if not any(one.fits(each) for one in (*known, *everywhere))]
    count = len(chosen) - len(tried)
    if sample is not None and sample < len(tried):
        tried = random.Random(seed).sample(tried, sample)
    began = time.monotonic()
    if not passes(target.module, path, ast.parse(path.read_text()), target.tests, 300):
        raise click.ClickException(f"the tests of {target.path} fail without any fault: {' '.join(target.tests)}")
    limit_s = 5 * (time.monotonic() - began) + 5
    alive = [each for each in tried if passes(target.module, path, each.tree, target.tests, limit_s)]
    return Found(alive, len(tried), count, stale)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(TARGETS)))
@click.option("--only", default="", metavar="WORDS", help="Try the mutants of lines that contain these words.")
@click.option("--sample", type=click.IntRange(min=1), help="Try that many mutants of each file, drawn at random.")
@click.option("--seed", default=0, show_default=True, help="Which ones are drawn.")
def main(names: tuple[str, ...], only: str, sample: int | None, seed: int) -> None:
    """Puts small faults into files that hold numbers; prints those that no test finds.

    The exit code is 1 if there is one that accepted.toml does not name, or if that names one that is not there any more.
    """
    for module in PRELOADED:
        importlib.import_module(module)
    table = Table("target", "file", "tried", "found", "share", "accepted")
    wrong = False
    for name in names or tuple(TARGETS):
        path, found = TARGETS[name].path, trials(name, only, sample, seed)
        for mutant in sorted(found.alive, key=lambda one: one.line):
            console.print(f"{path}:{mutant.line}: {mutant.statement!r}, {mutant.what!r}", highlight=False, markup=False)
        for each in found.stale:
            console.print(f"{path}: accepted.toml names {each.line!r}, {each.change!r}: no mutant", highlight=False, markup=False)
        wrong |= bool(found.alive or found.stale)
        killed = found.tried - len(found.alive)
        table.add_row(name, path, str(found.tried), str(killed), f"{found.share:.1%}", str(found.accepted))
    console.print(table)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
