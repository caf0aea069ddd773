"""What the checker of one kernel knows while it goes through the text."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..errors import Label
from ..functions import EXCLUSIVE, REVERSE
from ..known_fns import Functions, Known
from ..program import Axis, LoopVariable, Signature, Size, Tensor, Tune, Value
from ..report import Abandoned, Report, did_you_mean
from ..spans import Span
from ..text import syntax
from ..types import ELEMENT_TYPES, AnyType
from .emitter import Emitter
from .places.phase_count import Phases
from .places.so_far import Begun
from .scope import Scope

DEEPEST_NESTING = 90
"""Expressions and blocks inside each other, calls of `fn`s included; the checker recurses into them."""


Uneven = dict[tuple[Span, str], tuple[str, ...]]
"""The axes of a name, by its place: all of both branches' where those of an `if` give it different ones, and their order where
it stands in front of brackets."""


@dataclass(slots=True)
class Context:
    """The state of checking one kernel."""

    report: Report
    emit: Emitter
    signature: Signature
    types: Mapping[str, AnyType]
    """What each type variable stands for: itself as long as it is open."""
    constants: Mapping[str, int | bool] | None
    """The constant parameters' values; None while they are open."""
    functions: Functions
    scope: Scope = field(default_factory=Scope)
    variables: dict[str, LoopVariable] = field(default_factory=dict)
    """Every tile variable seen so far, by name."""
    counters: dict[str, Span] = field(default_factory=dict)
    """The counters of the counted loops around, and where each stands."""
    tunes: Mapping[str, Tune] = field(default_factory=dict)
    """The tuning parameters."""
    tuned: Mapping[str, int | str] | None = None
    """What they are bound to; None while they are open."""
    said_of: dict[str, str] = field(default_factory=dict)
    """What the variables of loops run over, where the text names it."""
    in_parts: frozenset[str] = frozenset()
    """The names that the text writes in brackets."""
    begun: dict[str, Begun] = field(default_factory=dict)
    """The tiles written in parts that a loop around has to begin."""
    used: set[str] = field(default_factory=set)
    """The parameters, results and constants that something reads or writes."""
    calls: list[Known] = field(default_factory=list)
    """The `fn`s being inlined, outermost first."""
    written: Mapping[str, tuple[syntax.Expr, ...]] = field(default_factory=dict)
    """The dimensions of each tensor as the heading writes them."""
    broken: frozenset[str] = frozenset()
    """Parameters, results and tuning parameters whose declaration has a mistake: what is made of them is not checked."""
    seen: dict[Span, Value] | None = None
    """Where given, the value of each expression by its place, for an editor to show."""
    uneven: Uneven = field(default_factory=dict)
    """Filled while constants are open, asked once they are bound."""
    in_reference: bool = False
    phases: Phases = field(default_factory=Phases)
    """Which stretch of the kernel this is, and what each has written."""
    depth: int = 0

    @contextmanager
    def nested(self, span: Span) -> Iterator[None]:
        """Guards one level of recursion; gives the kernel up where the text nests beyond reason."""
        if self.depth >= DEEPEST_NESTING:
            self.report.error("TK111", f"this is nested more than {DEEPEST_NESTING} deep", span, help="name the inner parts")
            raise Abandoned
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def note(self, span: Span, value: Value | None) -> None:
        """Notes the value that stands at a place of the kernel's own text."""
        if self.seen is not None and value is not None and not self.calls:
            self.seen[span] = value

    # --- what names mean ----------------------------------------------------------------------------------------------

    def argument(self, name: str) -> Tensor | None:
        """The tensor argument of that name."""
        return next((each for each in self.signature.tensors if each.name == name), None)

    def result(self, name: str) -> Tensor | None:
        """The result of that name."""
        return next((each for each in self.signature.results if each.name == name), None)

    def temp(self, name: str) -> Tensor | None:
        """The `temp` of that name; a reference knows none."""
        return None if self.in_reference else next((each for each in self.signature.temps if each.name == name), None)

    def element_type(self, name: str) -> AnyType | None:
        """The type that a name stands for: an element type or a type variable of the kernel."""
        return self.types.get(name) or ELEMENT_TYPES.get(name)

    def size(self, name: str) -> Size | None:
        """The size that a name stands for: a dimension, or an `int` constant."""
        if (size := self.signature.size(name)) is not None:
            return size
        if not any(each.name == name and each.kind == "int" for each in self.signature.constants):
            return None
        self.used.add(name)
        return name if self.constants is None else int(self.constants[name])

    def axis(self, name: str) -> Axis | None:
        """The axis that a name stands for here: an open loop's variable, a whole dimension, or an `int` constant's."""
        if (size := self.size(name)) is not None:
            return Axis(name, size, whole=True)
        self.used.add(name)
        return self.scope.axis(name)

    def axis_named(self, node: syntax.Expr, role: str, numbered: Collection[Axis] | None = ()) -> Axis | None:
        """The axis that an expression in brackets names, or a report of why it names none.

        A number is an axis of that extent, where it is among `numbered`, or `numbered` is None.
        """
        if isinstance(node, syntax.Number) and isinstance(node.value, int) and node.value > 0:
            number = Axis(str(node.value), node.value, whole=True)
            if numbered is None or number in numbered:
                return number
        if not isinstance(node, syntax.Name):
            self.report.error("TK323", "axes are named, and this is no name", node.span, f"expected {role}")
            return None
        axis = self.axis(node.text)
        if axis is None:
            self._no_axis(node, role)
        return axis

    def _no_axis(self, node: syntax.Name, role: str) -> None:
        if node.text in self.variables:
            loop = Label(self.variables[node.text].span, "its loop")
            self.report.error("TK401", f"`{node.text}` is known only inside its loop", node.span, others=(loop,))
            return
        axes = [each.axis.name for frame in self.scope.frames for each in frame.variables]
        hint = did_you_mean(node.text, [*axes, *self.signature.dimension_names])
        if node.text in (EXCLUSIVE, REVERSE):
            hint = f"the word `{node.text}` stands behind the axis of a scan: `cumsum[n, {node.text}](x)`"
        what = f"`{node.text}` is no axis"
        self.report.error("TK201", what, node.span, f"expected {role}: a tile variable or a dimension", hint)

    def taken(self, name: str) -> str | None:
        """What a name stands for throughout the kernel, so that the text may not bind it."""
        if self.argument(name) or self.result(name) or self.temp(name):
            return "a tensor of the kernel"
        if any(each.name == name for each in self.signature.parameters):
            return "a parameter of the kernel"
        if self.signature.size(name) is not None:
            return "a dimension of the kernel"
        if name in self.tunes:
            return "a tuning parameter of the kernel"
        if self.element_type(name) is not None:
            return "an element type"
        return "infinity" if name == "inf" else None


Checked = Value | None
"""A checked expression's value; None for one with a mistake, which is reported already and causes no further reports."""
