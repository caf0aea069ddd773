"""What names mean at one place of a kernel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..program import Axis, LoopVariable, Value
from ..spans import Span
from .places.so_far import Filling


@dataclass(frozen=True, slots=True)
class Local:
    """A name that the text has bound; without a value if what it was bound to is a mistake reported already."""

    value: Value | None
    span: Span
    missing: Filling | None = None
    """What is written of a tile that is written in parts; None where all of it is."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A name that was bound and has no value here any more."""

    span: Span
    why: str


Binding = Local | Gone


@dataclass(frozen=True, slots=True)
class Frame:
    """A loop being checked."""

    kind: str
    """`tile` or `for`."""
    variables: tuple[LoopVariable, ...]
    span: Span
    outside: frozenset[str] = frozenset()
    """The names bound before the loop."""
    guarded: bool = False
    """Whether it leaves steps out."""

    @property
    def heading(self) -> str:
        """How the text names the loop."""
        return f"{self.kind} {', '.join(str(each.axis) for each in self.variables)}"


@dataclass(slots=True)
class Scope:
    """The bound names and the open loops; a kernel's body and its reference have one each."""

    names: dict[str, Binding] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)
    first: dict[str, Span] = field(default_factory=dict)
    """Where each name was bound first."""
    read: set[str] = field(default_factory=set)
    """The names that something reads."""

    def bind(self, name: str, value: Value | None, span: Span) -> None:
        """Gives a name its value from here on."""
        self.names[name] = Local(value, span)
        self.first.setdefault(name, span)

    def axis(self, name: str) -> Axis | None:
        """The axis of an open loop's variable."""
        for frame in self.frames:
            for variable in frame.variables:
                if variable.axis.name == name:
                    return variable.axis
        return None

    def locals(self) -> Iterable[str]:
        """The names that have a value here."""
        return (name for name, binding in self.names.items() if isinstance(binding, Local))

    def leave(self, outside: dict[str, Binding], why: str) -> None:
        """Ends a block: names that it bound first are gone, the others have what `outside` says."""
        inside, self.names = self.names, dict(outside)
        for name, binding in inside.items():
            if name not in outside:
                self.names[name] = Gone(binding.span, why) if isinstance(binding, Local) else binding
