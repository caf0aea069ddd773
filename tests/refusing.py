"""The error of a configuration that a made-up model cannot hold."""

from tilery.backends.machine.errors import Infeasible
from tilery.dsl.errors import Diagnostic
from tilery.dsl.spans import Source, Span


def too_large() -> Infeasible:
    place = Span(Source("a.tk", "kernel f:\n"), 1, 1, 1, 7)
    return Infeasible(Diagnostic("TK501", "too large", place), "sbuf", 1.0)
