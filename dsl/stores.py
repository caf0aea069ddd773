"""Tiles written to the results."""

from __future__ import annotations

from . import syntax
from .context import Context
from .errors import Label
from .expressions import evaluate
from .program import Axis, Store, Tensor, Value
from .reads import check_index
from .report import axes_said, did_you_mean, listed
from .types import BOOL, TypeVariable, type_name


def check_store(c: Context, target: syntax.Subscript, node: syntax.Assign) -> None:
    """`c[m, n] = value`."""
    value = evaluate(c, node.value)
    tensor = _written(c, target)
    if tensor is None or tensor.name in c.broken:
        return
    if node.op is not None:
        c.report.later(f"`{node.op}=` on a tensor", node.span)
        return
    index = check_index(c, tensor, target)
    if index is None:
        return
    axes = [each.axis for each in index]
    if not _every_step_its_own(c, tensor, axes, target) or value is None:
        return
    if _axes_agree(c, value, axes, target, node) and _type_agrees(c, tensor, value):
        c.emit.out.append(Store(tensor, index, value, False, node.span))


def _written(c: Context, target: syntax.Subscript) -> Tensor | None:
    name = target.base.text
    if (tensor := c.result(name)) is not None:
        c.used.add(name)
        return tensor
    if (argument := c.argument(name)) is not None:
        others = (Label(argument.span, "declared as an argument here"),)
        c.report.error("TK410", f"the argument `{name}` can only be read", target.span, others=others)
    elif name not in c.broken:
        results = [each.name for each in c.signature.results]
        help = did_you_mean(name, results) or f"the results are {listed(results)}"
        c.report.error("TK201", f"there is no result `{name}`", target.base.span, "not found", help)
    return None


def _every_step_its_own(c: Context, tensor: Tensor, axes: list[Axis], target: syntax.Subscript) -> bool:
    """Each step of each loop around must write elements of its own."""
    for frame in c.scope.frames:
        for variable in frame.variables:
            if variable.axis in axes:
                continue
            name = variable.axis.name
            what = f"every step of `{name}` writes the same elements of `{tensor.name}`: `{name}` is not in its index"
            help = "move the store after the loop" if frame.kind == "for" else "each step of a `tile` needs its own part"
            others = (Label(variable.span, f"the steps of `{frame.heading}`"),)
            c.report.error("TK411", what, target.span, help=help, others=others)
            return False
    return True


def _axes_agree(c: Context, value: Value, axes: list[Axis], target: syntax.Subscript, node: syntax.Assign) -> bool:
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
