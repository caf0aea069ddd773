"""Reads of a tensor that the kernel updates in place, and stores into it, in one phase.

A step may read what it writes itself, before it does. All else that is written in a phase is there from the next phase on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tilery.dsl.errors import Diagnostic, Label
from tilery.dsl.program import AxisIndex, CountedLoop, ForLoop, If, Index, Load, Size, Statement, Store, Tensor, TileLoop
from tilery.dsl.spans import Span

from ..context import Context
from .covers import Written
from .overlaps import once, surely_apart


@dataclass(frozen=True, slots=True)
class _Access:
    """A load or a store with the block that it stands in, and its place there."""

    what: Load | Store
    block: tuple[int, ...]
    place: int


def check_updated(c: Context, tensor: Tensor, stretches: Sequence[tuple[Statement, ...]]) -> None:
    """Reports what depends on the order of steps."""
    phases = [[each for each in _accesses(statements) if each.what.tensor.name == tensor.name] for statements in stretches]
    for number, found in enumerate(phases):
        stores = [each for each in found if isinstance(each.what, Store)]
        later = any(isinstance(each.what, Store) for phase in phases[number + 1 :] for each in phase)
        for each in found:
            if isinstance(each.what, Load):
                _check_read(c, tensor, each, each.what, stores)
                if later and not isinstance(stretches[number][0], TileLoop):
                    _early(c, tensor, each.what)
        _check_stores(c, tensor, [each.what for each in stores if isinstance(each.what, Store)])


def _check_read(c: Context, tensor: Tensor, access: _Access, read: Load, stores: Sequence[_Access]) -> None:
    for each in stores:
        store = each.what
        mine = (
            _same_places(read.index, store.index)
            and each.block == access.block
            and access.place < each.place
            and not _folds(store)
        )
        if mine or surely_apart(read.index, store.index):
            continue
        what = f"`{tensor.name}` is read here while other steps write to it"
        help = (
            "a step may read what it writes itself, `x[m, n]` for `x[m, n] = ...`, before it does; else read it in another `tile`"
        )
        c.report.error("TK452", what, read.result.span, help=help, others=(Label(_span(store), "written here"),))
        return


def _same_places(one: tuple[Index, ...], other: tuple[Index, ...]) -> bool:
    """Whether two indices of one tensor mean the same elements: a whole dimension may go by two names."""

    def place(index: Index) -> Index | Size:
        return index.axis.size if isinstance(index, AxisIndex) and index.axis.whole else index

    return [place(each) for each in one] == [place(each) for each in other]


def _span(access: Load | Store) -> Span:
    return access.span if isinstance(access, Store) else access.result.span


def _folds(store: Load | Store) -> bool:
    return isinstance(store, Store) and store.accumulate


def _early(c: Context, tensor: Tensor, read: Load) -> None:
    what = f"`{tensor.name}` is read outside of any `tile`, and a later one writes to it"
    c.report.error("TK452", what, read.result.span, help=f"read `{tensor.name}` in the `tile` that needs it")


def _check_stores(c: Context, tensor: Tensor, stores: Sequence[Store]) -> None:
    """Stores of one phase fold alike, or write apart."""
    for one, other in pairwise(stores):
        if (one.accumulate, one.fn) != (other.accumulate, other.fn) and not surely_apart(one.index, other.index):
            what = f"`{tensor.name}` is written in two ways in one phase, in no certain order"
            others = (Label(one.span, "and here"),)
            c.report.error("TK453", what, other.span, help="write it in a `tile` of its own, after this one", others=others)
            return
    found = once(tensor, [Written(each.index, each.span) for each in stores if not each.accumulate], tensor.shape)
    if isinstance(found, Diagnostic):
        c.report.error(found.code, found.message, found.span, found.note, found.help, found.others)


def _accesses(statements: Sequence[Statement], block: tuple[int, ...] = ()) -> Iterator[_Access]:
    for place, each in enumerate(statements):
        match each:
            case Load() | Store():
                yield _Access(each, block, place)
            case TileLoop() | ForLoop() | CountedLoop():
                yield from _accesses(each.body, (*block, place))
            case If():
                yield from _accesses(each.condition, (*block, place, 0))
                yield from _accesses(each.then, (*block, place, 1))
                yield from _accesses(each.otherwise, (*block, place, 2))
