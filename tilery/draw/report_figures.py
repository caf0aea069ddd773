"""The figures of a tuning's report, as SVG inside the page: how the search went, and where good configurations lie."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tilery.backends.machine.explain.recording import record
from tilery.backends.machine.explain.roofline import roofline
from tilery.backends.machine.explain.waterfall import waterfall
from tilery.backends.tunable import Tunable
from tilery.pages.front_page import LABELS, figure_text
from tilery.pipeline import Pipeline
from tilery.tuner.findings import Findings
from tilery.tuner.result import Result

from .plot import STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOT, BEST, DEFAULT, BOUND = "#4477aa", "#228833", "#ee6677", "#998833"
SLICES = 6
"""Tunables whose slices are drawn: those that matter most."""

Draw = Callable[["Figure"], None]


def svg(name: str, size: tuple[float, float], draw: Draw) -> str:
    """A figure as an `<svg>` element; its text stays text."""
    import matplotlib
    from matplotlib.figure import Figure

    # A salt of its own for each figure: the names of clipping paths must not meet those of another one on the page.
    style = {**STYLE, "svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}
    with matplotlib.rc_context(style):  # type: ignore[arg-type]
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def convergence(found: Findings, result: Result) -> str:
    """Every trial, the best so far, the default, and what none can be better than."""
    name = next(iter(result.values))
    values = [found.value(each) for each in found.trials]

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        numbers = np.arange(1, len(values) + 1)
        axes.plot(numbers, values, ".", color=DOT, alpha=0.5, label="a configuration timed")
        axes.step(numbers, np.minimum.accumulate(values), where="post", color=BEST, linewidth=2, label="the best so far")
        axes.axhline(result.default_values[name], color=DEFAULT, linestyle="--", linewidth=1, label="the default")
        floor = min(values) * (1 - result.headroom)
        label = "no configuration can be better than this" if result.headroom else "proved: none can be better"
        axes.axhline(floor, color=BOUND, linestyle=":", linewidth=1.5, label=label)
        axes.set_yscale("log")
        axes.set_ylim(floor * 0.98, _top(values, result.default_values[name]))
        if len(values) > 50:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_xlabel("trial")
        _scaled(axes, name)
        axes.legend(frameon=False, fontsize=9)

    return svg("convergence", (7.2, 3.8), draw)


def slices(found: Findings, result: Result) -> str:
    """For the tunables that matter most: what was timed with each choice, and the best bound of all that fits with it."""
    name = next(iter(result.values))
    space, landscape = found.outcome.trials.landscape.space, found.outcome.trials.landscape
    order = [each.name for each in result.importance]
    chosen = sorted((each for each in space.tunables if each.name in order), key=lambda each: order.index(each.name))[:SLICES]
    trials = found.trials
    digits = space.digits(np.array([each.index for each in trials]))
    values = np.array([found.value(each) for each in trials])
    listed = space.columns(landscape.order)

    def draw(figure: Figure) -> None:
        columns = min(2, len(chosen))
        rows = -(-len(chosen) // max(1, columns))
        for number, each in enumerate(chosen):
            axes = figure.add_subplot(rows, columns, number + 1)
            column = digits[:, space.tunables.index(each)]
            axes.plot(column, values, ".", color=DOT, alpha=0.4)
            places, best = _best(column, values)
            axes.plot(places, best, "_", color=BEST, markersize=14, markeredgewidth=2)
            if not each.name.startswith("buffers"):  # bounds know nothing of slots
                axes.step(*_best(listed[each.name], landscape.bounds), where="mid", color=BOUND, linestyle=":", linewidth=1.2)
            _choices(axes, each)
            at = each.values.index(result.config[each.name])
            axes.axvline(at, color=BEST, linewidth=6, alpha=0.15)
            axes.set_title(each.name, fontsize=11)
            axes.set_yscale("log")
            axes.set_ylim(values.min() * 0.95, _top(values, result.default_values[name]))
            _scaled(axes, name)

    return svg("slices", (7.2, 2.6 * -(-len(chosen) // 2)), draw)


def region(found: Findings, result: Result) -> str:
    """The best bound for each pair of choices of the two tile sizes that matter most; empty where nothing fits."""
    space, landscape = found.outcome.trials.landscape.space, found.outcome.trials.landscape
    order = [each.name for each in result.importance]
    tiles = sorted(
        (each for each in space.tunables if each.kind == "tile" and each.name in order), key=lambda each: order.index(each.name)
    )
    if len(tiles) < 2:
        return ""
    across, up = tiles[:2]
    columns = space.columns(landscape.order)
    grid = np.full((len(up.values), len(across.values)), np.inf)
    np.minimum.at(grid, (columns[up.name], columns[across.name]), landscape.bounds)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        name = next(iter(result.values))
        shown = np.ma.masked_invalid(np.log10(np.maximum(grid, 1e-300)))
        image = axes.imshow(shown, origin="lower", aspect="auto", cmap="viridis_r")
        axes.set_facecolor("0.85")
        bar = figure.colorbar(image, ax=axes)
        bar.ax.yaxis.set_major_formatter(lambda value, _: figure_text(name, 10**value))
        at = (across.values.index(result.config[across.name]), up.values.index(result.config[up.name]))
        axes.plot(*at, "*", color="white", markersize=15, markeredgecolor="black")
        _choices(axes, across)
        axes.set_yticks(range(len(up.values)), [str(each) for each in up.values])
        axes.set_xlabel(across.name)
        axes.set_ylabel(up.name)

    return svg("region", (7.2, 4.2), draw)


def timeline(pipeline: Pipeline) -> str:
    """The winner's engines and queues."""
    from .plot_timeline import draw_timeline

    seen = record(pipeline.lowered)
    heights = (0.9 + 0.36 * len(seen.queues), 0.6)

    def draw(figure: Figure) -> None:
        rows = figure.add_gridspec(2, 1, height_ratios=heights)
        draw_timeline(figure, rows[0], figure.add_subplot(rows[1]), seen)

    return svg("timeline", (13, sum(heights) + 0.4), draw)


