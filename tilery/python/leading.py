"""`x: T[..., N]`: the axes that `...` stands for become one at the door of a call, and several again in its results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

from numpy.typing import NDArray

from tilery.dsl.errors import UsageError
from tilery.dsl.program import LEADING, Signature, Tensor

Array = NDArray[Any]


def folded(tensors: Iterable[Tensor], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays with one axis for `...`: views of those that lie in one piece, copies of others."""
    return {each.name: _folded(each, arrays[each.name]) for each in tensors}


def _folded(tensor: Tensor, array: Array) -> Array:
    if LEADING not in tensor.written:
        return array
    at = tensor.written.index(LEADING)
    end = at + array.ndim - len(tensor.written) + 1
    return array.reshape(*array.shape[:at], prod(array.shape[at:end]), *array.shape[end:])


def unfolded(signature: Signature, results: Mapping[str, Array], leading: tuple[int, ...]) -> Mapping[str, Array]:
    """The results with the axes that the call had for `...`."""
    if not any(LEADING in each.written for each in signature.results):
        return results
    return {each.name: _unfolded(each, results[each.name], leading) for each in signature.results}


def _unfolded(tensor: Tensor, array: Array, leading: tuple[int, ...]) -> Array:
    if LEADING not in tensor.written:
        return array
    at = tensor.written.index(LEADING)
    return array.reshape(*array.shape[:at], *leading, *array.shape[at + 1 :])


def folded_results(signature: Signature, arrays: Mapping[str, Array], leading: tuple[int, ...], what: str) -> dict[str, Array]:
    """Arrays that are given for results, one axis for `...`; UsageError where they have others there than the arguments.

    `what` is what they are, for messages.
    """
    given = [each for each in signature.results if each.name in arrays]
    for each in given:
        if LEADING not in each.written:
            continue
        at, shape = each.written.index(LEADING), arrays[each.name].shape
        found = shape[at : at + len(leading)]
        if len(shape) != len(each.written) - 1 + len(leading) or found != leading:
            said = f"`...` is {list(leading)} in the arguments"
            raise UsageError(f"{what} {each.name}: [{each.dimensions_text}] has the shape {list(shape)}, and {said}")
    return folded(given, arrays)
