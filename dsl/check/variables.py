"""Loop variables: `m of M by 64..512`."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import Label
from ..program import Axis, LoopVariable, Size, TileSize
from ..report import did_you_mean, listed
from ..text import syntax
from .context import Context
from .scope import Local
from .shapes import check_extent, written_size


def check_variable(c: Context, node: syntax.Variable, beside: Sequence[LoopVariable]) -> LoopVariable | None:
    """The variable of a loop, `beside` being those before it in the same `tile`; None if it means nothing."""
    name = node.name.text
    if not _free(c, node.name, beside):
        return None
    found = _dimension(c, node.dimension)
    by = _tile_size(c, node.by)
    if found is None:
        return None
    size, parent = found
    axis = Axis(name, size, whole=False, unit=by.choices == (1,) and by.tune is None, parent=parent)
    variable = LoopVariable(axis, by, node.span)
    if isinstance(node.dimension, syntax.Name) and parent is None:
        c.said_of[name] = node.dimension.text
    earlier = c.variables.setdefault(name, variable)
    return variable if _agree(c, earlier, variable) else None


def _free(c: Context, name: syntax.Name, beside: Sequence[LoopVariable]) -> bool:
    text = name.text
    if (what := c.taken(text)) is not None:
        c.report.error("TK215", f"`{text}` is {what} and cannot name a loop variable", name.span)
        return False
    binding = c.scope.names.get(text)
    if isinstance(binding, Local):
        others = (Label(binding.span, "bound here"),)
        c.report.error("TK215", f"`{text}` is bound already and cannot name a loop variable", name.span, others=others)
        return False
    open_ones = [*beside, *(each for frame in c.scope.frames for each in frame.variables)]
    same = next((each for each in open_ones if each.axis.name == text), None)
    if same is not None:
        others = (Label(same.span, "the loop around it"),)
        c.report.error("TK419", f"`{text}` is the variable of an enclosing loop already", name.span, others=others)
    return same is None


def _dimension(c: Context, node: syntax.Expr) -> tuple[Size, str | None] | None:
    """What a loop runs over: a dimension, or the tile of an open variable, which is then named too."""
    if isinstance(node, syntax.Name) and (outer := c.scope.axis(node.text)) is not None:
        c.used.add(outer.name)
        if outer.unit:
            c.report.error("TK427", f"`{outer}` covers one element, and there is nothing to cut", node.span)
            return None
        return outer.size, outer.name
    size = written_size(node, lambda name: _named(c, name), c.report)
    return (size, None) if size is not None and check_extent(size, node, c.report) else None


def _named(c: Context, node: syntax.Name) -> Size | None:
    if (size := c.size(node.text)) is not None:
        return size
    names = [*c.signature.dimension_names, *(each.axis.name for frame in c.scope.frames for each in frame.variables)]
    help = did_you_mean(node.text, names) or f"the dimensions are {listed(c.signature.dimension_names)}"
    c.report.error("TK201", f"there is no dimension `{node.text}`", node.span, "not found", help)
    return None


def _tile_size(c: Context, by: syntax.By | None) -> TileSize:
    if by is None:
        return TileSize()
    if by.kind == "tuned":
        return _named_size(c, by)
    numbers = [each.value for each in by.numbers if isinstance(each.value, int)]
    if min(numbers) < 1:
        c.report.error("TK420", "a tile size is at least 1", by.span)
        return TileSize()
    if by.kind != "between":
        return TileSize(choices=tuple(dict.fromkeys(numbers)))
    low, high = numbers
    if low > high:
        c.report.error("TK420", "this range of tile sizes is empty", by.span, help=f"write `{high}..{low}`")
        return TileSize()
    return TileSize(low=low, high=high)


def _named_size(c: Context, by: syntax.By) -> TileSize:
    """`by TK`, of a tuning parameter or an integer constant."""
    choices: tuple[int, ...] | None
    constant = next((each for each in c.signature.constants if each.name == by.name and each.kind == "int"), None)
    tune = c.tunes.get(by.name)
    if by.name in c.broken:
        return TileSize()
    c.used.add(by.name)
    if constant is not None:
        choices = None if c.constants is None else (int(c.constants[by.name]),)
    elif tune is not None and not isinstance(tune.default, str):
        values = tune.choices if c.tuned is None else (c.tuned[by.name],)
        choices = tuple(each for each in values if isinstance(each, int))
    else:
        help = did_you_mean(by.name, c.tunes) or f"declare it: `tune {by.name} in {{64, 128}}`"
        c.report.error("TK218", f"there is no tuning parameter `{by.name}`", by.span, "expected a tile size", help)
        return TileSize()
    if choices and min(choices) < 1:
        c.report.error("TK420", "a tile size is at least 1", by.span, f"`{by.name}` may be {min(choices)}")
        return TileSize()
    return TileSize(choices=choices, tune=by.name if tune else None)


def _agree(c: Context, earlier: LoopVariable, variable: LoopVariable) -> bool:
    """One name is one axis and one tile size throughout a kernel."""
    name = variable.axis.name
    others = (Label(earlier.span, "the earlier one"),)
    if earlier.axis.size != variable.axis.size or earlier.axis.parent != variable.axis.parent:
        places = [each.axis.parent or each.axis.size for each in (earlier, variable)]
        what = f"`{name}` runs over `{places[0]}` elsewhere in this kernel and over `{places[1]}` here"
        c.report.error("TK421", what, variable.span, help="give this loop another variable", others=others)
        return False
    if earlier.by != variable.by:
        what = f"`{name}` names one tile size, and its loops say different things of it"
        c.report.error("TK422", what, variable.span, help="say the same in both, or take another name", others=others)
        return False
    return True
