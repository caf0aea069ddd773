"""An argument declared `distinct` has no more elements than the dimension that it chooses places of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from tilery.dsl import sizes
from tilery.dsl.errors import Diagnostic, SourceErrors
from tilery.dsl.program import GatherIndex, Load, Program, Size, Store, Tensor, size_value, walk

from .outside import Condition


def room_conditions(kernel: Program) -> Iterator[Condition]:
    """What the sizes of a specialised kernel must satisfy so that there can be such arguments."""
    everything = tuple(walk((*kernel.reference, *kernel.body)))
    distinct = {each.result: each.tensor for each in everything if isinstance(each, Load) and each.tensor.distinct}
    seen: set[tuple[str, Size]] = set()
    for each in everything:
        if not isinstance(each, Load | Store):
            continue
        for index, size in zip(each.index, each.tensor.shape, strict=True):
            chooser = distinct.get(index.value) if isinstance(index, GatherIndex) else None
            if chooser is not None and (chooser.name, size) not in seen:
                seen.add((chooser.name, size))
                names = frozenset(name for one in (size, *chooser.shape) for name in sizes.names_in(one))
                yield Condition(names, partial(_check_room, chooser, size))


def _check_room(tensor: Tensor, size: Size, dims: Mapping[str, int]) -> None:
    count, there = 1, size_value(size, dims)
    for each in tensor.shape:
        count *= size_value(each, dims)
    if count > there:
        what = f"`{tensor.name}` is declared `distinct` and has {count} elements, and `{size}` has the positions 0..{there - 1}"
        raise SourceErrors(
            [Diagnostic("TK454", what, tensor.span, help=f"`require` what its sizes are, as `require S <= {size}`")]
        )
