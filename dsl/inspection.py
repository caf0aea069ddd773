"""What an editor shows of a text while it is written: values, their tiles' bytes, where names come from, what may come next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod

from .check.checker import check_kernel
from .functions import NAMED, REDUCTIONS, SCANS
from .module import Examined
from .program import Axis, LoopVariable, Program, Value
from .report import Report
from .spans import Span
from .text import syntax
from .text.words import CONTEXT_WORDS, RESERVED
from .types import ELEMENT_TYPES, ElementType, Wide, type_name

_LOOP = re.compile(r"(\w+) +of +[\w ()*/+.%-]+")
USUAL_TILE = 128
"""The tile size of an example, where the text leaves it open."""


@dataclass(frozen=True, slots=True)
class Word:
    """A name that may come next."""

    text: str
    kind: str
    """`axis`, `value`, `function`, `type` or `keyword`."""
    detail: str = ""


def covers(span: Span, line: int, column: int) -> bool:
    """Whether a place (counted from 1) lies in a span or right behind it."""
    return (span.line, span.column) <= (line, column) <= (span.end_line, span.end_column)


# --- values -----------------------------------------------------------------------------------------------------------


def value_at(examined: Examined, line: int, column: int) -> tuple[Span, str] | None:
    """The smallest expression at a place, and its axes, type and bytes as Markdown."""
    for node, kernel, seen in _checked(examined):
        for temp in (each for each in node.body if isinstance(each, syntax.Temp)):
            if covers(temp.name.span, line, column):
                text = temp.span.source.line(temp.span.line).strip()
                return temp.name.span, f"```tk\n{text}\n```\nin device memory, for as long as a call lasts"
        found = [(span, value) for span, value in seen.items() if covers(span, line, column)]
        if found:
            span, value = min(found, key=lambda each: _width(each[0]))
            return span, described(value, kernel)
        for variable in kernel.loop_variables:
            if covers(variable.span, line, column):
                return variable.span, _variable(variable)
        for statement in node.body:
            if isinstance(statement, syntax.AxisName) and covers(statement.span, line, column):
                return statement.span, f"`{statement.name.text}`: every position of `{statement.dimension.span.text}`"
        for parameter in (*node.parameters, *node.results):
            if covers(parameter.span, line, column):
                return parameter.span, f"```tk\n{parameter.span.source.line(parameter.span.line).strip()}\n```{_said(parameter)}"
    return None


def _said(parameter: syntax.Parameter) -> str:
    """What a range is for, where there is one."""
    if parameter.range is None:
        return ""
    return f"\n`{parameter.name.text}` lies in `{parameter.range.span.text}`, both ends included: drawn from, checked in calls"


def _checked(examined: Examined) -> Iterator[tuple[syntax.KernelNode, Program, dict[Span, Value]]]:
    for node in examined.items:
        if isinstance(node, syntax.KernelNode):
            seen: dict[Span, Value] = {}
            yield node, check_kernel(node, examined.visible, Report(), {}, None, seen=seen), seen


def _width(span: Span) -> tuple[int, int]:
    return span.end_line - span.line, span.end_column - span.column


def described(value: Value, kernel: Program) -> str:
    """`acc: f32[m, n]`, and the bytes that its tile takes."""
    axes = f"[{', '.join(map(str, value.axes))}]" if value.axes else ""
    name = "" if value.name.startswith("%") else f"{value.name}: "
    return f"```tk\n{name}{type_name(value.dtype)}{axes}\n```\n{_bytes(value, kernel)}"


def _bytes(value: Value, kernel: Program) -> str:
    by_name = {each.axis.name: each for each in kernel.loop_variables}
    sizes = [_extent(axis, by_name.get(axis.name)) for axis in value.axes]
    kind = value.dtype
    width = kind.bytes if isinstance(kind, ElementType) else 4 if isinstance(kind, Wide) else None
    numbers = [each for each in sizes if isinstance(each, int)]
    if width is not None and len(numbers) == len(sizes):
        return _size(ceil(width * prod(numbers)))
    unit = str(width) if width is not None else f"bytes of {type_name(kind)}"
    text = " x ".join([*map(str, sizes), unit]) + ("" if width is None else " bytes")
    open_tiles = [axis for axis, size in zip(value.axes, sizes, strict=True) if not isinstance(size, int)]
    if width is None or any(axis.whole for axis in open_tiles):
        return text
    return f"{text}: {_size(ceil(width * prod(numbers) * USUAL_TILE ** len(open_tiles)))} with tiles of {USUAL_TILE}"


def _extent(axis: Axis, variable: LoopVariable | None) -> int | str:
    if axis.whole or variable is None:
        return axis.size if isinstance(axis.size, int) else axis.name
    choices = variable.by.choices
    return choices[0] if choices and len(choices) == 1 else axis.name


def _size(count: int) -> str:
    if count < 1024:
        return f"{count} bytes"
    return f"{count / 1024:.4g} KiB" if count < 1024**2 else f"{count / 1024**2:.4g} MiB"


def _variable(variable: LoopVariable) -> str:
    axis = variable.axis
    text = f"`{axis}`: positions of `{axis.size}`"
    return text + (f", cut out of the tile of `{axis.parent}`" if axis.parent else "")


# --- names ------------------------------------------------------------------------------------------------------------


def word_at(text: str, line: int, column: int) -> str:
    """The name at a place of a text."""
    lines = text.split("\n")
    row = lines[line - 1] if 0 < line <= len(lines) else ""
    return next((found[0] for found in re.finditer(r"\.\.\.|\w+", row) if found.start() < column <= found.end() + 1), "")


def definition_at(examined: Examined, text: str, line: int, column: int) -> Span | None:
    """Where the name at a place was bound or declared."""
    name = word_at(text, line, column)
    node = _kernel_at(examined, line)
    if node is not None and (span := _declared(node, name, line)) is not None:
        return span
    if name in examined.functions:
        return examined.functions[name].node.span
    return examined.kernels[name].kernel.span if name in examined.kernels else None


def _kernel_at(examined: Examined, line: int) -> syntax.KernelNode | None:
    before = [each for each in examined.items if each.span.line <= line]
    last = max(before, key=lambda each: each.span.line, default=None)
    return last if isinstance(last, syntax.KernelNode) else None


def _declared(node: syntax.KernelNode, name: str, line: int) -> Span | None:
    """The declaration of a name, else its last binding above a line; an axis may be named below it."""
    for parameter in (*node.parameters, *node.results):
        if parameter.name.text == name:
            return parameter.name.span
    axes = [each.name.span for each in node.body if isinstance(each, syntax.AxisName) and each.name.text == name]
    earlier = [span for each, span in _bindings(node.body) if each == name and span.line <= line]
    if earlier or axes:
        return [*axes, *earlier][-1]
    signature = (*node.parameters, *node.results)
    names = (each for parameter in signature for one in parameter.dimensions or () for each in _names(one))
    return next((each.span for each in names if each.text == name), None)


def _names(node: syntax.Expr) -> Iterator[syntax.Name]:
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, syntax.Name):
            yield each
        elif isinstance(each, syntax.Binary):
            waiting += [each.right, each.left]
        elif isinstance(each, syntax.Unary):
            waiting.append(each.operand)


def _bindings(body: tuple[syntax.Stmt, ...]) -> Iterator[tuple[str, Span]]:
    """What statements bind, in the order of the text."""
    for each in body:
        match each:
            case syntax.Assign(target=syntax.Name() as target) | syntax.Assign(target=syntax.Subscript(base=target)):
                yield target.text, target.span
            case syntax.Tile():
                yield from ((variable.name.text, variable.name.span) for variable in each.variables)
            case syntax.For():
                yield each.variable.name.text, each.variable.name.span
            case syntax.Count():
                yield each.counter.text, each.counter.span
            case syntax.Tune() | syntax.Temp() | syntax.AxisName():
                yield each.name.text, each.name.span
        for block in syntax.inner_blocks(each):
            yield from _bindings(block)


# --- completion -------------------------------------------------------------------------------------------------------


def completions(examined: Examined, text: str, line: int) -> list[Word]:
    """What may stand on a line; the text around may be broken while it is being written."""
    above = text.split("\n")[: line - 1]
    start = max((number for number, row in enumerate(above) if re.match(r"(kernel|fn)\b", row)), default=0)
    words = [*_axes(above[start:]), *_values(above[start:])]
    words += [Word(each, "function") for each in sorted({*NAMED, *REDUCTIONS, *SCANS, "zeros", "full", "index", "dot", "rand"})]
    words += [Word(name, "function", _heading(known.node)) for name, known in examined.visible.items()]
    words += [Word(each, "type", f"{kind.bytes} bytes") for each, kind in ELEMENT_TYPES.items()]
    words += [Word(each, "keyword") for each in sorted({*RESERVED, *CONTEXT_WORDS})]
    return list({each.text: each for each in reversed(words)}.values())[::-1]


def _heading(node: syntax.Function) -> str:
    return f"fn {node.name}({', '.join(each.text for each in node.parameters)})"


def _axes(rows: list[str]) -> Iterator[Word]:
    for row in rows:
        if re.match(r" *(tile|for|axis)\b", row):
            yield from (Word(found[1], "axis", found[0].strip()) for found in _LOOP.finditer(row))
    for found in re.finditer(r":\s*\w+\[([^\]]*)\]", "\n".join(rows)):
        names = re.findall(r"\.\.\.|[A-Za-z_]\w*", found[1])
        yield from (Word(each, "axis", "a dimension") for each in names if each not in RESERVED)


def _values(rows: list[str]) -> Iterator[Word]:
    for row in rows:
        if found := re.match(r" *(\w+)(?:\[[^\]]*\])? *[-+*/]?=(?!=)", row):
            yield Word(found[1], "value")
    for found in re.finditer(r"(\w+)\s*:\s*(\w+(?:\[[^\]]*\])?(?: +in +[^,()=]+(?=[,)=]))?)", "\n".join(rows)):
        yield Word(found[1], "value", found[2].strip())
