"""Tiles written to the results."""

from __future__ import annotations

from tilery.dsl.errors import Label
from tilery.dsl.program import AffineIndex, Axis, GatherIndex, Index, Store, Tensor, Value, index_axes
from tilery.dsl.report import axes_said, did_you_mean, listed
from tilery.dsl.text import syntax
from tilery.dsl.types import BOOL, TypeVariable, type_name

from ..context import Context
from ..expressions import evaluate
from .distinct import told_apart
from .indices import check_index, check_inside

FOLDS = {"+": "add", "max": "max", "min": "min"}
"""What `+=` and its like do, by their sign."""


def check_store(c: Context, target: syntax.Subscript, node: syntax.Assign) -> None:
    """`c[m, n] = value`."""
    value = evaluate(c, node.value)
    tensor = _written(c, target)
    if tensor is None or tensor.name in c.broken:
        return
    if node.op in ("max", "min") and tensor.role != "inout":
        help = f"say what it starts from: `{tensor.name}: inout {tensor.dtype}[...]` among the arguments"
        what = f"`{node.op}=` goes on from what is there, and of a {tensor.role} there is nothing"
        c.report.error("TK451", what, target.span, help=help)
        return
    if node.op not in (None, "+", "max", "min"):
        help = f"write `+=`, of `-x` to subtract: `{tensor.name}[...] += ...`"
        c.report.error(
            "TK428", f"a result can only be added to, and this is `{node.op}=`", node.span, "expected `=` or `+=`", help
        )
        return
    if target.otherwise is not None:
        c.report.error("TK116", "`else` belongs to the reading of a tensor", target.otherwise.span)
        return
    index = _whole_places(c, check_index(c, tensor, target, evaluate))
    if index is None or not check_inside(c, tensor, index, target) or not _may_write(c, tensor, index, target, node):
        return
    axes = list(index_axes(index))
    value = c.emit.spread(value, axes) if value is not None else None
    if value is not None and axes_agree(c, value, axes, target, node) and _type_agrees(c, tensor, value):
        written = tensor if c.in_reference else c.phases.write(tensor)
        c.emit.out.append(Store(written, index, value, node.op is not None, node.span, FOLDS.get(node.op or "+", "add")))


def _whole_places(c: Context, index: tuple[Index, ...] | None) -> tuple[Index, ...] | None:
    """An index whose gathered places have every axis that the text gives them: each of their elements is one addition."""
    if index is None or not c.emit.lacking:
        return index
    lacking = c.emit.lacking
    return tuple(
        GatherIndex(c.emit.spread(each.value, lacking.get(each.value, ()))) if isinstance(each, GatherIndex) else each
        for each in index
    )


def _written(c: Context, target: syntax.Subscript) -> Tensor | None:
    name = target.base.text
    if (tensor := c.result(name) or c.temp(name)) is not None:
        c.used.add(name)
        return tensor
    if (argument := c.argument(name)) is not None:
        others = (Label(argument.span, "declared as an argument here"),)
        dims = ", ".join(map(str, argument.shape))
        help = (
            f"store into a result: `-> y: {argument.dtype}[{dims}]` after the arguments, and `y[...] = ...` here; "
            f"to update it in place, declare `{name}: inout {argument.dtype}[{dims}]`"
        )
        c.report.error("TK410", f"the argument `{name}` can only be read", target.span, "", help, others)
    elif name not in c.broken:
        results = [each.name for each in (*c.signature.results, *c.signature.temps)]
        help = did_you_mean(name, results) or f"the results are {listed(results)}"
        c.report.error("TK201", f"there is no result `{name}`", target.base.span, "not found", help)
    return None


