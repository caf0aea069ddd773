"""Every result is written exactly once, on every road through the text."""

from __future__ import annotations

from collections import defaultdict

from . import syntax
from .errors import Label
from .program import Signature
from .report import Report
from .spans import Span


def check_coverage(statements: tuple[syntax.Stmt, ...], signature: Signature, report: Report, place: str) -> None:
    """Reports results that `place` (the kernel or its reference) leaves unwritten or writes more than once."""
    written = _stores(statements, {each.name for each in signature.results}, report)
    for result in signature.results:
        spans = written[result.name]
        if not spans:
            help = f"store it: `{result.name}[{', '.join(map(str, result.shape))}] = ...`, or tile by tile"
            report.error("TK423", f"{place} never writes the result `{result.name}`", result.span, help=help)
        for again in spans[1:]:
            others = (Label(spans[0], "written here"),)
            report.error("TK424", f"{place} writes the result `{result.name}` a second time", again, others=others)


def _stores(statements: tuple[syntax.Stmt, ...], results: set[str], report: Report) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = defaultdict(list)
    for each in statements:
        if isinstance(each, syntax.Assign) and isinstance(each.target, syntax.Subscript):
            if each.target.base.text in results:
                found[each.target.base.text].append(each.target.span)
        elif isinstance(each, syntax.If):
            _add(found, _either(each, results, report))
        elif not isinstance(each, syntax.Reference):
            for block in syntax.inner_blocks(each):
                _add(found, _stores(block, results, report))
    return found


def _add(found: dict[str, list[Span]], more: dict[str, list[Span]]) -> None:
    for name, spans in more.items():
        found[name] += spans


def _either(node: syntax.If, results: set[str], report: Report) -> dict[str, list[Span]]:
    """What an `if` writes: one branch is taken, so both must write the same results."""
    then, otherwise = _stores(node.then, results, report), _stores(node.otherwise, results, report)
    for name in {*then, *otherwise}:
        if bool(then[name]) != bool(otherwise[name]):
            others = (Label(node.span, "the `if`"),)
            what = f"only one branch of the `if` writes the result `{name}`"
            report.error("TK425", what, (then[name] or otherwise[name])[0], help="write it in both", others=others)
    return {name: then[name] if len(then[name]) >= len(otherwise[name]) else otherwise[name] for name in {*then, *otherwise}}
