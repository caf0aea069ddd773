"""The losses: from the ideal to the run as it is, a bar an effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tilery.backends.machine.explain.waterfall import Step

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IDEAL, LOSS, TOTAL = "#228833", "#ee6677", "#4477aa"


def draw_losses(axes: Axes, steps: Sequence[Step]) -> None:
    """Draws a waterfall, read from top to bottom."""
    total = steps[-1].total_us
    for row, step in enumerate(steps):
        left = step.total_us - step.adds_us
        axes.barh(row, step.adds_us, left=left, color=LOSS if row else IDEAL, height=0.6)
        axes.plot([step.total_us] * 2, [row - 0.3, row + 1.3], color="0.6", linewidth=0.8)
        _label(axes, row, step, total)
    axes.barh(len(steps), total, color=TOTAL, height=0.6)
    axes.text(total * 1.01, len(steps), f"{total:,.4g} us", va="center", fontweight="bold")
    axes.set_yticks(range(len(steps) + 1), [_name(step, row) for row, step in enumerate(steps)] + ["the run as it is"])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(steps) + 0.5, -0.6)
    axes.set_xlim(0, total * 1.28)
    axes.set_xlabel("microseconds")
    axes.set_title("Where the time goes: each bar is the run with one effect more")
    axes.grid(axis="x", color="0.92")
    axes.set_axisbelow(True)


def _name(step: Step, row: int) -> str:
    return f"{'+ ' if row else ''}{step.name}"


def _label(axes: Axes, row: int, step: Step, total: float) -> None:
    """The figure of a bar with its reason: in the bar where it is long, else on the side that has room."""
    said = f"{_amount(step, total)}\n{step.why}"
    left = step.total_us - step.adds_us
    if step.adds_us > 0.45 * total:
        axes.text(left + 0.01 * total, row, said, va="center", fontsize=9, color="white")
    elif left > 0.5 * total:
        axes.text(left - 0.01 * total, row, said, va="center", ha="right", fontsize=9)
    else:
        axes.text(step.total_us + 0.01 * total, row, said, va="center", fontsize=9)


def _amount(step: Step, total: float) -> str:
    share = 100 * step.adds_us / total
    if share >= 0.5:
        return f"{step.adds_us:,.4g} us, {share:.0f} %"
    return f"{step.adds_us:,.2g} us" if step.adds_us else "nothing"
