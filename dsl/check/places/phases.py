"""What a kernel reads of the tensors that it writes itself: only what is sure to be there.

The steps of a `tile` come in any order, on several cores at once. What one step writes, another can read in a later phase.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tilery.dsl.errors import Label
from tilery.dsl.program import CountedLoop, If, Load, Statement, Store, Tensor, TileLoop, walk

from ..context import Context
from .updated import check_updated


@dataclass(slots=True)
class _Touched:
    """What reads and writes one tensor, each with the number of its phase, in the order of the text."""

    reads: list[tuple[int, Load]] = field(default_factory=list)
    writes: list[tuple[int, Store]] = field(default_factory=list)


def check_phases(c: Context, body: Sequence[Statement]) -> None:
    """Reports every read of a `temp` that may come before what it reads is written, and a `temp` that nothing reads."""
    stretches = list(_stretches(body))
    for tensor in c.signature.results:
        if tensor.role == "inout":
            check_updated(c, tensor, stretches)
    for temp in c.signature.temps:
        touched = _touched(temp, stretches)
        for phase, read in touched.reads:
            _check_temp(c, temp, phase, read, touched.writes)
        if c.constants is None and touched.writes and not touched.reads:
            c.report.warn("TK295", f"the temp `{temp.name}` is written and never read", temp.span)


def _stretches(body: Sequence[Statement]) -> Iterator[tuple[Statement, ...]]:
    """The statements of each phase: a `tile` directly in the kernel, or what stands between two."""
    between: list[Statement] = []
    for each in _opened(body):
        if isinstance(each, TileLoop):
            yield tuple(between)
            between = []
            yield (each,)
        else:
            between.append(each)
    yield tuple(between)


def _opened(body: Sequence[Statement]) -> Iterator[Statement]:
    """The statements directly in a kernel; branches and counted steps one after the other."""
    for each in body:
        match each:
            case If():
                yield from _opened((*each.condition, *each.then, *each.otherwise))
            case CountedLoop():
                yield from _opened(each.body)
            case _:
                yield each


def _touched(tensor: Tensor, stretches: Sequence[tuple[Statement, ...]]) -> _Touched:
    found = _Touched()
    for phase, statements in enumerate(stretches):
        for each in walk(statements):
            if isinstance(each, Load) and each.tensor.name == tensor.name:
                found.reads.append((phase, each))
            elif isinstance(each, Store) and each.tensor.name == tensor.name:
                found.writes.append((phase, each))
    return found


def _check_temp(c: Context, temp: Tensor, phase: int, read: Load, writes: Sequence[tuple[int, Store]]) -> None:
    late = next((store for when, store in writes if when >= phase), None)
    if late is None:
        return  # nothing writes it at all: `check_coverage` says so
    name, others = temp.name, (Label(late.span, "written here"),)
    if any(when == phase for when, _ in writes):
        what = f"`{name}` is read in the phase that writes it, whose other steps may not have come yet"
        help = f"read `{name}` in a `tile` after this one, and here the value that is stored"
    else:
        what = f"`{name}` is read before all of it is written"
        help = f"write all of `{name}` in a `tile` before this one"
    c.report.error("TK450", what, read.result.span, help=help, others=others)
