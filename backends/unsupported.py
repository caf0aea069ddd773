"""What a backend does not execute yet: one clear error, with its place, before anything is made of a kernel."""

from __future__ import annotations

from collections.abc import Iterator

from ..dsl.errors import TileryError
from ..dsl.program import AffineIndex, ForLoop, GatherIndex, Kernel, Load, Scan, Statement, Store, TileLoop, walk
from ..dsl.spans import Span


class Unsupported(TileryError):
    """A construct of the language that a backend has no way to run."""


MISSING: dict[str, frozenset[str]] = {
    "emulator": frozenset(),
    "engine": frozenset(),
    "reference": frozenset(),
}
"""What each backend cannot do; an entry goes as soon as it can."""

SAID = {
    "shifted": "a shifted or strided position, `x[2 * p + 1]`,",
    "gathered": "a position that data decide, `x[ids[m]]`,",
    "filled": "`else` in brackets",
    "added": "adding to a result, `+=`,",
    "scan": "a scan, `cumsum` or `cummax`,",
    "nested": "a loop over the tile of another, `k of m`,",
}


def refuse_unsupported(kernel: Kernel, backend: str) -> None:
    """Raises Unsupported for the first construct in a kernel's body that `backend` cannot execute."""
    _refuse(kernel.body, backend)
    if backend == "emulator":  # whose results are compared with it
        _refuse(kernel.reference, "reference")


def _refuse(statements: tuple[Statement, ...], backend: str) -> None:
    for span, construct in _constructs(statements):
        if construct in MISSING[backend]:
            raise Unsupported(f"{span}: {SAID[construct]} is not supported by the {backend} yet\n{span.excerpt()}")


def _constructs(statements: tuple[Statement, ...]) -> Iterator[tuple[Span, str]]:
    for each in walk(statements):
        match each:
            case Load():
                yield from _indices(each, each.result.span)
                if each.fill is not None:
                    yield each.result.span, "filled"
            case Store():
                yield from _indices(each, each.span)
                if each.accumulate:
                    yield each.span, "added"
            case Scan():
                yield each.result.span, "scan"
            case TileLoop(variables=variables):
                yield from ((one.span, "nested") for one in variables if one.axis.parent)
            case ForLoop(variable=one) if one.axis.parent:
                yield one.span, "nested"


def _indices(access: Load | Store, span: Span) -> Iterator[tuple[Span, str]]:
    for each in access.index:
        if isinstance(each, AffineIndex):
            yield span, "shifted"
        elif isinstance(each, GatherIndex):
            yield span, "gathered"
