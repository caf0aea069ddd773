"""A `.tk` file, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from . import syntax
from .checker import check_kernel
from .context import Context
from .definition import KernelDefinition
from .emitter import Emitter
from .errors import Diagnostic, Label, SourceErrors, UsageError
from .expressions import WORDS, evaluate
from .functions import NAMED, REDUCTIONS
from .inlining import NO_SIGNATURE
from .report import Abandoned, Report
from .spans import Source
from .types import ELEMENT_TYPES

PRELUDE = Path(__file__).with_name("prelude.tk")


@dataclass(frozen=True, slots=True)
class Module:
    """The kernels and functions of one text."""

    source: Source
    kernels: Mapping[str, KernelDefinition]
    functions: Mapping[str, syntax.Function] = field(repr=False)
    """The file's own `fn`s, by name."""
    warnings: tuple[Diagnostic, ...]
    """What is probably not meant, and yet no mistake."""


def load(path: str | Path) -> Module:
    """Reads and checks a file. Raises UsageError if it cannot be read as text, SourceErrors with every mistake in it."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8: byte {error.start} cannot be read") from error
    return parse(text, str(path))


def parse(text: str, name: str = "<text>") -> Module:
    """Checks a text; `name` stands for it in messages. Raises SourceErrors with every mistake in it."""
    from .parser import parse_items  # lark takes a while to import, and not every user of this package parses

    source = Source(name, text)
    items, errors = parse_items(source)
    report = Report(errors=errors)
    functions = _functions(items, report)
    visible = {**prelude(), **functions}
    kernels = _kernels(items, visible, report)
    if report.errors:
        raise SourceErrors(report.errors)
    warnings = sorted(report.warnings, key=lambda each: (each.span.line, each.span.column))
    return Module(source, kernels, functions, tuple(warnings))


@cache
def prelude() -> Mapping[str, syntax.Function]:
    """The `fn`s that every file has."""
    from .parser import parse_items

    source = Source("prelude.tk", PRELUDE.read_text(encoding="utf-8"))
    items, errors = parse_items(source)
    if errors:
        raise SourceErrors(errors)
    return {each.name: each for each in items if isinstance(each, syntax.Function)}


def _functions(items: list[syntax.Item], report: Report) -> dict[str, syntax.Function]:
    functions: dict[str, syntax.Function] = {}
    for each in items:
        if isinstance(each, syntax.Function) and _may_declare(each, functions, report):
            functions[each.name] = each
        elif isinstance(each, syntax.Later):
            report.later(each.what, each.span)
    for each in functions.values():
        _check_function(each, {**prelude(), **functions}, report)
    return functions


def _may_declare(node: syntax.Function, functions: Mapping[str, syntax.Function], report: Report) -> bool:
    if node.name in functions:
        others = (Label(functions[node.name].span, "first here"),)
        report.error("TK204", f"the `fn` `{node.name}` is declared twice", node.span, others=others)
        return False
    builtin = node.name in NAMED or node.name in REDUCTIONS or node.name in WORDS or node.name in ELEMENT_TYPES
    if builtin or node.name in prelude():
        # A chip may know the prelude's names as instructions of its own, so they keep their meaning.
        report.error("TK216", f"`{node.name}` has a meaning of its own already", node.span, help="take another name")
        return False
    return True


def _check_function(node: syntax.Function, functions: Mapping[str, syntax.Function], report: Report) -> None:
    """Checks the names in a `fn` that may never be called; types are for each call to check."""
    context = Context(report, Emitter(report), NO_SIGNATURE, {}, None, functions)
    for parameter in node.parameters:
        if parameter.text in context.scope.names:
            report.error("TK204", f"`{parameter.text}` is declared twice", parameter.span)
        context.scope.bind(parameter.text, None, parameter.span)
    try:
        evaluate(context, node.body)
    except Abandoned:
        return
    for name, span in context.scope.first.items():
        if name not in context.scope.read:
            report.warn("TK290", f"`{name}` is never used", span)


def _kernels(items: list[syntax.Item], functions: Mapping[str, syntax.Function], report: Report) -> dict[str, KernelDefinition]:
    kernels: dict[str, KernelDefinition] = {}
    for each in items:
        if not isinstance(each, syntax.Kernel):
            continue
        if each.name in kernels:
            others = (Label(kernels[each.name].kernel.span, "first here"),)
            report.error("TK204", f"the kernel `{each.name}` is declared twice", each.span, others=others)
        elif each.name in functions:
            report.error("TK204", f"`{each.name}` is a `fn` already", each.span)
        checked = check_kernel(each, functions, report, {}, None)
        kernels.setdefault(each.name, KernelDefinition(checked, each, functions))
    return kernels
