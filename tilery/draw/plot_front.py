"""`tilery autotune --plot`: the front of several objectives, its first against each of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilery.pages.console import config_text
from tilery.pages.front_page import LABELS, figure_text
from tilery.tuner.result import FrontPoint, Result

from .plot import save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FRONT, DEFAULT = "#4477aa", "#ee6677"


def save_front(result: Result, path: str, title: str) -> None:
    """Draws a front into a file; its ending says the format. Raises `UsageError` if it cannot."""
    save(lambda: draw_front(result, title), path)


def draw_front(result: Result, title: str) -> Figure:
    """The picture: a panel for each objective after the first."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5 * (len(result.values) - 1), 5.6), layout="constrained")
    figure.suptitle(title, fontweight="bold", x=0.02, ha="left")
    panels(figure, result)
    return figure


def panels(figure: Figure, result: Result) -> None:
    """Draws the first objective against each of the others."""
    first, *others = list(result.values)
    for number, other in enumerate(others):
        _panel(figure.add_subplot(1, len(others), number + 1), result, first, other)


def _panel(axes: Axes, result: Result, across: str, up: str) -> None:
    points = sorted(result.front, key=lambda each: each.values[across])
    xs, ys = [each.values[across] for each in points], [each.values[up] for each in points]
    if len(result.values) == 2:
        # To the right of a point and above it nothing is better; with more objectives points may lie there.
        axes.step(xs, ys, where="post", color=FRONT, linewidth=1, alpha=0.5)
    axes.plot(xs, ys, "o", color=FRONT, markersize=8, label="front, each executed and right")
    axes.plot(result.default_values[across], result.default_values[up], "X", color=DEFAULT, markersize=10, label="default")
    for place, each in enumerate(points, 1):
        where = (each.values[across], each.values[up])
        axes.annotate(str(place), where, xytext=(5, 5), textcoords="offset points", fontsize=9, fontweight="bold")
    told = "\n".join(f"{place}  {_sizes(each)}" for place, each in enumerate(points, 1))
    axes.text(0.98, 0.82, told, transform=axes.transAxes, ha="right", va="top", fontsize=9, linespacing=1.5)
    axes.margins(0.12)
    axes.set_xlabel(LABELS[across])
    axes.set_ylabel(LABELS[up])
    axes.xaxis.set_major_formatter(lambda value, _: figure_text(across, value))
    axes.yaxis.set_major_formatter(lambda value, _: figure_text(up, value))
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.legend(frameon=False, loc="upper right")
    if up == "error":
        axes.set_yscale("log")


def _sizes(point: FrontPoint) -> str:
    """Tile sizes and tuning parameters: schedule knobs have a dot in their names, and would not fit."""
    return config_text({name: value for name, value in point.config.items() if "." not in name})
