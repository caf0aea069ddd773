"""The two families of errors: a user's mistake, told with its place and its cure, and our own bug."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .spans import Span
from .visible import visible


class Portable(Exception):
    """An error that another process can be given, whatever its class is made from."""

    def __reduce__(self) -> tuple[object, ...]:
        # Python would call the class with the message alone, which fails where it takes more than that.
        return _restored, (type(self), self.args, dict(self.__dict__))


def _restored(kind: type[Portable], arguments: tuple[object, ...], attributes: dict[str, object]) -> Portable:
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    error.__dict__.update(attributes)
    return error


class TileryError(Portable):
    """A user's mistake anywhere in tilery: its text is the whole message, and no traceback is wanted."""

    exit_code = 1
    """1: the kernel, the configuration or a file is at fault; 2: the command line is."""

    def __str__(self) -> str:
        # Messages quote files, and a file may hold what steers a terminal.
        return visible(super().__str__())

    @property
    def told(self) -> str:
        """The message as a command line shows it."""
        return f"error: {self}"


class UsageError(TileryError):
    """A mistake in how a command or a function was called."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that a message points at, and what it is."""

    span: Span
    note: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake in a `.tk` text, or one thing in it that a chip cannot do or hold."""

    code: str
    """Its kind, e.g. `TK204`; one kind of mistake, one code."""
    message: str
    """What was found and what was expected, in one sentence."""
    span: Span
    note: str = ""
    """Shown beside the carets."""
    help: str = ""
    """What to write instead."""
    others: tuple[Label, ...] = ()
    """Further places, where two disagree."""
    severity: str = "error"
    """`error`, or `warning` for what is probably not meant and yet no mistake."""

    def __str__(self) -> str:
        parts = [f"{self.span}: {self.severity}[{self.code}]: {self.message}", self.span.excerpt(self.note)]
        parts += [f"{label.span}:\n{label.span.excerpt(label.note)}" for label in self.others]
        if self.help:
            parts.append(f"help: {self.help}")
        return visible("\n".join(parts))

    @property
    def fields(self) -> dict[str, object]:
        """The same for machines, as `--json` prints it. Lines and columns count from 1, the end column is exclusive."""
        return {
            "code": self.code,
            "severity": self.severity,
            "file": self.span.source.name,
            "line": self.span.line,
            "column": self.span.column,
            "end_line": self.span.end_line,
            "end_column": self.span.end_column,
            "message": self.message,
            "note": self.note,
            "help": self.help,
        }


class Diagnosed(TileryError):
    """Mistakes that each have a code, a place in a `.tk` text and a page of `tilery explain-error`."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n\n".join(str(each) for each in self.diagnostics))

    @property
    def told(self) -> str:
        """Each mistake says itself that it is one."""
        return str(self)


class SourceErrors(Diagnosed):
    """All the mistakes found in one `.tk` text."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        files = list(dict.fromkeys(each.span.source.name for each in diagnostics))
        super().__init__(
            sorted(diagnostics, key=lambda each: (files.index(each.span.source.name), each.span.line, each.span.column))
        )


class Mistakes(TileryError):
    """Mistakes in several files."""

    def __init__(self, errors: Sequence[TileryError]) -> None:
        super().__init__("\n\n".join(each.told for each in errors))
        self.exit_code = max(each.exit_code for each in errors)

    @property
    def told(self) -> str:
        """Each mistake says itself that it is one."""
        return str(self)
