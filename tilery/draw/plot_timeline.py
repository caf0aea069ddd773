"""The timeline: a row an engine and DMA queue, a bar an instruction; of a long run its first and its last part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tilery.backends.machine.explain.recording import Event, Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee8866", "#44bb99", "#999933", "#332288")
OTHERS = "#bbbbbb"
MOST = 240
"""Bars a part: more cannot be told apart."""
FS_PER_US = 1e9


def draw_timeline(figure: Figure, place: SubplotSpec, legend: Axes, seen: Record) -> None:
    """Draws a recorded run into `place`, a row a queue, and what its colours mean into `legend`."""
    colours, queues = _colours(seen), seen.queues
    parts = _parts(seen)
    cells = place.subgridspec(1, len(parts), wspace=0.02)
    for number, part in enumerate(parts):
        axes = figure.add_subplot(cells[number])
        _draw_part(axes, seen, queues, colours, part)
        axes.set_yticks(range(len(queues)), [_label(each) for each in queues] if number == 0 else [])
        axes.set_xlabel("microseconds from the launch")
        axes.set_title(_title(parts, number))
    _draw_legend(legend, colours, jumped=bool(seen.jumps))


def _label(queue: str) -> str:
    return queue.replace(".", " ", 1)


def _colours(seen: Record) -> dict[str, str]:
    """A colour for each of the instructions that take longest; the others share grey, and have no entry."""
    spent: Counter[str] = Counter()
    for event in seen.events:
        spent[event.instruction.name] += event.end - event.start
    longest = {name for name, _ in spent.most_common(len(COLOURS))}
    in_order = [name for name in dict.fromkeys(event.instruction.name for event in seen.events) if name in longest]
    return dict(zip(in_order, COLOURS, strict=False))


def _parts(seen: Record) -> list[tuple[float, float]]:
    """The stretches of time that are drawn, in femtoseconds: all of it, or its first and its last part.

    The first part goes on until the first jump is under way; the last one is about as long.
    """
    events = sorted(seen.events, key=lambda each: each.start)
    if not seen.jumps and len(events) <= 2 * MOST:
        return [(0, seen.latency)]
    head = 1.1 * max(start for _, start, _ in seen.jumps[0].stretches) if seen.jumps else seen.latency
    head = min(head, events[min(MOST, len(events)) - 1].end)
    tail = max(seen.latency - head, events[-min(MOST, len(events))].start)
    return [(0, head), (tail, seen.latency)] if head < tail else [(0, seen.latency)]


def _title(parts: Sequence[tuple[float, float]], number: int) -> str:
    if len(parts) == 1:
        return "Timeline: every engine and DMA queue"
    if number == 0:
        return "Timeline: how it begins"
    return f"how it ends, {(parts[1][0] - parts[0][1]) / FS_PER_US:,.0f} us later"


def _draw_part(axes: Axes, seen: Record, queues: Sequence[str], colours: dict[str, str], part: tuple[float, float]) -> None:
    start, end = part
    for event in seen.events:
        if event.end > start and event.start < end:
            _bar(axes, event, queues.index(event.instruction.queue), colours)
    for jump in seen.jumps:
        for queue, begin, stop in jump.stretches:
            if stop > start and begin < end:
                left, width = begin / FS_PER_US, (stop - begin) / FS_PER_US
                axes.barh(
                    queues.index(queue), width, left=left, height=0.7, color="0.93", hatch="///", edgecolor="0.75", linewidth=0
                )
    margin = (end - start) * 0.005
    axes.set_xlim((start - margin) / FS_PER_US, (end + margin) / FS_PER_US)
    axes.set_ylim(len(queues) - 0.5, -0.5)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)


def _bar(axes: Axes, event: Event, row: int, colours: dict[str, str]) -> None:
    left, width = event.start / FS_PER_US, (event.end - event.start) / FS_PER_US
    axes.barh(
        row, width, left=left, height=0.7, color=colours.get(event.instruction.name, OTHERS), edgecolor="white", linewidth=0.4
    )


def _draw_legend(axes: Axes, colours: dict[str, str], *, jumped: bool) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=name) for name, colour in colours.items()]
    handles += [Patch(color=OTHERS, label="others")] if len(colours) == len(COLOURS) else []
    alike = Patch(facecolor="0.93", hatch="///", edgecolor="0.75", label="steps alike, left out")
    handles += [alike] if jumped else []
    axes.set_axis_off()
    axes.legend(handles=handles, loc="center", ncols=min(7, len(handles)), fontsize=9, frameon=False, borderaxespad=0)
