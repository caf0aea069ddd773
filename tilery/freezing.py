"""A kernel's text with its tile sizes and tuning parameters written in: `m of M` -> `m of M by 512`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from .backends.tunable import Choice
from .dsl import KernelDefinition
from .dsl.spans import Span
from .dsl.text import syntax

DECLARED = re.compile(r"\w+\s+in\s+(\{[^}]*\}|\d+\s*\.\.\s*\d+(\s+\w+\s+\d+)?)(\s*=\s*\w+)?")
"""`TK in 64..512 step 64 = 128` or `P in {bf16, f16}`: the span of the statement does not reach to its end."""

Edit = tuple[int, int, str]
"""A replacement: start and end in the text, in characters, and the new text."""


def frozen(definition: KernelDefinition, config: Mapping[str, Choice]) -> str:
    """The text of the kernel's whole file, in which this kernel has the sizes of `config`; comments and layout stay.

    A tile size of several loops is written in each of them. `tune TK in {128, 256}` becomes `tune TK in {256}`. What
    `config` says of neither, as schedule knobs, has no place in a text and is left out.
    """
    text = definition.kernel.span.source.text
    starts = _line_starts(text)
    edits = [edit for each in _statements(definition.node.body) for edit in _edits(each, config, text, starts)]
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


def _statements(body: Sequence[syntax.Stmt]) -> Iterator[syntax.Stmt]:
    for each in body:
        yield each
        if isinstance(each, syntax.Tile | syntax.For | syntax.Count):
            yield from _statements(each.body)
        elif isinstance(each, syntax.If):
            yield from _statements(each.then)
            yield from _statements(each.otherwise)


def _edits(statement: syntax.Stmt, config: Mapping[str, Choice], text: str, starts: Sequence[int]) -> Iterator[Edit]:
    if isinstance(statement, syntax.Tune) and statement.name.text in config:
        start = _place(statement.name.span, starts)[0]
        declared = DECLARED.match(text, start)
        assert declared, "the text has been parsed, so that it reads as it should"
        yield start, declared.end(), f"{statement.name.text} in {{{config[statement.name.text]}}}"
    variables = statement.variables if isinstance(statement, syntax.Tile) else ()
    if isinstance(statement, syntax.For):
        variables = (statement.variable,)
    for each in variables:
        if each.name.text in config and (each.by is None or each.by.kind != "tuned"):
            size = str(config[each.name.text])
            end = _place(each.dimension.span, starts)[1]
            yield (*_place(each.by.span, starts), size) if each.by else (end, end, f" by {size}")


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def _place(span: Span, starts: Sequence[int]) -> tuple[int, int]:
    return starts[span.line - 1] + span.column - 1, starts[span.end_line - 1] + span.end_column - 1
