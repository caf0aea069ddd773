"""Whether stores write every element of a result exactly once: as a proof about sizes, or as a fact about numbers.

Each store writes a box: along each dimension the positions start, start + step, ..., of which there are count. Several
terms come to such a row if they nest like digits: `g * R + r` has the row 0, 1, ... of G * R.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import gcd

from tilery.dsl import sizes
from tilery.dsl.errors import Diagnostic, Label
from tilery.dsl.program import AffineIndex, AxisIndex, Index, Size, Tensor
from tilery.dsl.report import listed
from tilery.dsl.spans import Span

MOST_STORES = 512
"""Of more stores into one result each pair is not compared."""


@dataclass(frozen=True, slots=True)
class Written:
    """Where one store writes."""

    index: tuple[Index, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Row:
    """Positions start, start + step, ..., `count` of them."""

    start: Size
    step: Size
    count: Size


Box = Sequence[Row]


class Undecided:
    """It depends on sizes that are not known yet."""


UNDECIDED = Undecided()
Verdict = Diagnostic | Undecided | None
"""What is wrong; or that it depends; or None: every element is written exactly once."""


def verdict(result: Tensor, stores: Sequence[Written], shape: Sequence[Size]) -> Verdict:
    """What is to be said of the stores that write `result`, of which `shape` gives the extents."""
    boxes: list[Box] = []
    for each in stores:
        rows = [row_of(index) for index in each.index]
        for index, row in zip(each.index, rows, strict=True):
            if row is None:
                return collision(result, each, index, shape)
        boxes.append([row for row in rows if row is not None])
    if len(boxes) == 1:
        return _alone(result, stores[0], boxes[0], shape)
    return _together(result, stores, boxes, shape)


def nests(index: Index) -> bool:
    """False where an index is sure to name one place twice; where that depends on sizes, it is not."""
    if not isinstance(index, AffineIndex) or row_of(index) is not None:
        return True
    strides = [stride for _, stride in index.terms]
    known = all(isinstance(each, int) for axis, stride in index.terms for each in (axis.size, stride))
    return not (known or len(set(strides)) < len(strides))


def row_of(index: Index) -> Row | None:
    """The positions of an index; None if its terms do not nest."""
    if isinstance(index, AxisIndex):
        return Row(0, 1, index.axis.size)
    if not isinstance(index, AffineIndex):
        return None
    start, waiting = index.offset, list[tuple[Size, Size]]()
    for axis, stride in index.terms:
        if axis.size == 1:
            continue
        if sizes.positive(sizes.minus(0, stride)):
            start = sizes.plus(start, sizes.times(stride, sizes.minus(axis.size, 1)))
            stride = sizes.minus(0, stride)
        waiting.append((stride, axis.size))
    return _nested(start, waiting)


def _nested(start: Size, terms: list[tuple[Size, Size]]) -> Row | None:
    if not terms:
        return Row(start, 1, 1)
    for first in terms:
        step, count = first
        rest = [each for each in terms if each is not first]
        while outer := next((each for each in rest if each[0] == sizes.times(step, count)), None):
            count = sizes.times(count, outer[1])
            rest.remove(outer)
        if not rest:
            return Row(start, step, count)
    return None


def _known(shape: Sequence[Size]) -> bool:
    return all(isinstance(size, int) for size in shape)


def collision(result: Tensor, store: Written, index: Index, shape: Sequence[Size]) -> Verdict:
    """What is to be said of an index whose terms do not nest."""
    assert isinstance(index, AffineIndex)
    numbers = all(isinstance(each, int) for axis, stride in index.terms for each in (axis.size, stride))
    simple = all(isinstance(stride, int) for _, stride in index.terms) and len({stride for _, stride in index.terms}) == 1
    if not (_known(shape) and numbers) and not simple:
        return UNDECIDED
    names = listed(axis.name for axis, _ in index.terms)
    what = f"different steps of {names} write the same element of `{result.name}`, or leave some unwritten between them"
    help = "positions made of several variables must nest like digits: `g * R + r` with `r of R`"
    return Diagnostic("TK433", what, store.span, help=help)


def _alone(result: Tensor, store: Written, box: Box, shape: Sequence[Size]) -> Verdict:
    undecided = False
    for position, (row, size) in enumerate(zip(box, shape, strict=True)):
        stepping = row.step != 1 and row.count != 1
        if row.start == 0 and not stepping and row.count == size:
            continue
        found = _gap(row, size)
        if found is None:
            undecided = True
            continue
        what = f"{found} along dimension {position + 1}, which is `{result.shape[position]}`"
        others = (Label(result.span, f"every element of a {result.role} is written"),)
        return Diagnostic("TK438", f"this store leaves elements of `{result.name}` unwritten: {what}", store.span, others=others)
    return UNDECIDED if undecided else None


def _gap(row: Row, size: Size) -> str | None:
    """What is wrong with one row of positions, None if that depends on sizes."""
    if sizes.positive(row.start):
        return f"it starts at {row.start}"
    if isinstance(row.step, int) and row.step > 1 and sizes.positive(sizes.minus(row.count, 1)):
        return f"it writes one position in {row.step}"
    end = sizes.plus(row.start, row.count)
    if row.step != 1 and sizes.positive(sizes.minus(size, end)):
        return f"it writes one position in {row.step}"
    if sizes.positive(sizes.minus(size, end)) or sizes.positive(sizes.minus(end, size)):
        return f"it covers {row.start} to {sizes.minus(end, 1)}"
    if isinstance(end, int) and isinstance(size, int):
        return f"it covers {row.start} to {end - 1}"
    return None


# --- several stores ---------------------------------------------------------------------------------------------------


def _together(result: Tensor, stores: Sequence[Written], boxes: Sequence[Box], shape: Sequence[Size]) -> Verdict:
    """Boxes apart from each other, inside, and as large together as the result cover it exactly."""
    if len(stores) > MOST_STORES:
        return UNDECIDED
    undecided = False
    for (one, a), (other, b) in combinations(zip(stores, boxes, strict=True), 2):
        if a == b or (numeric(a) and numeric(b) and not apart(a, b)):
            others = (Label(one.span, "written here"),)
            return Diagnostic(
                "TK424", f"elements of the {result.role} `{result.name}` are written a second time", other.span, others=others
            )
        undecided = undecided or not apart(a, b)
    total: Size = 0
    for box in boxes:
        total = sizes.plus(total, _product([row.count for row in box]))
    if total == _product(shape) and all(_inside(box, shape) for box in boxes):
        return UNDECIDED if undecided else None
    if not (_known(shape) and all(map(numeric, boxes))):
        return UNDECIDED
    beside = tuple(Label(each.span, "and this one") for each in stores[1:4])
    what = f"these stores leave elements of `{result.name}` unwritten, or write outside it"
    return Diagnostic("TK438", what, stores[0].span, others=beside)


def numeric(box: Box) -> bool:
    """Whether a box is known in numbers."""
    return all(isinstance(each, int) for row in box for each in (row.start, row.step, row.count))


def _product(factors: Sequence[Size]) -> Size:
    total: Size = 1
    for each in factors:
        total = sizes.times(total, each)
    return total


def _inside(box: Box, shape: Sequence[Size]) -> bool:
    for row, size in zip(box, shape, strict=True):
        last = sizes.plus(row.start, sizes.times(row.step, sizes.minus(row.count, 1)))
        if not (sizes.never_negative(row.start) and sizes.positive(sizes.minus(size, last))):
            return False
    return True


def apart(a: Box, b: Box) -> bool:
    """Whether two boxes are shown to share no element: along one dimension their rows share no position."""
    return any(_rows_apart(one, other) for one, other in zip(a, b, strict=True))


def _rows_apart(a: Row, b: Row) -> bool:
    for one, other in ((a, b), (b, a)):
        last = sizes.plus(one.start, sizes.times(one.step, sizes.minus(one.count, 1)))
        if sizes.positive(sizes.minus(other.start, last)):
            return True
    if not all(isinstance(each, int) for each in (a.start, b.start, a.step, b.step)):
        return False
    assert isinstance(a.start, int) and isinstance(b.start, int) and isinstance(a.step, int) and isinstance(b.step, int)
    common = gcd(a.step, b.step)
    if (a.start - b.start) % common:
        return True
    return isinstance(a.count, int) and isinstance(b.count, int) and _first_shared(a, b) is None


def _first_shared(a: Row, b: Row) -> int | None:
    """The first position that two rows of numbers share, by the Chinese remainder theorem."""
    p, q, m, n = a.start, b.start, a.step, b.step
    assert isinstance(p, int) and isinstance(q, int) and isinstance(m, int) and isinstance(n, int)
    assert isinstance(a.count, int) and isinstance(b.count, int)
    common = gcd(m, n)
    inverse = pow(m // common, -1, n // common) if n != common else 0
    shared = p + m * ((q - p) // common * inverse % (n // common))
    period = m * n // common
    start = max(p, q)
    shared += -(-(start - shared) // period) * period if shared < start else 0
    last = min(p + m * (a.count - 1), q + n * (b.count - 1))
    return shared if shared <= last else None
