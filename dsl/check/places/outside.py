"""Positions that fall outside a tensor: what is sure before any size is known, and the whole truth once all are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tilery.dsl import sizes
from tilery.dsl.errors import Diagnostic, Label, SourceErrors
from tilery.dsl.program import (
    AffineIndex,
    Axis,
    AxisIndex,
    Cut,
    Index,
    Insert,
    Load,
    Program,
    Reduce,
    Size,
    Statement,
    Store,
    Tensor,
    size_value,
    walk,
)
from tilery.dsl.report import listed
from tilery.dsl.spans import Span

from .covers import Written, nests, verdict
from .overlaps import once


def outside(index: AffineIndex, size: Size, known: set[str]) -> str | None:
    """How an index is sure to leave a dimension, in words; None if it may stay inside.

    `known` are the names that stand for at least one element; others may be anything.
    """
    try:
        return _outside(index, size, known)
    except sizes.Unwieldy:
        return None


def _outside(index: AffineIndex, size: Size, known: set[str]) -> str | None:
    low, high = _range(index)
    if low is not None and known.issuperset(sizes.names_in(low)) and sizes.positive(sizes.minus(0, low)):
        return f"starts at {low}"
    if high is None or not known.issuperset([*sizes.names_in(high), *sizes.names_in(size)]):
        return None
    return f"reaches {high}" if sizes.never_negative(sizes.minus(high, size)) else None


def _range(index: AffineIndex) -> tuple[Size | None, Size | None]:
    """The smallest and the largest position, None where that depends on sizes."""
    low: Size | None = index.offset
    high: Size | None = index.offset
    for axis, stride in index.terms:
        last = sizes.times(stride, sizes.minus(axis.size, 1))
        if sizes.never_negative(stride):
            high = None if high is None else sizes.plus(high, last)
        elif sizes.never_negative(sizes.minus(0, stride)):
            low = None if low is None else sizes.plus(low, last)
        else:
            low = high = None
    return low, high


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that the sizes of a specialised kernel must satisfy."""

    names: frozenset[str]
    """The dimensions that it depends on."""
    check: Callable[[Mapping[str, int]], None]
    """Raises the error to be shown if sizes, at least those of `names`, do not satisfy it."""


def check_bounds(kernel: Program, dims: Mapping[str, int]) -> None:
    """Raises SourceErrors where a specialised kernel of these sizes reads or writes outside, or not every element once."""
    for each in bounds_conditions(kernel):
        each.check(dims)


def bounds_conditions(kernel: Program) -> Iterator[Condition]:
    """No extent is negative, every read lies inside its tensor, and every element of a result is written once."""
    for tensor in kernel.signature.memory:
        for size in tensor.shape:
            yield Condition(_names(size), partial(_check_some, tensor, size))
    for name, named in kernel.signature.derived:
        if name in kernel.signature.named:
            yield Condition(_names(named), partial(_check_axis, kernel, name, named))
    for statements in (kernel.reference, kernel.body):
        for each in walk(statements):
            # A store without `+=` writes every element exactly once, so none outside: `_check_written`.
            if isinstance(each, Reduce) and each.fn in ("argmax", "argmin"):
                yield from (Condition(_names(axis.size), partial(_check_place, each, axis)) for axis in each.axes)
            if (isinstance(each, Load | Cut) and each.fill is None) or (isinstance(each, Store) and _anywhere(each)):
                yield from _inside_conditions(kernel, each)
            elif isinstance(each, Insert):
                yield from _inside_conditions(kernel, each)
                yield from _apart_conditions(each)
        yield from _written_conditions(kernel, statements)


def _anywhere(store: Store) -> bool:
    """Whether a store need not write every element, so that nothing else says that it stays inside."""
    return store.accumulate or store.tensor.role == "inout"


def _names(*given: Size) -> frozenset[str]:
    return frozenset(name for size in given for name in sizes.names_in(size))


def _index_names(index: Index) -> frozenset[str]:
    match index:
        case AxisIndex(axis):
            return _names(axis.size)
        case AffineIndex(terms, offset):
            return _names(offset, *(size for axis, stride in terms for size in (axis.size, stride)))
        case _:
            return frozenset()


def _check_some(tensor: Tensor, size: Size, dims: Mapping[str, int]) -> None:
    if size_value(size, dims) < 0:
        what = f"`{tensor.name}` has less than no elements: `{size}` is {size_value(size, dims)}"
        raise SourceErrors([Diagnostic("TK327", what + _where(dims, size), tensor.span)])


def _check_axis(kernel: Program, name: str, size: Size, dims: Mapping[str, int]) -> None:
    if size_value(size, dims) < 0:
        what = f"the axis `{name}` has less than no elements: `{size}` is {size_value(size, dims)}"
        raise SourceErrors([Diagnostic("TK327", what + _where(dims, size), kernel.span)])


Access = Load | Store | Cut | Insert


def _accessed(access: Access) -> tuple[str, tuple[Size, ...]]:
    """The name of the tensor or the tile of which places are read or written, and its extents."""
    if isinstance(access, Load | Store):
        return access.tensor.name, access.tensor.shape
    return access.tile.name, tuple(axis.size for axis in access.tile.axes)


def _check_place(op: Reduce, axis: Axis, dims: Mapping[str, int]) -> None:
    if size_value(axis.size, dims) < 1:
        what = f"`{op.fn}` gives a place, and there is none: `{axis.size}` is 0"
        raise SourceErrors([Diagnostic("TK329", what + _where(dims, axis.size), op.result.span)])


