"""Stores of one phase into a tensor that is updated in place: they write no element twice, and need not write all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from tilery.dsl.errors import Diagnostic, Label
from tilery.dsl.program import Index, Size, Tensor

from .covers import UNDECIDED, Box, Undecided, Verdict, Written, apart, collision, numeric, row_of


def once(tensor: Tensor, stores: Sequence[Written], shape: Sequence[Size]) -> Verdict:
    """What is to be said of stores that write elements of `tensor`, whose extents `shape` gives, in steps of any order."""
    undecided = False
    for each in stores:
        for index in each.index:
            if row_of(index) is None and hasattr(index, "terms"):
                found = collision(tensor, each, index, shape)
                if isinstance(found, Diagnostic):
                    return found
                undecided = undecided or found is not None
    for one, other in combinations(stores, 2):
        a, b = box_of(one.index), box_of(other.index)
        if one.index == other.index or (a and b and numeric(a) and numeric(b) and not apart(a, b)) or not (a and b):
            what = f"elements of `{tensor.name}` may be written a second time, in no certain order"
            others = (Label(one.span, "written here"),)
            return Diagnostic("TK424", what, other.span, help="write them in a `tile` of its own, after this one", others=others)
        undecided = undecided or not apart(a, b)
    return UNDECIDED if undecided else None


def box_of(index: Sequence[Index]) -> Box | None:
    """The positions along every dimension; None where data decide, or terms do not nest."""
    rows = [row_of(each) for each in index]
    return None if None in rows else [each for each in rows if each is not None]


def surely_apart(one: Sequence[Index], other: Sequence[Index]) -> bool:
    """Whether two places are shown to share no element, whatever the steps."""
    a, b = box_of(one), box_of(other)
    return a is not None and b is not None and apart(a, b)


__all__ = ["Undecided", "once", "surely_apart"]
