"""Tiles on the chip written in parts: `row[m, n] = value` in the steps of `for n of N`.

A name that nothing is bound to becomes a tile in which the variable of an open `for` stands for its whole dimension; the tile
begins, with nothing in it, before the outermost of these loops. Which is found out when its body has been checked once: the loop
then starts over. Without such a variable, `row[m, N] = value`, the brackets say nothing but the order of the axes.
"""

from __future__ import annotations

from dataclasses import replace

from tilery.dsl.errors import Label
from tilery.dsl.program import Axis, AxisIndex, GatherIndex, Index, Insert, Unwritten, Value, index_axes
from tilery.dsl.report import axes_said, did_you_mean, listed
from tilery.dsl.text import syntax
from tilery.dsl.types import ElementType, type_name

from ..context import Context
from ..expressions import evaluate
from ..scope import Local
from .covers import nests
from .cuts import OnChip, completed, in_brackets
from .indices import check_index, check_inside
from .so_far import Begun, Filling
from .stores import axes_agree


def check_insert(c: Context, target: syntax.Subscript, node: syntax.Assign) -> None:
    """`row[m, n] = value`, or `row[m, n] += value` on what is there."""
    written = node.value if node.op is None else syntax.Binary(node.span, node.op, target, node.value)
    value = evaluate(c, written)
    name = target.base.text
    if target.otherwise is not None:
        c.report.error("TK116", "`else` belongs to the reading of a tensor", target.otherwise.span)
        return
    local = c.scope.names.get(name)
    if not isinstance(local, Local):
        local = _begin(c, target, value)
    if local is None or local.value is None:
        c.broken |= {name}  # so that what reads it is no second mistake
        return
    whole, tile = in_brackets(c, target, local.value, local.span)
    target = completed(c, target, tile.axes)
    index = check_index(c, tile, target, evaluate, twice=True)
    value = c.emit.spread(value, index_axes(index)) if index is not None and value is not None else None
    if index is None or value is None or not _may_insert(c, tile, index, value, target, node):
        return
    own = tile.by_axes(index, whole)
    assert own is not None
    _insert(c, target, replace(local, value=whole), own, value)


def _insert(c: Context, target: syntax.Subscript, local: Local, index: tuple[Index, ...], value: Value) -> None:
    tile = local.value
    assert tile is not None
    name = target.base.text
    if index == tuple(AxisIndex(each) for each in tile.axes) and value.axes == tile.axes:
        result = value
    else:
        result = c.emit.add(Insert(c.emit.value(tile.axes, tile.dtype, target.span, name), tile, index, value))
    missing = local.missing.written(index) if local.missing else None
    c.scope.names[name] = Local(result, local.span, missing)
    c.note(target.span, result)


def _may_insert(
    c: Context, tile: OnChip, index: tuple[Index, ...], value: Value, target: syntax.Subscript, node: syntax.Assign
) -> bool:
    if any(isinstance(each, GatherIndex) for each in index):
        axis = next(own for own, each in zip(tile.axes, index, strict=True) if isinstance(each, GatherIndex))
        help = f"choose by position: `{tile.name} = where(index[{axis}] == place, value, {tile.name})`"
        c.report.error("TK463", "a tile is written at places that no data choose", target.span, help=help)
        return False
    if not check_inside(c, tile, index, target) or not axes_agree(c, value, list(index_axes(index)), target, node):
        return False
    for each, item in zip(index, target.items, strict=True):
        if not nests(each):
            what = f"different steps of {listed(index_axes([each]))} write the same place of `{tile.name}`"
            c.report.error("TK463", what, item.span, help="let one of them be a `for ... by 1`, whose steps come one by one")
            return False
    return _types_agree(c, tile, value, node)


def _types_agree(c: Context, tile: OnChip, value: Value, node: syntax.Assign) -> bool:
    if tile.dtype == value.dtype:
        return True
    others = (Label(tile.span, f"`{tile.name}` is {type_name(tile.dtype)} from here"),)
    help = f"cast it: `{tile.dtype}(...)`" if isinstance(tile.dtype, ElementType) else "cast one of the two"
    what = f"`{tile.name}` holds {type_name(tile.dtype)}, and this is {type_name(value.dtype)}"
    c.report.error("TK462", what, node.value.span, f"expected {type_name(tile.dtype)}", help, others)
    return False


# --- tiles that begin here --------------------------------------------------------------------------------------------


