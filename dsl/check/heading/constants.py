"""`int` constants as sizes: `x: T[G * C]` with `groups: int`, `require P == W // stride`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tilery.dsl import sizes
from tilery.dsl.errors import Diagnostic
from tilery.dsl.program import Signature, Size
from tilery.dsl.report import listed
from tilery.dsl.text import syntax


def constant_sizes(parameters: Sequence[syntax.Parameter], bound: Mapping[str, int | bool]) -> dict[str, Size]:
    """What each `int` constant of a heading is as a size: the number it is bound to, or its name while it is open."""
    return {name: int(bound[name]) if name in bound else name for name in _int_constants(parameters)}


def _int_constants(parameters: Iterable[syntax.Parameter]) -> Iterator[str]:
    return (each.name.text for each in parameters if each.dimensions is None and each.type.text == "int")


def names_in_shapes(signature: Signature) -> set[str]:
    """Every name that the shapes of tensors and the sizes of derived dimensions hold."""
    shapes = [size for each in (*signature.tensors, *signature.results) for size in each.shape]
    return {name for size in (*shapes, *(size for _, size in signature.derived)) for name in sizes.names_in(size)}


def why_undefined(node: syntax.Expr, known: Mapping[str, Size], errors: Sequence[Diagnostic]) -> str:
    """Why `require P == ...` does not say what `P` is, for the help of an error."""
    if errors:
        note = f": {errors[0].note}" if errors[0].note else ""
        bound = [f"{name} = {known[name]}" for name in dict.fromkeys(_names(node)) if isinstance(known.get(name), int)]
        return f"`{node.span.text}` is no size{note}" + (f" ({', '.join(bound)})" if bound else "")
    unknown = [name for name in dict.fromkeys(_names(node)) if name not in known]
    return f"{listed(unknown)} in `{node.span.text}` is no dimension of an argument and no `int` constant"


def _names(node: syntax.Expr) -> Iterator[str]:
    match node:
        case syntax.Name(text=text):
            yield text
        case syntax.Unary(operand=operand):
            yield from _names(operand)
        case syntax.Binary(left=left, right=right):
            yield from _names(left)
            yield from _names(right)
