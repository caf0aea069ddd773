"""The roofline: what each memory level and the engines allow, and where the kernel stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilery.backends.machine.explain.roofline import Level, Roofline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#ee6677", "#4477aa", "#228833", "#ccbb44")
"""Of the levels, device memory first."""


def draw_roofline(axes: Axes, roof: Roofline) -> None:
    """Draws the roofs and the kernel's point at each level; of a kernel that computes nothing, a sentence that says so."""
    if not roof.achieved_per_s:
        _draw_nothing(axes)
        return
    scale, unit = (1e12, "TFLOP/s") if roof.unit == "FLOP" else (1e9, "billion elements a second")
    spots = [spot for level in roof.levels for spot in (level.operations_per_byte, roof.peak_per_s / level.bytes_per_s)]
    low, high = min(spots) / 5, max(spots) * 5
    peak = roof.peak_per_s / scale
    axes.loglog([low, high], [peak, peak], color="0.25", linewidth=2)
    axes.text(high, peak * 1.07, f"{peak:,.4g} {unit}: {roof.peak_name}", ha="right", color="0.25")
    leftmost = min(level.operations_per_byte for level in roof.levels)
    for level, colour in zip(roof.levels, COLOURS, strict=False):
        _draw_level(axes, roof, level, colour, (low, high), scale, left=level.operations_per_byte == leftmost)
    axes.set_ylim(min(roof.achieved_per_s / 6, roof.peak_per_s / 20) / scale, peak * 2)
    axes.set_xlim(low, high)
    axes.set_xlabel(f"{roof.unit}s for each byte that moves (to the right: more reuse)")
    axes.set_ylabel(unit)
    axes.set_title("Roofline: the kernel's point at each memory level")
    _ticks(axes)


def _draw_level(
    axes: Axes, roof: Roofline, level: Level, colour: str, ends: tuple[float, float], scale: float, *, left: bool
) -> None:
    """A level's roof, the kernel's point under it, and how far below it the point is."""
    (low, high), at = ends, (level.operations_per_byte, roof.achieved_per_s / scale)
    top = min(high, roof.peak_per_s / level.bytes_per_s)
    allowed = min(roof.peak_per_s, level.operations_per_byte * level.bytes_per_s)
    axes.plot([low, top], [low * level.bytes_per_s / scale, top * level.bytes_per_s / scale], color=colour, linewidth=2)
    axes.plot([at[0], at[0]], [at[1], allowed / scale], color=colour, linestyle=":")
    axes.plot(*at, "o", color=colour, markersize=10, zorder=5)
    said = (
        f"{level.name}: {level.bytes_per_s / 1e9:,.0f} GB/s\n{level.operations_per_byte:.3g} {roof.unit}s a byte\n"
        f"{100 * roof.achieved_per_s / allowed:.0f} % of its roof"
    )
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    axes.annotate(
        said,
        at,
        xytext=(4 if left else -4, -12),
        textcoords="offset points",
        ha="right" if left else "left",
        va="top",
        color=colour,
        fontsize=9,
        bbox=box,
    )


def _draw_nothing(axes: Axes) -> None:
    axes.set_title("Roofline: none")
    axes.set_axis_off()
    text = "This kernel only moves data.\nIt computes nothing, so no roof says how fast it can be."
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color="0.25")


def _ticks(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.grid(which="major", color="0.92")
    axes.set_axisbelow(True)