def _inside_conditions(kernel: Program, access: Access) -> Iterator[Condition]:
    for each, size in zip(access.index, _accessed(access)[1], strict=True):
        if isinstance(each, AffineIndex):
            yield Condition(_names(size) | _index_names(each), partial(_check_inside, kernel, access, each, size))


def _check_inside(kernel: Program, access: Access, index: AffineIndex, size: Size, dims: Mapping[str, int]) -> None:
    numbers = _numbers(index, dims)
    extent = size_value(size, dims)
    if any(size_value(axis.size, dims) < 1 for axis, _ in index.terms):
        return  # a loop without steps touches nothing
    low, high = _range(numbers)
    assert isinstance(low, int) and isinstance(high, int)
    if low >= 0 and high < extent:
        return
    name = _accessed(access)[0]
    done = "read" if isinstance(access, Load | Cut) else "written" if isinstance(access, Insert) else "added to"
    what = f"`{name}` is {done} at {low}..{high}, and `{size}` has the positions 0..{extent - 1}"
    others = _loops(kernel, [index])
    given = _where(dims, size, *(axis.size for axis, _ in index.terms))
    span, help = _remedy(access)
    raise SourceErrors([Diagnostic("TK324", what + given, span, "", help, others)])


def _apart_conditions(insert: Insert) -> Iterator[Condition]:
    """No place of a tile is written twice at once."""
    for each in insert.index:
        if isinstance(each, AffineIndex) and len(each.terms) > 1:
            yield Condition(_index_names(each), partial(_check_apart, insert, each))


def _check_apart(insert: Insert, index: AffineIndex, dims: Mapping[str, int]) -> None:
    if not nests(_numbers(index, dims)):
        what = f"different steps of {listed(axis for axis, _ in index.terms)} write the same place of `{insert.tile.name}`"
        sizes_said = _where(dims, *(size for axis, stride in index.terms for size in (axis.size, stride)))
        raise SourceErrors([Diagnostic("TK463", what + sizes_said, insert.result.span)])


def _remedy(access: Access) -> tuple[Span, str]:
    name = _accessed(access)[0]
    if isinstance(access, Load | Cut):
        return access.result.span, f"say what positions outside read as: `{name}[..., else 0]`"
    if isinstance(access, Insert):
        return access.result.span, f"let `{name}` have an axis with room for every place"
    return access.span, f"give `{name}` room for every position in its shape, as in `{name}: T[N + S - 1]`"


def _numbers(index: AffineIndex, dims: Mapping[str, int]) -> AffineIndex:
    """The index with every size a number."""
    terms = tuple((_sized(axis, dims), size_value(stride, dims)) for axis, stride in index.terms)
    return AffineIndex(terms, size_value(index.offset, dims))


def _sized(axis: Axis, dims: Mapping[str, int]) -> Axis:
    return replace(axis, size=size_value(axis.size, dims))


def _written_conditions(kernel: Program, statements: Sequence[Statement]) -> Iterator[Condition]:
    stores = [each for each in walk(tuple(statements)) if isinstance(each, Store)]
    for result in (*kernel.signature.results, *kernel.signature.temps):
        mine = [each for each in stores if each.tensor.name == result.name]
        if result.role == "inout":
            yield from _updating_conditions(kernel, result, mine)
        elif mine and not any(each.accumulate for each in mine):
            names = _names(*result.shape).union(*(_index_names(index) for each in mine for index in each.index))
            yield Condition(names, partial(_check_written, kernel, result, mine))


def _updating_conditions(kernel: Program, tensor: Tensor, stores: Sequence[Store]) -> Iterator[Condition]:
    """Of a tensor that is updated in place: the stores of one phase write no element twice."""
    for phase in {each.tensor.phase for each in stores} - {0}:
        mine = [each for each in stores if each.tensor.phase == phase and not each.accumulate]
        names = _names(*tensor.shape).union(*(_index_names(index) for each in mine for index in each.index))
        if mine:
            yield Condition(names, partial(_check_written, kernel, tensor, mine))


def _check_written(kernel: Program, result: Tensor, stores: Sequence[Store], dims: Mapping[str, int]) -> None:
    shape = [size_value(size, dims) for size in result.shape]
    written = [Written(tuple(_number(one, dims) for one in each.index), each.span) for each in stores]
    found = (once if result.role == "inout" else verdict)(result, written, shape)
    if isinstance(found, Diagnostic):
        others = (*found.others, *_loops(kernel, stores[0].index))
        raise SourceErrors([replace(found, message=found.message + _where(dims, *result.shape), others=others)])


def _number(index: Index, dims: Mapping[str, int]) -> Index:
    match index:
        case AxisIndex(axis):
            return AxisIndex(_sized(axis, dims))
        case AffineIndex():
            return _numbers(index, dims)
        case _:
            return index


def _loops(kernel: Program, index: Sequence[Index]) -> tuple[Label, ...]:
    """The loops whose variables stand in an index."""
    names = {axis.name for each in index if isinstance(each, AffineIndex) for axis, _ in each.terms}
    found = [each for each in kernel.loop_variables if each.axis.name in names]
    return tuple(Label(each.span, f"`{each.axis}` runs over `{each.axis.size}`") for each in found)


def _where(dims: Mapping[str, int], *given: Size) -> str:
    """` (H = 5, W = 7)` for the names in sizes."""
    names = dict.fromkeys(name for size in given for name in sizes.names_in(size) if name in dims)
    return f" ({', '.join(f'{name} = {dims[name]}' for name in names)})" if names else ""
