"""lark's parse tree -> the syntax tree, one method a rule of `grammar.lark`.

It walks without recursion, so that no text, however deep its nesting, can exhaust the stack here.
"""

# ruff: noqa: D102  (each method is the rule of the grammar that has its name)
from __future__ import annotations

import inspect
import math
from typing import Any

from lark import Token, v_args
from lark.tree import Meta
from lark.visitors import Transformer_NonRecursive

from ..errors import Diagnostic
from ..spans import Source, Span
from . import syntax
from .words import RESERVED

_LONGEST_NUMBER = 400
"""Digits; Python itself refuses to read integers of a few thousand."""

MOST_CHOICES = 1024
"""Choices of a tuning parameter given as a range."""

Children = list[Any]


@v_args(meta=True)
class TreeBuilder(Transformer_NonRecursive[Token, syntax.Item]):
    """Builds the syntax tree of one item that starts at line `first_line` of `source`."""

    def __init__(self, source: Source, first_line: int) -> None:
        super().__init__()
        self.source = source
        self.first_line = first_line
        self.errors: list[Diagnostic] = []
        """Mistakes that the grammar lets pass."""

    # --- places and words ---------------------------------------------------------------------------------------------

    def span(self, place: Meta | Token) -> Span:
        """The span of a token or of a rule's whole text."""
        start, end = (place.line or 1) + self.first_line - 1, (place.end_line or 1) + self.first_line - 1
        return Span(self.source, start, place.column or 1, end, place.end_column or 1)

    def word(self, token: Token) -> syntax.Name:
        """A name that the text may choose."""
        span = self.span(token)
        if token in RESERVED:
            what = f"`{token}` is a word of the language and names nothing else"
            self.errors.append(Diagnostic("TK115", what, span, "expected a name"))
        return syntax.Name(span, str(token))

    def text(self, token: Token) -> str:
        """The contents of a string literal, its common indentation taken off."""
        quotes = 3 if token.startswith('"""') else 1
        return inspect.cleandoc(token[quotes:-quotes])

    def integer(self, token: Token) -> syntax.Number:
        """A whole number; one that no index could reach is a mistake."""
        span = self.span(token)
        value = int(token) if len(token) < _LONGEST_NUMBER else 2**63
        if value >= 2**31:
            self.errors.append(Diagnostic("TK110", "this number does not fit a 32-bit integer", span, "at most 2147483647"))
            value = 1
        return syntax.Number(span, value)

    # --- items --------------------------------------------------------------------------------------------------------

    def start(self, meta: Meta, c: Children) -> syntax.Item:
        item: syntax.Item = c[0]
        return item

    def kernel(self, meta: Meta, c: Children) -> syntax.KernelNode:
        name = self.word(c[0])
        return syntax.KernelNode(name.span, name.text, tuple(c[1] or ()), tuple(c[2] or ()), c[3])

    def function(self, meta: Meta, c: Children) -> syntax.Function:
        name = self.word(c[0])
        return syntax.Function(name.span, name.text, tuple(c[1] or ()), c[2])

    def import_(self, meta: Meta, c: Children) -> syntax.Import:
        name = self.word(c[0])
        return syntax.Import(name.span, name.text, tuple(c[1]))

    def names(self, meta: Meta, c: Children) -> Children:
        return [self.word(each) for each in c if each is not None]

    def parameters(self, meta: Meta, c: Children) -> Children:
        return [each for each in c if each is not None]

    def results(self, meta: Meta, c: Children) -> Children:
        return c[0] if isinstance(c[0], list) else [c[0]]

    def parameter(self, meta: Meta, c: Children) -> syntax.Parameter:
        name, before, kind, shape, within, default = c
        if before is not None and before not in ("inout", "distinct"):
            what = f"`{before}` does not belong here"
            help = "before a type stands nothing, `inout` (updated in place) or `distinct` (places that all differ)"
            self.errors.append(Diagnostic("TK123", what, self.span(before), "expected a type", help))
        word = None if before is None else syntax.Name(self.span(before), str(before))
        return syntax.Parameter(self.span(meta), self.word(name), self.word(kind), shape, default, within, word)

    def dimensions(self, meta: Meta, c: Children) -> tuple[syntax.Expr, ...]:
        return tuple(c[0] or ())

    def range(self, meta: Meta, c: Children) -> syntax.Range:
        return syntax.Range(c[0].span.to(c[1].span), c[0], c[1])

    # --- statements ---------------------------------------------------------------------------------------------------

    def block(self, meta: Meta, c: Children) -> tuple[syntax.Stmt, ...]:
        return tuple(c)

    def doc(self, meta: Meta, c: Children) -> syntax.Doc:
        return syntax.Doc(self.span(c[0]), self.text(c[0]))

    def alone(self, meta: Meta, c: Children) -> syntax.Alone:
        return syntax.Alone(c[0].span, c[0])

    def assign(self, meta: Meta, c: Children) -> syntax.Assign:
        return syntax.Assign(c[0].span.to(c[1].span), c[0], None, c[1])

    def augment(self, meta: Meta, c: Children) -> syntax.Assign:
        return syntax.Assign(c[0].span.to(c[2].span), c[0], str(c[1][:-1]), c[2])

    def reference(self, meta: Meta, c: Children) -> syntax.Reference:
        return syntax.Reference(self._heading(meta, "reference:"), c[0])

    def tile(self, meta: Meta, c: Children) -> syntax.Tile:
        return syntax.Tile(self.span(meta).to(c[0][-1].span), tuple(c[0]), c[1])

    def for_(self, meta: Meta, c: Children) -> syntax.For:
        return syntax.For(self.span(meta).to((c[1] or c[0]).span), c[0], c[1], c[2])

    def count(self, meta: Meta, c: Children) -> syntax.Count:
        return syntax.Count(self.span(meta).to(c[2].span), self.word(c[0]), c[1], c[2], c[3])

    def if_(self, meta: Meta, c: Children) -> syntax.If:
        return syntax.If(self.span(meta).to(c[0].span), c[0], c[1], c[2] or ())

    def require(self, meta: Meta, c: Children) -> syntax.Require:
        return syntax.Require(c[0].span, c[0], self.text(c[1]) if c[1] else "")

    def axis(self, meta: Meta, c: Children) -> syntax.AxisName:
        name = self.word(c[0])
        return syntax.AxisName(name.span.to(c[1].span), name, c[1])

    def print_(self, meta: Meta, c: Children) -> syntax.Print:
        return syntax.Print(self.span(meta), self.text(c[0]) if c[0] else "", tuple(c[1]))

    def tune_range(self, meta: Meta, c: Children) -> syntax.Tune:
        name, (low, high, word, step, default) = self.word(c[0]), c[1:]
        span = self.span(low).to(self.span(step or high))
        if word is not None and word != "step":
            self.errors.append(Diagnostic("TK123", f"`{word}` does not belong here", self.span(word), "expected `step`"))
        first, last = self.integer(low).value, self.integer(high).value
        stride = self.integer(step).value if step is not None else 1
        assert isinstance(first, int) and isinstance(last, int) and isinstance(stride, int)
        if stride < 1 or last < first or (last - first) // stride >= MOST_CHOICES:
            what = "no choice at all" if stride < 1 or last < first else f"more than {MOST_CHOICES} choices"
            self.errors.append(Diagnostic("TK124", f"this range gives {what}", span, help="write `64..512 step 64`"))
            last = first
        choices = tuple(syntax.Number(span, each) for each in range(first, last + 1, max(1, stride)))
        return syntax.Tune(name.span, name, choices, default)

    def temp(self, meta: Meta, c: Children) -> syntax.Temp:
        word: Token = c[0]
        if word != "temp":
            help = "a tensor of the kernel's own is `temp h: f32[M, N]`"
            self.errors.append(Diagnostic("TK123", f"`{word}` does not belong here", self.span(word), "expected `temp`", help))
        return syntax.Temp(self.span(meta), self.word(c[1]), self.word(c[2]), tuple(c[3]))

    def tune_list(self, meta: Meta, c: Children) -> syntax.Tune:
        name = self.word(c[0])
        return syntax.Tune(name.span, name, tuple(each for each in c[1:-1] if each is not None), c[-1])

    def choice(self, meta: Meta, c: Children) -> syntax.Choice:
        token: Token = c[0]
        return self.integer(token) if token.type == "INT" else self.word(token)

    def otherwise(self, meta: Meta, c: Children) -> tuple[syntax.Stmt, ...]:
        block: tuple[syntax.Stmt, ...] = c[0]
        return block

    def elif_(self, meta: Meta, c: Children) -> tuple[syntax.Stmt, ...]:
        return (self.if_(meta, c),)

    def guard(self, meta: Meta, c: Children) -> syntax.Expr:
        condition: syntax.Expr = c[0]
        return condition

    def variables(self, meta: Meta, c: Children) -> Children:
        return c

    def variable(self, meta: Meta, c: Children) -> syntax.Variable:
        return syntax.Variable(self.span(meta), self.word(c[0]), c[1], c[2])

    def exactly(self, meta: Meta, c: Children) -> syntax.By:
        return self._by(meta, "exactly", c)

    def between(self, meta: Meta, c: Children) -> syntax.By:
        return self._by(meta, "between", c)

    def listed(self, meta: Meta, c: Children) -> syntax.By:
        return self._by(meta, "listed", c)

    def tuned(self, meta: Meta, c: Children) -> syntax.By:
        name = self.word(c[0])
        return syntax.By(name.span, "tuned", (), name.text)

    def _by(self, meta: Meta, kind: str, c: Children) -> syntax.By:
        return syntax.By(self.span(meta), kind, tuple(self.integer(each) for each in c))

    def _heading(self, meta: Meta, text: str) -> Span:
        start = self.span(meta)
        return Span(start.source, start.line, start.column, start.line, start.column + len(text))

    # --- expressions --------------------------------------------------------------------------------------------------

    def number(self, meta: Meta, c: Children) -> syntax.Number:
        token: Token = c[0]
        if token.type == "INT":
            return self.integer(token)
        value = float(token)
        if math.isinf(value):
            self.errors.append(Diagnostic("TK110", "this number is too large", self.span(token), help="write `inf`"))
        return syntax.Number(self.span(token), value)

    def true(self, meta: Meta, c: Children) -> syntax.Truth:
        return syntax.Truth(self.span(meta), True)

    def false(self, meta: Meta, c: Children) -> syntax.Truth:
        return syntax.Truth(self.span(meta), False)

    def name(self, meta: Meta, c: Children) -> syntax.Name:
        return self.word(c[0])

    def either(self, meta: Meta, c: Children) -> syntax.Binary:
        return syntax.Binary(c[0].span.to(c[1].span), "or", c[0], c[1])

    def both(self, meta: Meta, c: Children) -> syntax.Binary:
        return syntax.Binary(c[0].span.to(c[1].span), "and", c[0], c[1])

    def negation(self, meta: Meta, c: Children) -> syntax.Unary:
        return syntax.Unary(self.span(meta), "not", c[0])

    def binary(self, meta: Meta, c: Children) -> syntax.Binary:
        return syntax.Binary(self.span(meta), str(c[1]), c[0], c[2])

    def signed(self, meta: Meta, c: Children) -> syntax.Unary:
        return syntax.Unary(self.span(meta), str(c[0]), c[1])

    def subscript(self, meta: Meta, c: Children) -> syntax.Subscript:
        items, otherwise = c[1] or ((), None)
        return syntax.Subscript(self.span(meta), self.word(c[0]), items, otherwise)

    def like(self, meta: Meta, c: Children) -> syntax.Subscript:
        (items, otherwise), base, names = c[1] or ((), None), self.word(c[0]), (c[2], c[4])
        like = tuple(self.word(each) for each in names if each is not None)
        if base.text != "zeros" or c[3] not in (None, "@"):
            what = "`like` says what type the zeros of a sum have"
            help = "write `zeros[m, n] like a @ b`, or `zeros[m, n] like x`"
            self.errors.append(Diagnostic("TK139", what, self.span(meta), help=help))
            base = syntax.Name(base.span, "zeros")
        return syntax.Subscript(self.span(meta), base, items, otherwise, like)

    def axis_call(self, meta: Meta, c: Children) -> syntax.Call:
        axes, otherwise = c[1] or ((), None)
        if otherwise is not None:
            self.errors.append(Diagnostic("TK116", "`else` belongs to the reading of a tensor", otherwise.span))
        return syntax.Call(self.span(meta), self.word(c[0]), axes, tuple(c[2] or ()))

    def call(self, meta: Meta, c: Children) -> syntax.Call:
        return syntax.Call(self.span(meta), self.word(c[0]), None, tuple(c[1] or ()))

    def exprs(self, meta: Meta, c: Children) -> Children:
        return [each for each in c if each is not None]

    def items(self, meta: Meta, c: Children) -> tuple[tuple[syntax.Expr, ...], syntax.Expr | None]:
        return tuple(c[:-1]), c[-1]
