"""The small faults: each is one node of the syntax tree written in another way."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
NAMES = {
    "larger": "smaller",
    "smaller": "larger",
    "max": "min",
    "min": "max",
    "any": "all",
    "all": "any",
    "maximum": "minimum",
    "minimum": "maximum",
    "sin": "cos",
    "cos": "sin",
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one fault."""

    line: int
    statement: str
    """The line of the text that it is in."""
    what: str
    tree: ast.Module


Change = tuple[str, Callable[[ast.AST], None]]


def mutants(text: str) -> Iterator[Mutant]:
    """All faults of a file, in the order of its text."""
    whole, lines = ast.parse(text), text.splitlines()
    silent = {inner for node in ast.walk(whole) for each in getattr(node, "decorator_list", []) for inner in ast.walk(each)}
    for place, node in enumerate(ast.walk(whole)):
        if node in silent:
            continue
        for what, change in changes(node):
            copy = deepcopy(whole)
            same = next(each for number, each in enumerate(ast.walk(copy)) if number == place)
            before = ast.unparse(same)
            change(same)
            line = _line(node)
            yield Mutant(line, lines[line - 1].strip(), f"{before[:60]} -> {what}", ast.fix_missing_locations(copy))


def _line(node: ast.AST) -> int:
    """Where a node begins; a comprehension's loop has no place of its own."""
    return getattr(node.target if isinstance(node, ast.comprehension) else node, "lineno", 1)


def changes(node: ast.AST) -> Iterator[Change]:
    """The ways in which one node can be wrong."""
    match node:
        case ast.BinOp(right=ast.Constant(value=1)):
            return
        case ast.BinOp(op=op) if type(op) in ARITHMETIC:
            other = ARITHMETIC[type(op)]
            yield other.__name__, lambda it: setattr(it, "op", other())
        case ast.AugAssign(op=op) if type(op) in ARITHMETIC:
            other = ARITHMETIC[type(op)]
            yield other.__name__, lambda it: setattr(it, "op", other())
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            for each in COMPARISONS[type(op)]:
                yield each.__name__, lambda it, each=each: setattr(it, "ops", [each()])  # type: ignore[misc]
        case ast.BoolOp(op=op, values=values):
            swapped: type[ast.boolop] = ast.Or if isinstance(op, ast.And) else ast.And
            yield swapped.__name__, lambda it: setattr(it, "op", swapped())
            for number in range(len(values)):
                yield f"without part {number + 1}", lambda it, number=number: it.values.pop(number)  # type: ignore[misc]
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield "its operand", lambda it: setattr(it, "op", ast.UAdd()) if isinstance(it, ast.UnaryOp) else None
        case ast.IfExp():
            yield "always", lambda it: setattr(it, "test", ast.Constant(True))
            yield "never", lambda it: setattr(it, "test", ast.Constant(False))
        case ast.If():
            yield "if True", lambda it: setattr(it, "test", ast.Constant(True))
            yield "if False", lambda it: setattr(it, "test", ast.Constant(False))
        case ast.Constant(value=bool() as value):
            yield str(not value), lambda it: setattr(it, "value", not value)
        case ast.Constant(value=int() | float() as number):
            yield f"{number + 1}", lambda it: setattr(it, "value", number + 1)
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in NAMES:
            field = "id" if isinstance(node, ast.Name) else "attr"
            yield NAMES[name], lambda it: setattr(it, field, NAMES[name])
        case ast.comprehension(ifs=[_]):
            yield "without its condition", lambda it: setattr(it, "ifs", [])
        case ast.Dict(keys=keys) if len(keys) > 1:
            for number in range(len(keys)):
                yield f"without entry {number + 1}", lambda it, number=number: (it.keys.pop(number), it.values.pop(number))  # type: ignore[misc]
