"""What a tuning shows while it runs: a bar with the best so far on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from .console import config_text, microseconds
from .tuner.progress import Progress as Standing

EVERY_S = 5.0
"""Between two plain lines."""

STAGES = {"screen": "screening", "search": "searching", "measure": "measuring", "verify": "verifying"}


@contextmanager
def watching(console: Console) -> Iterator[Callable[[Standing], None]]:
    """A watcher for `autotune`, shown on `console` until the block ends."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (TextColumn("{task.description:9}"), BarColumn(bar_width=20), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[best]}"), console=console, transient=True) as progress:
        yield _Bar(progress)


class _Bar:
    """One bar, starting over with each stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task(STAGES["screen"], total=1.0, best="")

    def __call__(self, now: Standing) -> None:
        self._progress.update(self._task, description=STAGES[now.stage], completed=now.fraction, best=_best(now, short=True))


class _Lines:
    """A line when a stage begins, and every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage = ""
        self._told_s = 0.0

    def __call__(self, now: Standing) -> None:
        if now.stage == self._stage and now.elapsed_s - self._told_s < EVERY_S:
            return
        self._stage, self._told_s = now.stage, now.elapsed_s
        self._console.print(f"{STAGES[now.stage]}: {_done(now)}{_best(now)}", soft_wrap=True)


def _done(now: Standing) -> str:
    match now.stage:
        case "screen":
            return f"{now.total:,} configurations"
        case "search":
            return f"{now.elapsed_s:.0f} s, {now.done:,} timed, {now.total - now.done:,} could still win, best "
        case "measure":
            return f"{now.elapsed_s:.0f} s, {now.done:,} of {now.total:,} measured, best "
        case _:
            return "the best by executing it, "


def _best(now: Standing, *, short: bool = False) -> str:
    if now.best_us is None or now.best is None or now.default_us is None:
        return ""
    head = f"{microseconds(now.best_us)} ({now.default_us / now.best_us:.2f}x the default)"
    tiles = {name: value for name, value in now.best.items() if isinstance(value, int) and "." not in name}
    return head if short else f"{head}  {config_text(tiles)}"
