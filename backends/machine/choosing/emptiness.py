"""Shapes without elements, for which a chip has nothing to do."""

from __future__ import annotations

from collections.abc import Mapping

from tilery.dsl.errors import UsageError
from tilery.dsl.program import Program, SizeOp, size_value


def check_elements(kernel: Program, dims: Mapping[str, int]) -> None:
    """Raises UsageError where a dimension has no elements: no engine program is made, timed or tuned for that."""
    tensors = (*kernel.signature.tensors, *kernel.signature.results)
    sizes = [*(size for each in tensors for size in each.shape), *(each.axis.size for each in kernel.loop_variables)]
    empty = [name for name, extent in dims.items() if extent == 0]
    empty += [str(each) for each in dict.fromkeys(sizes) if isinstance(each, SizeOp) and size_value(each, dims) == 0]
    if empty or 0 in sizes:
        which = f"`{empty[0]}` is 0" if empty else "a dimension is 0"
        raise UsageError(f"{kernel.name}: {which}, and a chip has nothing to do; calls and `tilery run` give the empty results")