def _may_write(c: Context, tensor: Tensor, index: tuple[Index, ...], target: syntax.Subscript, node: syntax.Assign) -> bool:
    """Each step of each loop around must write elements of its own, but those of a `tile` may add to the same ones."""
    adding, updated = node.op is not None, tensor.role == "inout"
    if not adding and any(isinstance(each, GatherIndex) for each in index) and not (updated and told_apart(c, index)):
        help = f"add to it, from zero: `{tensor.name}[...] += ...`"
        if updated:
            help = f"say that they differ, `ids: distinct i32[S]`; or fold, `{tensor.name}[...] max= ...`, `+=`"
        c.report.error("TK430", "positions that data decide may be the same twice", target.span, "expected `+=`", help)
        return False
    if not adding and not updated and _guarded(c, target):
        return False
    spread = adding and (updated or any(isinstance(each, GatherIndex | AffineIndex) for each in index))
    return _every_step_its_own(c, tensor, index_axes(index), target, adding, spread)


def _guarded(c: Context, target: syntax.Subscript) -> bool:
    for frame in c.scope.frames:
        if frame.guarded:
            others = (Label(frame.span, "this loop leaves steps out"),)
            help = "add to it instead, `+=`, or leave the guard away and store `where(...)`"
            c.report.error("TK431", "the steps that are left out would write nothing here", target.span, "", help, others)
            return True
    return False


def _covered(axis: Axis, axes: tuple[Axis, ...], c: Context) -> bool:
    """Whether a step of a loop is told apart by `axes`: by its own variable, or by one that cuts its tile."""
    for each in axes:
        inner: Axis | None = each
        while inner is not None:
            if inner == axis:
                return True
            inner = c.scope.axis(inner.parent) if inner.parent else None
    return False


def _every_step_its_own(
    c: Context, tensor: Tensor, axes: tuple[Axis, ...], target: syntax.Subscript, adding: bool, spread: bool
) -> bool:
    for frame in c.scope.frames:
        for variable in frame.variables:
            if _covered(variable.axis, axes, c):
                continue
            if adding and frame.kind == "tile":
                spread = True
                continue
            name = variable.axis.name
            what = f"every step of `{name}` writes the same elements of `{tensor.name}`: `{name}` is not in its index"
            help = "move the store after the loop" if frame.kind == "for" else "each step of a `tile` needs its own part, or `+=`"
            others = (Label(variable.span, f"the steps of `{frame.heading}`"),)
            c.report.error("TK411", what, target.span, help=help, others=others)
            return False
    if adding and not spread:
        what = f"every element of `{tensor.name}` is written once here, and there is nothing to add to"
        c.report.error("TK432", what, target.span, "expected `=`", "`+=` adds up what the steps of a `tile` give")
        return False
    return True


def axes_agree(c: Context, value: Value, axes: list[Axis], target: syntax.Subscript, node: syntax.Assign) -> bool:
    """Whether a value has the axes of its place; reports where it has not."""
    extra = [each for each in value.axes if each not in axes]
    missing = [each for each in axes if each not in value.axes]
    place = (Label(target.span, f"its place has {listed(axes)}"),)
    names = ", ".join(map(str, axes))
    if extra:
        what = f"the value has {axes_said(extra)}, which its place does not"
        help = f"reduce it first: `sum[{', '.join(map(str, extra))}](...)`"
        c.report.error("TK320", what, node.value.span, help=help, others=place)
        return False
    if missing:
        help = f"spread it: `zeros[{names}] + ...`" if value.axes else f"spread it: `full[{names}](...)`"
        what = f"the value lacks {axes_said(missing)} of its place"
        c.report.error("TK321", what, node.value.span, help=help, others=place)
        return False
    return True


def _type_agrees(c: Context, tensor: Tensor, value: Value) -> bool:
    if isinstance(tensor.dtype, TypeVariable) or isinstance(value.dtype, TypeVariable):
        return True
    if (tensor.dtype == BOOL) == (value.dtype == BOOL):
        return True
    help = "compare it: `x != 0`" if tensor.dtype == BOOL else "cast it: `f32(x)`"
    others = (Label(tensor.span, f"`{tensor.name}` is declared here"),)
    what = f"`{tensor.name}` holds {tensor.dtype}, and this is {type_name(value.dtype)}"
    c.report.error("TK322", what, value.span, f"expected {tensor.dtype}", help, others)
    return False
