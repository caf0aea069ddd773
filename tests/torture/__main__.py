"""`python -m tests.torture --minutes N`: see docs/reliability.md."""

from __future__ import annotations

import random
import signal
import sys
from pathlib import Path

import click

from .page import LiveLine, as_json, fault_text, keep, table
from .runner import Found, Torture
from .torments import TORMENTS


@click.command()
@click.option("--minutes", default=1.0, show_default=True, help="How long.")
@click.option("--seed", type=int, help="Makes the rounds the same again; drawn and shown if left out.")
@click.option("--only", multiple=True, metavar="NAME", help="These torments only; several with several --only.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option("--round", "rounds", type=int, multiple=True, metavar="K", help="This round only, to see a fault again.")
@click.option("--keep", "folder", type=click.Path(path_type=Path), metavar="FOLDER", help="Where to save faults.")
@click.option("--json", "json_output", is_flag=True, help="Print JSON.")
def main(
    minutes: float,
    seed: int | None,
    only: tuple[str, ...],
    jobs: int,
    rounds: tuple[int, ...],
    folder: Path | None,
    json_output: bool,
) -> None:
    """Does tilery all the harm that is known, for a while. Exit code 1 if anything promised does not hold."""
    unknown = [each for each in only if each not in TORMENTS]
    if unknown:
        raise click.UsageError(f"no torment {', '.join(unknown)}; there are {', '.join(TORMENTS)}")
    if rounds and not only:
        raise click.UsageError("--round says which round of --only NAME to run")
    chosen = [TORMENTS[each] for each in only] or list(TORMENTS.values())
    # A shell that starts this in the background has it ignore Ctrl-C, and so would all the commands that it is to interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    drawn = random.randrange(2**32) if seed is None else seed

    def met(found: Found) -> None:
        if folder:
            keep(found, drawn, folder)

    run = Torture(chosen, drawn, jobs, rounds or None, LiveLine(), met)
    try:
        run.run(60 * minutes)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
    click.echo(as_json(run) if json_output else "\n\n".join(["", *map(fault_text, run.faults), table(run)]))
    sys.exit(1 if run.faults else 0)


if __name__ == "__main__":
    main()
