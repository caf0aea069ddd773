"""The progress of a running tuning: on a terminal a few lines that are redrawn, elsewhere a line now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tilery.pages.front_page import figure_text
from tilery.tuner.progress import Progress as Standing

from .console import config_text, microseconds, percent

EVERY_S = 5.0
"""Between two plain lines."""
BAR = 24
"""Columns of the bar."""

STAGES = {"prepare": "preparing", "screen": "screening", "search": "searching", "measure": "measuring", "verify": "verifying"}


@contextmanager
def watching(console: Console) -> Iterator[Callable[[Standing], None]]:
    """A watcher for `autotune`, shown on `console` until the block ends."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Live(console=console, transient=True, refresh_per_second=8) as live:
        yield lambda now: live.update(page(now))


def page(now: Standing) -> Group:
    """Where it stands, as three lines: the stage and its budget, the best so far, the tile sizes of that."""
    head = Table.grid(padding=(0, 2))
    head.add_row(
        Text(f"{STAGES[now.stage]:10}", style="bold"),
        ProgressBar(total=1.0, completed=_fraction(now), width=BAR),
        Text(f"{100 * _fraction(now):3.0f} %"),
        Text(_time(now), style="cyan"),
        Text(_counts(now)),
    )
    if now.best_us is None or now.best is None:
        return Group(head)
    best = Text(f"{'best':12}", style="bold").append(_best(now), style="green")
    return Group(head, best.append(_beyond(now), style="default not bold"), Text(f"{'':12}{_sizes(now)}", style="dim"))


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
        self._console.print(Text(f"{STAGES[now.stage]}: {line(now)}"), soft_wrap=True)


def line(now: Standing) -> str:
    """Where it stands, on one line."""
    if now.stage == "prepare":
        return "what there is to choose"
    if now.stage == "screen":
        untuned = f"; untuned it takes {microseconds(now.default_us)}" if now.default_us else ""
        return f"{now.total:,} configurations{untuned}"
    if now.best_us is None:
        return _counts(now)
    best = f"best {_best(now)}{_beyond(now)}  {_sizes(now)}"
    return f"number {now.done + 1}, {best}" if now.stage == "verify" else f"{now.elapsed_s:.0f} s, {_counts(now)}, {best}"


def _fraction(now: Standing) -> float:
    return now.done / now.total if now.stage == "verify" else now.fraction


def _time(now: Standing) -> str:
    if now.left_s is None:
        return f"{_clock(now.elapsed_s)} so far"
    return f"{_clock(now.left_s)} left"


def _clock(seconds: float) -> str:
    return f"{round(seconds) // 60}:{round(seconds) % 60:02}"


def _counts(now: Standing) -> str:
    rate = f" ({now.done / now.elapsed_s:,.0f}/s)" if now.elapsed_s > 0.5 else ""
    match now.stage:
        case "prepare":
            return "finding out what there is to choose"
        case "screen":
            return f"{now.done:,} of {now.total:,} configurations{rate}"
        case "search":
            return f"{now.done:,} timed{rate}, {now.total - now.done:,} could still win"
        case "measure":
            return f"{now.done:,} of {now.total:,} measured"
        case _:
            return f"executing {'the front' if now.front else 'the best'} and comparing with the reference"


def _best(now: Standing) -> str:
    """The best so far, and its gain over the default."""
    assert now.best_us is not None
    gain = f" ({now.default_us / now.best_us:.2f}x the default)" if now.default_us else ""
    others = "".join(f", {figure_text(name, value)}" for name, value in now.values.items() if name != "latency_us")
    return f"{microseconds(now.best_us)}{gain}{others}"


def _beyond(now: Standing) -> str:
    """What bounds it, how much better it could get, and what there is beside it."""
    said = f", bound by {now.bound}" if now.bound else ""
    if now.headroom is not None and now.stage == "search":
        said += f", none can be more than {percent(now.headroom)} better" if now.headroom else ", and none can be better"
    return f"{said}; {now.front} on the front" if now.front > 1 else said


def _sizes(now: Standing) -> str:
    """Tile sizes and tuning parameters: schedule knobs have a dot in their names, and there are many."""
    return config_text({name: value for name, value in (now.best or {}).items() if "." not in name})
