"""Loop variables: `m of M by 64..512`."""

from __future__ import annotations

from collections.abc import Sequence

from . import syntax
from .context import Context
from .errors import Label
from .program import Axis, LoopVariable, TileSize
from .report import did_you_mean, listed
from .scope import Local


def check_variable(c: Context, node: syntax.Variable, beside: Sequence[LoopVariable]) -> LoopVariable | None:
    """The variable of a loop, `beside` being those before it in the same `tile`; None if it means nothing."""
    name = node.name.text
    if not _free(c, node.name, beside):
        return None
    size = _dimension(c, node.dimension)
    by = _tile_size(c, node.by)
    if size is None:
        return None
    axis = Axis(name, size, whole=False, unit=by.choices == (1,))
    variable = LoopVariable(axis, by, node.span)
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


def _dimension(c: Context, node: syntax.Expr) -> str | None:
    if not isinstance(node, syntax.Name):
        c.report.later("a loop over anything but a dimension's name", node.span)
        return None
    if node.text in c.signature.dimensions:
        return node.text
    if c.scope.axis(node.text) is not None:
        c.report.later("tiling a tile again", node.span)
        return None
    help = did_you_mean(node.text, c.signature.dimensions) or f"the dimensions are {listed(c.signature.dimensions)}"
    c.report.error("TK201", f"there is no dimension `{node.text}`", node.span, "not found", help)
    return None


def _tile_size(c: Context, by: syntax.By | None) -> TileSize:
    if by is None:
        return TileSize()
    if by.kind == "tuned":
        c.report.later("a tile size named after `by`", by.span)
        return TileSize()
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


def _agree(c: Context, earlier: LoopVariable, variable: LoopVariable) -> bool:
    """One name is one axis and one tile size throughout a kernel."""
    name = variable.axis.name
    others = (Label(earlier.span, "the earlier one"),)
    if earlier.axis.size != variable.axis.size:
        what = f"`{name}` runs over `{earlier.axis.size}` elsewhere in this kernel and over `{variable.axis.size}` here"
        c.report.error("TK421", what, variable.span, help="give this loop another variable", others=others)
        return False
    if earlier.by != variable.by:
        what = f"`{name}` names one tile size, and its loops say different things of it"
        c.report.error("TK422", what, variable.span, help="say the same in both, or take another name", others=others)
        return False
    return True
