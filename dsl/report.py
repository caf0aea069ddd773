"""Where the checker puts what it finds, so that it can go on and report every mistake of a file together."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from .errors import Diagnostic, Label
from .spans import Span


class Abandoned(Exception):
    """Checking a kernel is given up: it is too large or too deep to go on. Its diagnostic has been reported."""


@dataclass(slots=True)
class Report:
    """The mistakes and the warnings of one file."""

    errors: list[Diagnostic] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)
    _seen: set[tuple[str, Span]] = field(default_factory=set)

    def error(self, code: str, message: str, span: Span, note: str = "", help: str = "", others: tuple[Label, ...] = ()) -> None:
        """Adds a mistake; the same kind at the same place only once, since a `fn` is checked at each of its calls."""
        if (code, span) not in self._seen:
            self._seen.add((code, span))
            self.errors.append(Diagnostic(code, message, span, note, help, others))

    def warn(self, code: str, message: str, span: Span, help: str = "", others: tuple[Label, ...] = ()) -> None:
        """Adds something that is no mistake, though probably not what was meant."""
        if (code, span) not in self._seen:
            self._seen.add((code, span))
            self.warnings.append(Diagnostic(code, message, span, help=help, severity="warning", others=others))

    def mark(self) -> tuple[int, int]:
        """How much has been reported, for `rewind`."""
        return len(self.errors), len(self.warnings)

    def rewind(self, mark: tuple[int, int]) -> None:
        """Takes back what was reported since `mark`: that part of the text is checked once more."""
        for dropped in (*self.errors[mark[0] :], *self.warnings[mark[1] :]):
            self._seen.discard((dropped.code, dropped.span))
        del self.errors[mark[0] :], self.warnings[mark[1] :]

    def trace(self, mark: tuple[int, int], call: Label) -> None:
        """Adds to what was reported since `mark` the call that led there."""
        self.errors[mark[0] :] = [replace(each, others=(*each.others, call)) for each in self.errors[mark[0] :]]


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` is probably a misspelling of."""
    known = sorted(set(candidates))
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if found:
        return found[0]
    letters = sorted(name.lower())
    return next((each for each in known if sorted(each.lower()) == letters), None)


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Help for a name that nothing has, or nothing if no name comes near."""
    found = nearest(name, candidates)
    return f"did you mean `{found}`?" if found else ""


def axes_said(axes: Sequence[object]) -> str:
    """`the axis m`, `the axes m and n`, or `no axes`."""
    return f"the {'axis' if len(axes) == 1 else 'axes'} {listed(axes)}" if axes else "no axes"


def listed(names: Iterable[object], joint: str = "and") -> str:
    """`a`, `b` and `c`."""
    quoted = [f"`{each}`" for each in names]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {joint} {quoted[-1]}"
