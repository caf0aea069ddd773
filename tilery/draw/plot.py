"""`tilery simulate --plot`: one picture with the timeline of a run, its roofline, and where its time is lost."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tilery.backends.machine.explain.recording import record
from tilery.backends.machine.explain.roofline import roofline
from tilery.backends.machine.explain.waterfall import waterfall
from tilery.dsl.errors import UsageError
from tilery.pages.console import config_text, microseconds, percent
from tilery.pipeline import Pipeline
from tilery.writing import writing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INSTALL = "pip install 'tilery[plot]'"
STYLE: Mapping[str, object] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlesize": 12,
}


def write_plot(pipeline: Pipeline, path: str) -> None:
    """Draws a pipeline's run into a file; see `save`."""
    save(lambda: draw(pipeline), path)


def save(drawn: Callable[[], Figure], path: str) -> None:
    """Writes a picture into a file; its ending says the format.

    Raises `UsageError` if matplotlib is not installed, or the file cannot be written.
    """
    try:
        import matplotlib
    except ImportError as problem:
        raise UsageError(f"--plot needs matplotlib, which is not installed: {INSTALL}") from problem
    # `Agg` draws without a screen, and leaves whatever a caller draws with alone.
    with matplotlib.rc_context(dict(STYLE)):  # type: ignore[arg-type]
        figure = drawn()
        with writing(path):
            figure.savefig(path, dpi=120, facecolor="white")


def draw(pipeline: Pipeline) -> Figure:
    """The picture: what it is of, the timeline with its legend, then the roofline and the losses."""
    from matplotlib.figure import Figure

    from .plot_losses import draw_losses
    from .plot_roofline import draw_roofline
    from .plot_timeline import draw_timeline

    program, report = pipeline.lowered, pipeline.report
    seen = record(program)
    heights = (0.75, 0.9 + 0.36 * len(seen.queues), 0.5, 4.6)
    figure = Figure(figsize=(14, sum(heights) + 0.4), layout="constrained")
    rows = figure.add_gridspec(4, 1, height_ratios=heights)
    _head(figure.add_subplot(rows[0]), pipeline)
    draw_timeline(figure, rows[1], figure.add_subplot(rows[2]), seen)
    below = rows[3].subgridspec(1, 2, width_ratios=(1, 1.25))
    draw_roofline(figure.add_subplot(below[0]), roofline(program, report.kernel_us))
    draw_losses(figure.add_subplot(below[1]), waterfall(program))
    return figure


def _head(axes: Axes, pipeline: Pipeline) -> None:
    report = pipeline.report
    told = microseconds(report.latency_us)
    if report.flops:
        told += f", {percent(report.peak_share)} of peak"
    axes.set_axis_off()
    axes.text(0, 1, f"{pipeline.title}: {told}", fontsize=15, fontweight="bold", va="top", transform=axes.transAxes)
    config = textwrap.fill(config_text(pipeline.config), 200, break_long_words=False)
    axes.text(0, 0.42, config, fontsize=8.5, color="0.4", va="top", transform=axes.transAxes)