def _begin(c: Context, target: syntax.Subscript, value: Value | None) -> Local | None:
    """A tile with nothing in it, and a note that a loop around has to begin it; None after a report."""
    axes = _own_axes(c, target)
    if axes is None:
        return None
    if len(set(axes)) < len(axes):
        what = f"`{target.base.text}` would have {axes_said(axes)}, and a tile never has one axis twice"
        help = f"give the second one a name: `axis G of {axes[-1]}`, and run over it"
        c.report.error("TK303", what, target.span, help=help)
        return None
    if value is None:
        return None
    name = target.base.text
    loops = [each.axis for frame in c.scope.frames if frame.kind == "for" for each in frame.variables]
    named = [c.axis(each.text) for each in target.items if isinstance(each, syntax.Name)]
    outermost = next((each.name for each in loops if each in named), "")
    axes = (*axes, *_of_extent_one(c, value, named, outermost))
    begun = Begun(outermost, axes, value.dtype, target.span)
    if outermost:
        begun = c.begun.setdefault(name, begun)
    empty = unwritten(c, name, begun)
    c.scope.bind(name, empty.value, target.span)
    c.scope.names[name] = empty
    return empty


def _of_extent_one(c: Context, value: Value, named: list[Axis | None], outermost: str) -> list[Axis]:
    """The axes of extent one that a value has besides, of loops around that in which its tile begins."""
    around: list[Axis] = []
    for frame in c.scope.frames:
        if outermost in [each.axis.name for each in frame.variables]:
            break
        around += [each.axis for each in frame.variables]
    return [each for each in value.axes if each.unit and each not in named and each in around]


def unwritten(c: Context, name: str, begun: Begun) -> Local:
    """The tile before anything is written to it."""
    value = c.emit.add(Unwritten(c.emit.value(begun.axes, begun.dtype, begun.span, name)))
    return Local(value, begun.span, Filling(begun.axes, begun.span))


def _own_axes(c: Context, target: syntax.Subscript) -> tuple[Axis, ...] | None:
    """The axes of the tile that `row[m, n]` begins: a variable of a `for` stands for its dimension, or for the tile it cuts."""
    stepped = {each.axis for frame in c.scope.frames if frame.kind == "for" for each in frame.variables}
    named = [c.axis(each.text) if isinstance(each, syntax.Name) else None for each in target.items]
    stored = c.signature.results if c.in_reference else (*c.signature.results, *c.signature.temps)
    misspelt = did_you_mean(target.base.text, [each.name for each in stored])
    if not any(axis in stepped for axis in named) and (misspelt or None in named):
        _no_tile(c, target, misspelt)
        return None
    axes: list[Axis] = []
    for item, axis in zip(target.items, named, strict=True):
        if axis is None:
            _no_axis(c, target, item)
            return None
        whole = _whole(c, axis) if axis in stepped else axis
        if whole is None:
            what = f"the steps of `{axis}` run over `{axis.size}`, for which there is no name"
            help = f"give it one: `axis P of {axis.size}` directly in the kernel, and `for {axis} of P`"
            c.report.error("TK461", what, item.span, f"which axis would `{target.base.text}` have?", help)
            return None
        axes.append(whole)
    return tuple(axes)


def _whole(c: Context, variable: Axis) -> Axis | None:
    """What the variable of a `for` runs over, as an axis; None where that has no name."""
    if variable.parent:
        return c.scope.axis(variable.parent)
    said = c.said_of.get(variable.name)
    names = [said] if said else [each for each in c.signature.dimension_names if c.signature.size(each) == variable.size]
    return Axis(names[0], variable.size, whole=True) if names else None


def _no_tile(c: Context, target: syntax.Subscript, misspelt: str) -> None:
    name = target.base.text
    results = [each.name for each in c.signature.results]
    help = misspelt or f"the results are {listed(results)}; a tile begins whole, as `{name} = zeros[...]`, or with its axes alone"
    c.report.error("TK201", f"there is no result `{name}`, and no tile of that name yet", target.base.span, "not found", help)


def _no_axis(c: Context, target: syntax.Subscript, item: syntax.Expr) -> None:
    if isinstance(item, syntax.Name):
        c.axis_named(item, "an axis of the tile")
        return
    help = f"begin with a whole tile, `{target.base.text} = zeros[...]`, of which places are then replaced"
    what = f"this place does not say which axis `{target.base.text}` has there"
    c.report.error("TK461", what, item.span, "expected the variable of a loop, or a dimension", help)
