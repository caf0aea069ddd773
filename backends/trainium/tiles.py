"""Tile sizes: which ones are worth trying, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tilery.dsl.program import LoopVariable, Program, size_value

from ..tunable import Tunable
from .chip_tables import TrainiumChip
from .loose import short_sizes

LARGEST = 8192
"""A larger tile of any axis exceeds the on-chip memory of every chip described so far, and so does a longer run."""
USUAL_RUN = 512
"""The default length of a run, in elements: transfers are efficient from kilobytes on."""


def tile_tunables(
    kernel: Program, dims: Mapping[str, int], chip: TrainiumChip, flat: Collection[str] = (), loose: Collection[str] | None = None
) -> tuple[Tunable, ...]:
    """One tunable a tile variable, by its name; `by 1` is no choice, and `by TK` is the choice of `TK`.

    `flat`: names of the axes that may be cut into runs; a tile of them may have a run in every partition.
    `loose`: names of the axes for which tiles below the chip's step may help; None: leave such tiles out.
    """
    by_name = {each.axis.name: each for each in kernel.loop_variables if not each.axis.unit and each.by.tune is None}
    return tuple(
        _tile_tunable(each, dims, chip, name in flat, loose is not None and (name in loose or each.by.low is not None))
        for name, each in by_name.items()
    )


def _tile_tunable(variable: LoopVariable, dims: Mapping[str, int], chip: TrainiumChip, flat: bool, short: bool) -> Tunable:
    extent = size_value(variable.axis.size, dims)
    if variable.by.choices is not None:
        values = tuple(sorted(variable.by.choices))
        return Tunable(variable.axis.name, "tile", values, values[0], ("said in the text",))
    step, largest = chip.tensor.rows, LARGEST * (chip.sbuf.partitions if flat else 1)
    low, high = variable.by.low or 1, variable.by.high or largest
    long = [size for size in _sizes(extent, step, largest) if low <= size <= high] or [max(low, min(high, extent))]
    less = [size for size in short_sizes(extent, step) if short and low <= size <= high]
    usual = USUAL_RUN * chip.sbuf.partitions if flat else step
    default = min(long, key=lambda size: (abs(size - usual), size))
    reasons = [f"{variable.axis.size} is {extent}", f"partitions of {chip.name}: {chip.sbuf.partitions}"]
    if variable.by.low or variable.by.high:
        reasons.append(f"the text says {low} to {high}")
    elif less:
        reasons.append(f"below {step}, too: its positions are taken one after another")
    return Tunable(variable.axis.name, "tile", tuple(sorted({*long, *less})), default, tuple(reasons))


def _sizes(extent: int, step: int, largest: int) -> list[int]:
    """Powers of two times the chip's step, sizes that cut the dimension into few equal parts, and the whole of it."""
    doubled = {step << power for power in range(largest.bit_length())}
    parts = {extent // parts for parts in range(1, 17) if extent % parts == 0 and (extent // parts) % step == 0}
    sizes = {size for size in doubled | parts if size < extent} | {extent}
    return sorted(size for size in sizes if size <= largest) or [step]