def roofs(pipeline: Pipeline) -> str:
    """The winner below its roofs."""
    from .plot_roofline import draw_roofline

    return svg(
        "roofline",
        (7.2, 4.4),
        lambda figure: draw_roofline(figure.add_subplot(), roofline(pipeline.lowered, pipeline.report.latency_us)),
    )


def losses(pipeline: Pipeline) -> str:
    """Where the winner's time goes."""
    from .plot_losses import draw_losses

    return svg("losses", (10.5, 4.9), lambda figure: draw_losses(figure.add_subplot(), waterfall(pipeline.lowered)))


def front(result: Result) -> str:
    """The front of several objectives."""
    from .plot_front import panels

    return svg("front", (7.2 * (len(result.values) - 1), 4.8), lambda figure: panels(figure, result))


def _best(column: NDArray[np.integer], values: NDArray[np.float64]) -> tuple[NDArray[np.integer], NDArray[np.float64]]:
    """The choices that occur, and the best value of each."""
    places = np.unique(column)
    return places, np.array([values[column == place].min() for place in places])


def _top(values: Sequence[float] | NDArray[np.float64], default: float) -> float:
    """Up to where is drawn: a few that are many times worse would press the rest flat."""
    return float(max(1.1 * default, min(np.max(values), 3 * np.median(values), 5 * np.min(values)))) * 1.03


def _choices(axes: Axes, tunable: Tunable) -> None:
    labels = [str(each) for each in tunable.values]
    crowded = sum(map(len, labels)) > 24
    axes.set_xticks(range(len(labels)), labels, rotation=60 if crowded else 0, fontsize=8, ha="right" if crowded else "center")
    axes.set_xlim(-0.5, len(labels) - 0.5)


def _scaled(axes: Axes, name: str) -> None:
    """Figures with their unit, of which a logarithmic axis over less than a decade has enough."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    axes.set_ylabel(LABELS[name])
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: figure_text(name, value)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="y", color="0.92")
    axes.set_axisbelow(True)
