"""No configuration wins unchecked: a finalist is executed on a small ragged shape and compared with the reference."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tilery.backends import emulator, engine
from tilery.backends.chips import Chip
from tilery.backends.operations.numerics import Array, numpy_dtype
from tilery.backends.truth import data
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.comparison import Comparison
from tilery.backends.truth.reference import reference
from tilery.backends.tunable import Config, retuned
from tilery.dsl import program

from ..model.lowered import lowered
from ..model.protocol import Refused
from ..results.adapt import adapt, shrunk_to_fit
from ..space.tile_choices import tile_sizes
from .small_shape import MOST_WORK, small_dims
from .verification import Verification


def verify(
    kernel: program.Program, dims: Mapping[str, int], chip: Chip, config: Config, seed: int, most_work: float = MOST_WORK
) -> Verification:
    """Executes `config` exactly and by the emulator, on fresh inputs of a shape that its tiles do not divide.

    The shape has a product of extents of at most `most_work`, if the kernel's requirements leave one.
    Raises `TooLarge` where the kernel's requirements leave no shape that is small enough.
    """
    small = small_dims(kernel, dims, config, most_work)
    tunables = engine.tunables(kernel, small, chip)
    try:
        fitted, made = shrunk_to_fit(adapt(config, tunables), tunables, lambda candidate: lowered(kernel, small, chip, candidate))
    except Refused as error:
        return Verification(False, small, config, math.nan, math.nan, f"could not be adapted to a small shape: {error}")
    arguments = data.random_arguments(kernel, small, seed)
    chosen = retuned(kernel, fitted)
    emulated = emulator.compile(chosen, small, tile_sizes(kernel, fitted))(arguments, poisoned(kernel, small))
    # Without a reference in the text, the two ways to run the kernel are at least held against each other.
    wanted = reference(kernel, small, arguments) if kernel.reference else emulated
    exact = compare(chosen, small, engine.execute(made, arguments), wanted, arguments)
    fast = compare(chosen, small, emulated, wanted, arguments)
    worse = max(exact, fast, key=lambda each: each.max_error)
    return Verification(
        exact.ok and fast.ok,
        small,
        fitted,
        worse.max_error,
        worse.tolerance,
        _problem("exact execution", exact) or _problem("the emulator", fast),
        _unproven(exact) or _unproven(fast),
        worse.rounding_error,
        worse.worst_type,
    )


def poisoned(kernel: program.Program, dims: Mapping[str, int]) -> dict[str, Array]:
    """Results in which an element that a run forgets to write shows: all bits set, which is NaN in every float type."""
    results = {}
    for each in kernel.signature.results:
        shape = [program.size_value(size, dims) for size in each.shape]
        dtype = numpy_dtype(each.element)
        raw = np.full(math.prod(shape) * dtype.itemsize, 0xFF, np.uint8)
        results[each.name] = raw.view(dtype).reshape(shape)
    return results


def _problem(who: str, comparison: Comparison) -> str:
    return "" if comparison.ok else f"{who}: {comparison}"


def _unproven(comparison: Comparison) -> str:
    return str(comparison) if comparison.verdict == "unproven" else ""
