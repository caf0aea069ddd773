"""A kernel's syntax tree -> a checked tile program."""

from __future__ import annotations

from collections.abc import Mapping

from .. import sizes
from ..known_fns import Functions
from ..program import Op, Parameter, Program, Requirement, Statement, Tensor, Value
from ..report import Abandoned, Report
from ..spans import Span
from ..text import syntax
from ..types import BOOL, ElementType, TypeVariable
from .context import Context, Uneven
from .emitter import Emitter
from .expressions import evaluate
from .heading.constants import names_in_shapes
from .looping import written_in_brackets
from .places.coverage import check_coverage
from .places.phases import check_phases
from .pure import always_true, closed_ops
from .ranges import names_in_range
from .scope import Scope
from .signature import check_signature
from .statements import check_block
from .tunes import declare_tunes

DECLARATIONS = (syntax.Reference, syntax.Require, syntax.AxisName, syntax.Tune, syntax.Temp)
"""Statements that stand directly in a kernel, in any order, and do nothing by themselves."""


def check_kernel(
    node: syntax.KernelNode,
    functions: Functions,
    report: Report,
    types: Mapping[str, ElementType],
    constants: Mapping[str, int | bool] | None,
    tuned: Mapping[str, int | str] | None = None,
    seen: dict[Span, Value] | None = None,
    uneven: Uneven | None = None,
) -> Program:
    """The tile program of a kernel; what it is worth if `report` has got errors is nothing.

    With `types` empty and `constants` None it is the generic kernel, with both bound it is specialised. Checking the generic one
    fills `uneven`, which the specialised one is given: axes that branches of an `if` do not share.
    """
    signature, broken = check_signature(node, types, constants or {}, report)
    if not signature.results:  # what it writes cannot be told from what is misspelt
        return Program(node.name, "", signature, (), (), (), node.span)
    variables: dict[str, ElementType | TypeVariable] = {each: TypeVariable(each) for each in signature.type_variables}
    context = Context(report, Emitter(report), signature, {**variables, **types}, constants, functions, broken=broken)
    context.tuned, context.seen, context.uneven = tuned, seen, {} if uneven is None else uneven
    temps = tuple(each for each in node.body if isinstance(each, syntax.Temp))
    declared: tuple[syntax.Parameter | syntax.Temp, ...] = (*node.parameters, *node.results, *temps)
    context.written = {each.name.text: each.dimensions or () for each in declared}
    doc, rest = _docstring(node.body)
    declare_tunes(context, rest)
    reference = _reference(context, rest, node)
    body_nodes = tuple(each for each in rest if not isinstance(each, DECLARATIONS))
    requirements = _requirements(context, rest)
    context.in_parts = frozenset(written_in_brackets(body_nodes))
    body = _block(context, body_nodes)
    check_coverage(context, body_nodes, body, "the kernel")
    check_phases(context, body)
    if constants is None:
        _warn_unused(context, node)
    return Program(
        node.name,
        doc,
        signature,
        body,
        reference,
        tuple(context.variables.values()),
        node.span,
        types,
        constants or {},
        requirements,
        tuple(context.tunes.values()),
        tuned or {},
    )


def _docstring(body: tuple[syntax.Stmt, ...]) -> tuple[str, tuple[syntax.Stmt, ...]]:
    first = body[0]
    return (first.text, body[1:]) if isinstance(first, syntax.Doc) else ("", body)


def _block(c: Context, statements: tuple[syntax.Stmt, ...]) -> tuple[Statement, ...]:
    c.scope = Scope()
    with c.emit.block() as out:
        try:
            check_block(c, statements)
        except Abandoned:
            c.scope, c.depth = Scope(), 0
    if c.constants is None:
        _warn_unread(c)
    return tuple(out)


def _reference(c: Context, rest: tuple[syntax.Stmt, ...], node: syntax.KernelNode) -> tuple[Statement, ...]:
    blocks = [each for each in rest if isinstance(each, syntax.Reference)]
    if not blocks:
        return ()
    for again in blocks[1:]:
        c.report.error("TK426", "a kernel has one `reference`, and this is another one", again.span)
    # Its loops are its own: a name may be stepped through here and tiled in the kernel.
    tiled, c.variables = c.variables, {}
    c.in_reference = True
    statements = _block(c, blocks[0].body)
    check_coverage(c, blocks[0].body, statements, "the reference")
    c.in_reference = False
    c.variables = tiled
    return statements


def _requirements(c: Context, rest: tuple[syntax.Stmt, ...]) -> tuple[Requirement, ...]:
    found = (_requirement(c, each) for each in rest if isinstance(each, syntax.Require))
    return tuple(each for each in found if each)


def _requirement(c: Context, node: syntax.Require) -> Requirement | None:
    c.scope = Scope()
    with c.emit.block() as out:
        try:
            value = evaluate(c, node.condition)
        except Abandoned:
            c.depth = 0
            return None
    if value is None:
        return None
    if value.dtype != BOOL or value.axes:
        c.report.error("TK314", f"a requirement is one truth value, and this is {value.dtype}", node.span, "expected bool")
        return None
    ops: tuple[Op, ...] | None = closed_ops(c, out, value, node.span, "a requirement")
    return Requirement(ops, node.message, node.span) if ops and not always_true(c, ops) else None


# --- warnings ---------------------------------------------------------------------------------------------------------


def _warn_unread(c: Context) -> None:
    for name, span in c.scope.first.items():
        if name not in c.scope.read:
            c.report.warn("TK290", f"`{name}` is bound and never used", span)


def _warn_unused(c: Context, node: syntax.KernelNode) -> None:
    in_heading = {name for each in c.signature.ranges.values() for name in names_in_range(each)} | names_in_shapes(c.signature)
    for each in c.signature.parameters:
        if each.name not in (c.used | in_heading) and not _needed_for_shape(c, each):
            kind = "tensor" if isinstance(each, Tensor) else "parameter"
            c.report.warn("TK291", f"the {kind} `{each.name}` is never used", _name_of(node, each.name) or each.span)
    for tune in c.tunes.values():
        if tune.name not in c.used:
            c.report.warn("TK292", f"the tuning parameter `{tune.name}` is never used", tune.span)


def _needed_for_shape(c: Context, parameter: Parameter) -> bool:
    """Whether a tensor alone says how large a dimension is."""
    others = [size for each in c.signature.tensors if each is not parameter for size in each.shape]
    elsewhere = {name for size in others for name in sizes.names_in(size)}
    mine = parameter.shape if isinstance(parameter, Tensor) else ()
    return any(name not in elsewhere for size in mine for name in sizes.names_in(size))


def _name_of(node: syntax.KernelNode, name: str) -> Span | None:
    return next((each.name.span for each in node.parameters if each.name.text == name), None)
