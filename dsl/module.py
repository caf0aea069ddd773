"""A `.tk` file, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from .check.calling.inlining import NO_SIGNATURE
from .check.checker import check_kernel
from .check.context import Context, Uneven
from .check.emitter import Emitter
from .check.expressions import WORDS, evaluate
from .check.heading.constants import names_in_shapes
from .check.imports import Place, Taken, take
from .errors import Diagnostic, Label, SourceErrors
from .functions import NAMED, REDUCTIONS, SCANS
from .known_fns import Functions, Known
from .program import CountedLoop, Program, walk
from .reading import read_text
from .report import Abandoned, Report
from .spans import Source
from .specialise.definition import KernelDefinition
from .text import syntax
from .types import ELEMENT_TYPES

PRELUDE = Path(__file__).with_name("prelude.tk")


@dataclass(frozen=True, slots=True)
class Module:
    """The kernels and functions of one text."""

    source: Source
    kernels: Mapping[str, KernelDefinition]
    functions: Functions = field(repr=False)
    """The file's `fn`s by name, those taken from other files too."""
    warnings: tuple[Diagnostic, ...]
    """What is probably not meant, and yet no mistake."""


def load(path: str | Path, texts: Mapping[str, str] | None = None) -> Module:
    """Reads and checks a file, and those it takes names from; a file whose text `texts` holds by its name is not read.

    Raises UsageError if it cannot be read as text, SourceErrors with every mistake in it.
    """
    return _load(Path(path), Place(Path(path), texts=texts or {}))


def _load(path: Path, place: Place) -> Module:
    if (known := place.texts.get(str(path))) is not None:
        return _parse(Source(str(path), known), place)
    return _parse(Source(str(path), read_text(path)), place)


def parse(text: str, name: str = "<text>", path: str | Path | None = None) -> Module:
    """Checks a text; `name` stands for it in messages, `path` is where it would be a file, for `from` to look beside.

    Raises SourceErrors with every mistake in it.
    """
    return _parse(Source(name, text), Place(Path(path) if path is not None else None))


def _parse(source: Source, place: Place) -> Module:
    examined = _examine(source, place)
    if examined.errors:
        raise SourceErrors(examined.errors)
    return Module(source, examined.kernels, examined.functions, examined.warnings)


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of a text, whatever is wrong with it."""

    items: tuple[syntax.Item, ...]
    """What could be parsed."""
    kernels: Mapping[str, KernelDefinition]
    """To be looked at, not to be run where there are errors."""
    functions: Functions
    visible: Functions
    """The `fn`s that may be called, those of the prelude too."""
    errors: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]


def examine(text: str, name: str = "<text>", path: str | Path | None = None) -> Examined:
    """Like `parse`, for an editor: gives what there is instead of raising."""
    return _examine(Source(name, text), Place(Path(path) if path is not None else None))


def _examine(source: Source, place: Place) -> Examined:
    from .text.parser import parse_items  # lark takes a while to import, and not every user of this package parses

    items, errors = parse_items(source)
    report = Report(errors=errors)
    taken = take(items, place, report, _load)
    visible: dict[str, Known] = {**prelude(), **taken.functions}
    own = _functions(items, visible, taken, report)
    visible |= own
    kernels = {**taken.kernels, **_kernels(items, visible, taken, report)}
    warnings = sorted(report.warnings, key=lambda each: (each.span.line, each.span.column))
    functions = {**taken.functions, **own}
    return Examined(tuple(items), kernels, functions, visible, tuple(report.errors), tuple(warnings))


@cache
def prelude() -> Functions:
    """The `fn`s that every file has."""
    from .text.parser import parse_items

    source = Source("prelude.tk", PRELUDE.read_text(encoding="utf-8"))
    items, errors = parse_items(source)
    if errors:
        raise SourceErrors(errors)
    home: dict[str, Known] = {}
    home |= {each.name: Known(each, home) for each in items if isinstance(each, syntax.Function)}
    return home


def _functions(items: list[syntax.Item], visible: Functions, taken: Taken, report: Report) -> dict[str, Known]:
    """The `fn`s of this file; each sees those in `visible`, which are to be joined by these."""
    functions: dict[str, Known] = {}
    home = {**visible}
    for each in items:
        if isinstance(each, syntax.Function) and _may_declare(each, functions, taken, report):
            functions[each.name] = home[each.name] = Known(each, home)
    for known in functions.values():
        _check_function(known.node, home, report)
    return functions


def _may_declare(node: syntax.Function, functions: Functions, taken: Taken, report: Report) -> bool:
    if node.name in functions:
        others = (Label(functions[node.name].node.span, "first here"),)
        report.error("TK204", f"the `fn` `{node.name}` is declared twice", node.span, others=others)
        return False
    if node.name in taken.spans:
        others = (Label(taken.spans[node.name], "taken here"),)
        report.error("TK204", f"`{node.name}` is taken from another file already", node.span, others=others)
        return False
    builtin = node.name in {*NAMED, *REDUCTIONS, *SCANS, *WORDS, *ELEMENT_TYPES}
    if builtin or node.name in prelude():
        # A chip may know the prelude's names as instructions of its own, so they keep their meaning.
        report.error("TK216", f"`{node.name}` has a meaning of its own already", node.span, help="take another name")
        return False
    return True


def _check_function(node: syntax.Function, functions: Functions, report: Report) -> None:
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


def _kernels(items: list[syntax.Item], functions: Functions, taken: Taken, report: Report) -> dict[str, KernelDefinition]:
    kernels: dict[str, KernelDefinition] = {}
    for each in items:
        if not isinstance(each, syntax.KernelNode):
            continue
        if each.name in kernels:
            others = (Label(kernels[each.name].kernel.span, "first here"),)
            report.error("TK204", f"the kernel `{each.name}` is declared twice", each.span, others=others)
        elif each.name in taken.spans:
            others = (Label(taken.spans[each.name], "taken here"),)
            report.error("TK204", f"`{each.name}` is taken from another file already", each.span, others=others)
        elif each.name in functions:
            report.error("TK204", f"`{each.name}` is a `fn` already", each.span)
        kernels.setdefault(each.name, _definition(each, functions, report))
    return kernels


def _definition(node: syntax.KernelNode, functions: Functions, report: Report) -> KernelDefinition:
    """A checked kernel. Where counted loops or sizes wait for constants, it is checked for their defaults too."""
    mark = report.mark()
    uneven: Uneven = {}
    checked = check_kernel(node, functions, report, {}, None, uneven=uneven)
    defaults = {each.name: each.default for each in checked.signature.constants if each.default is not None}
    clean = report.mark()[0] == mark[0]
    if clean and len(defaults) == len(checked.signature.constants) and _counts(checked):
        tuned = {each.name: each.default for each in checked.tunes}
        check_kernel(node, functions, report, {}, defaults, tuned, uneven=uneven)
    return KernelDefinition(checked, node, functions, uneven)


def _counts(kernel: Program) -> bool:
    """Whether counted loops or sizes wait for constants."""
    counted = any(isinstance(each, CountedLoop) for each in walk(kernel.body))
    return counted or not names_in_shapes(kernel.signature).isdisjoint(each.name for each in kernel.signature.constants)
