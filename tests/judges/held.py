"""Tiles on the chip written in parts, in the steps of a loop, and read whole, in parts, at other places and under other axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .drafts import free_dims, result, some_whole
from .expressions import Axis, Draft, Kind, Part, expression, joined

CAST = {"float": "f32({})", "int": "i32({})", "bool": "({})"}
"""All that is written to a tile has one type."""
START = {"float": "0.0", "int": "0", "bool": "false"}
BOTH = {"float": "max({}, {})", "int": "({}) + ({})", "bool": "({} or {})"}


@dataclass(frozen=True, slots=True)
class Row:
    """A tile and its name in the reference."""

    name: str
    whole: str
    kind: Kind
    order: list[Axis]
    along: Axis
    """The axis that is written in parts, whole."""

    def at(self, place: str, whole: str, fill: str = "") -> Part:
        """The tile in brackets, with a place along the axis that is written in parts."""
        tiles = [place if axis is self.along else axis.tile for axis in self.order]
        dims = [whole if axis is self.along else axis.dim for axis in self.order]
        return Part(f"{self.name}[{', '.join(tiles)}{fill}]", f"{self.whole}[{', '.join(dims)}{fill}]")


def in_parts(d: Draft, axes: Sequence[Axis], results: dict[str, str]) -> list[Axis]:
    """A tile written in the steps of a loop; what is read of it is a result."""
    kept = [*axes, *some_whole(d, axes)]
    free = free_dims(d, kept)
    if not free:
        kept = list(axes)
        free = free_dims(d, kept)
    if not free:
        free = [kept.pop().dim] if kept and kept[-1].variable is None else []
    if not free:
        return []
    kind: Kind = d.draw.choice(["float", "float", "int", "bool"])
    along = Axis(d.draw.choice(free))
    order = [*kept, along]
    d.draw.shuffle(order)
    row = Row(d.new("row"), d.new("r"), kind, order, along)
    extra = _written(d, row, kept)
    if d.chance(0.3):
        _overwritten(d, row, kept)
    return [*extra, *_read(d, row, kept, results)]


# --- writing ----------------------------------------------------------------------------------------------------------


def _written(d: Draft, row: Row, kept: Sequence[Axis]) -> list[Axis]:
    dim = row.along.dim
    loop = Axis(dim, d.new("k"), d.chance(0.3))
    inner = Axis(dim, d.new("q")) if not loop.unit and d.chance(0.25) else loop
    mark = len(d.body)
    value = joined(CAST[row.kind], expression(d, row.kind, [*kept, inner], 2))
    assert len(d.body) == mark, "nothing is named in a loop"
    if d.chance(0.2):  # begun whole
        d.body.append(f"        {row.name} = full[{', '.join(axis.tile for axis in row.order)}]({START[row.kind]})")
    here = row.at(loop.tile, dim)
    d.body.append(f"        for {loop.variable} of {dim}{' by 1' if loop.unit else ''}:")
    d.reference.append(f"        {here.whole} = {value.whole}")
    if inner is loop:
        d.body.append(f"            {here.text} = {value.text}")
    else:
        part = Row(d.new("part"), "", row.kind, row.order, row.along).at(inner.tile, dim)
        d.body += [f"            for {inner.variable} of {loop.variable}:", f"                {part.text} = {value.text}"]
        d.body.append(f"            {here.text} = {part.text.split('[')[0]}")
    if d.chance(0.3):
        _changed(d, row, loop, here)
    return [loop] if inner is loop else [loop, inner]


def _changed(d: Draft, row: Row, loop: Axis, here: Part) -> None:
    """What a step has written is read and written once more, perhaps with what the step before has written."""
    if loop.unit and d.chance(0.5):
        before = row.at(f"{loop.variable} - 1", "", ", else " + ("true" if row.kind == "bool" else "2"))
        changed = BOTH[row.kind].format(here.text, before.text)
        d.referenced = False
    else:
        form = "(not {})" if row.kind == "bool" else "({}) + 1"
        changed = form.format(here.text)
        d.reference.append(f"        {here.whole} = {form.format(here.whole)}")
    d.body.append(f"            {here.text} = {changed}")


def _overwritten(d: Draft, row: Row, kept: Sequence[Axis]) -> None:
    """One place of the whole tile, or all of them in another order."""
    dim = row.along.dim
    if kept and d.chance(0.5):
        place = d.draw.choice(["0", f"{dim} - 1"])
        over, value = row.at(place, place), expression(d, row.kind, kept, 1)
    else:
        back = f"{dim} - 1 - index[{dim}]"
        over, value = row.at(back, back), expression(d, row.kind, [*kept, row.along], 1)
    named = d.let(joined(CAST[row.kind], value))
    d.body.append(f"        {over.text} = {named.text}")
    d.reference.append(f"        {over.whole} = {named.whole}")


# --- reading ----------------------------------------------------------------------------------------------------------


def _read(d: Draft, row: Row, kept: Sequence[Axis], results: dict[str, str]) -> list[Axis]:
    dim = row.along.dim
    form = d.draw.choice(["whole", "reduced", "shifted", "back", "place", "loop", "renamed", "paired"])
    fill = ", else " + ("true" if row.kind == "bool" else "3")
    if form == "place" and kept:
        place = d.draw.choice(["0", f"{dim} - 1"])
        _stored(d, results, row.kind, kept, row.at(place, place))
    elif form == "reduced" and kept:
        fn = "any" if row.kind == "bool" else d.draw.choice(["sum", "max"])
        _stored(d, results, row.kind, kept, Part(f"{fn}[{dim}]({row.name})", f"{fn}[{dim}]({row.whole})"))
    elif form == "loop" and kept:
        return _looped(d, row, kept, results)
    elif form in ("renamed", "paired"):
        _renamed(d, row, kept, results, form == "paired")
    elif form == "shifted":
        place = f"index[{dim}] {d.draw.choice(['- 1', '+ 1', '+ 2'])}"
        _stored(d, results, row.kind, [*kept, row.along], row.at(place, place, fill))
    elif form == "back":
        place = f"{dim} - 1 - index[{dim}]"
        _stored(d, results, row.kind, [*kept, row.along], row.at(place, place))
    else:
        _stored(d, results, row.kind, [*kept, row.along], Part(row.name, row.whole))
    return []


def _stored(d: Draft, results: dict[str, str], kind: Kind, axes: Sequence[Axis], value: Part) -> None:
    order = list(axes)
    d.draw.shuffle(order)
    name = result(d, results, kind, [axis.dim for axis in order])
    d.body.append(f"        {name}[{', '.join(axis.tile for axis in order)}] = {value.text}")
    d.reference.append(f"        {name}[{', '.join(axis.dim for axis in order)}] = {value.whole}")


def _looped(d: Draft, row: Row, kept: Sequence[Axis], results: dict[str, str]) -> list[Axis]:
    """Read part by part in another loop, backwards perhaps."""
    dim, total = row.along.dim, d.new("total")
    loop = Axis(dim, d.new("k"), d.chance(0.3))
    place = loop.tile if d.chance(0.6) else f"{dim} - 1 - {loop.variable}"
    fn, step = ("any", "({0} or {1})") if row.kind == "bool" else ("sum", "{0} + {1}")
    d.body += [
        f"        {total} = full[{', '.join(axis.tile for axis in kept)}]({START[row.kind]})",
        f"        for {loop.variable} of {dim}{' by 1' if loop.unit else ''}:",
        f"            {total} = " + step.format(total, f"{fn}[{loop.variable}]({row.at(place, dim).text})"),
    ]
    _stored(d, results, row.kind, kept, Part(total, f"{fn}[{dim}]({row.whole})"))
    return [loop]


def _renamed(d: Draft, row: Row, kept: Sequence[Axis], results: dict[str, str], paired: bool) -> None:
    """Read along its axis by another name, and perhaps held against itself."""
    dim, other = row.along.dim, d.new("P")
    d.axes.append(f"    axis {other} of {dim}")
    value = row.at(other, other)
    if paired and row.kind != "bool":
        both = joined("max[" + dim + "]({} * {})", Part(row.name, row.whole), value)
        value = d.let(both)
    named = d.let(Part(value.text, value.whole))
    order = [*(axis for axis in row.order if axis is not row.along), Axis(other)]
    d.draw.shuffle(order)
    name = result(d, results, row.kind, [dim if axis.dim == other else axis.dim for axis in order])
    d.body.append(f"        {name}[{', '.join(axis.tile for axis in order)}] = {named.text}")
    d.reference.append(f"        {name}[{', '.join(axis.dim for axis in order)}] = {named.whole}")
