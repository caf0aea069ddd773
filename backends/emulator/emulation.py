"""A compiled emulation, and calling it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import count

import numpy as np

from tilery.dsl import program
from tilery.dsl.errors import UsageError
from tilery.dsl.types import ElementType

from ..operations import numerics
from ..operations.numerics import Array
from ..showing import Show
from .frame import Frame
from .given_tiles import tile_sizes
from .planning.plan import Plan, plan
from .stepping.stepwise import step_through
from .workers import WORKERS, Turns

SCRATCH_BYTES = 256 << 20
WORTH_SHARING = 1 << 18
"""Elements of a tensor from which several workers convert it."""


class Emulation:
    """A kernel at one shape with one set of tile sizes, compiled to numpy. Calls from several threads take turns."""

    def __init__(
        self,
        kernel: program.Program,
        dims: Mapping[str, int],
        tiles: Mapping[str, int],
        made: Plan | None,
        show: Show | None = None,
    ) -> None:
        self.kernel = kernel
        self.dims = dict(dims)
        self.tiles = dict(tiles)
        self.plan = made
        """None: the kernel is executed step by step."""
        self.show = show
        memory = kernel.signature.memory
        self.shapes = {each.name: tuple(program.size_value(size, dims) for size in each.shape) for each in memory}
        stores = (each for each in program.walk(kernel.body) if isinstance(each, program.Store))
        self._added_to = frozenset(each.tensor.name for each in stores if each.accumulate)
        self._frames: list[Frame] = []
        self._converted: dict[str, Array] = {}
        self._temps: dict[str, Array] = {}
        self._turn = Turns()

    def __call__(self, arguments: Mapping[str, Array | float], out: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """The results by name, in storage types; new arrays, or those of `out`, every element of which is written.

        Arguments by name: tensors in storage types (bf16 and fp8 as `ml_dtypes` arrays) with any strides, run-time scalars as
        numbers; a scalar with a default may be left out. UsageError if one is missing or does not fit.
        """
        signature = self.kernel.signature
        tensors = {each.name: self._checked(each, arguments) for each in signature.tensors}
        scalars = {each.name: _scalar(self.kernel, each, arguments) for each in signature.scalars}
        _refuse_unknown(self.kernel, arguments)
        results = {each.name: self._result(each, out, tensors) for each in signature.results}
        if self.plan is None:
            return step_through(self.kernel, self.dims, self.tiles, {**tensors, **scalars}, into=results, show=self.show)
        with self._turn, np.errstate(all="ignore"):
            temps = {each.name: self._temp(each) for each in signature.temps}
            updated = {each.name: results[each.name] for each in signature.results if each.role == "inout"}
            read = {**tensors, **updated, **temps, **self._convert(self.plan, tensors)}
            self._run(self.plan, read, scalars, {**results, **temps})
        return results

    @property
    def sizes(self) -> Mapping[str, int]:
        """The number of positions that each tile axis covers in one step."""
        return self.plan.sizes if self.plan else self.tiles

    def check_results(self, out: Mapping[str, Array]) -> None:
        """Raises UsageError where an array is not what a result needs."""
        for each in self.kernel.signature.results:
            self._fitting(each, out[each.name], "result")

    def _checked(self, tensor: program.Tensor, arguments: Mapping[str, Array | float]) -> Array:
        if tensor.name not in arguments:
            raise UsageError(f"kernel {self.kernel.name}: argument {tensor.name} is missing")
        return self._fitting(tensor, arguments[tensor.name], "argument")

    def _fitting(self, tensor: program.Tensor, array: object, what: str) -> Array:
        name = f"kernel {self.kernel.name}: {what} {tensor.name}"
        if not isinstance(array, np.ndarray):
            raise UsageError(f"{name} should be an array, not {type(array).__name__}")
        wanted = numerics.numpy_dtype(tensor.element)
        if array.dtype != wanted:
            raise UsageError(f"{name} should hold {tensor.element} (numpy: {wanted}), not {array.dtype}")
        shape = self.shapes[tensor.name]
        if array.shape != shape:
            sizes = ", ".join(str(each) for each in tensor.shape)
            raise UsageError(f"{name} should have the shape {shape} of [{sizes}], not {array.shape}")
        return array

    def _result(self, tensor: program.Tensor, out: Mapping[str, Array] | None, arguments: Mapping[str, Array]) -> Array:
        if out is not None and tensor.name in out:
            array = self._fitting(tensor, out[tensor.name], "result")
        else:
            array = np.empty(self.shapes[tensor.name], numerics.numpy_dtype(tensor.element))
        if tensor.role == "inout":
            if array is not arguments[tensor.name]:
                array[...] = arguments[tensor.name]
        elif tensor.name in self._added_to:
            array[...] = 0
        return array

    def _temp(self, tensor: program.Tensor) -> Array:
        """The memory of a `temp`, the same in every call."""
        if tensor.name not in self._temps:
            self._temps[tensor.name] = np.empty(self.shapes[tensor.name], numerics.numpy_dtype(tensor.element))
        if tensor.name in self._added_to:
            self._temps[tensor.name][...] = 0
        return self._temps[tensor.name]

    def _convert(self, plan: Plan, tensors: Mapping[str, Array]) -> Mapping[str, Array]:
        for tensor in self.kernel.signature.tensors:
            if tensor.name in plan.converted:
                array = tensors[tensor.name]
                if tensor.name not in self._converted:
                    self._converted[tensor.name] = np.empty(array.shape, numerics.compute_dtype(tensor.element))
                _converted(array, tensor.element, self._converted[tensor.name], plan.workers)
        return self._converted

    def _run(self, plan: Plan, given: Mapping[str, Array], scalars: Mapping[str, float], results: Mapping[str, Array]) -> None:
        tensors = dict(given)
        while len(self._frames) < plan.workers:
            self._frames.append(plan.layout.frame())
        numbers = count()
        for frame in self._frames:
            frame.tensors, frame.scalars, frame.results, frame.numbers = tensors, scalars, results, numbers
        for step in plan.before:
            step(self._frames[0])
        if plan.workers == 1:
            _work(plan, self._frames[0])
            return
        first, *others = (partial(_work, plan, frame) for frame in self._frames)
        WORKERS.together(first, others)


def _converted(array: Array, t: ElementType, out: Array, workers: int) -> None:
    """Brings a tensor to computing form, the workers a part of it each."""
    if workers == 1 or array.size < WORTH_SHARING:
        numerics.to_compute(array, t, out)
        return
    axis = int(np.argmax(array.shape))
    parts = zip(*(np.array_split(each, workers, axis) for each in (array, out)), strict=True)
    for each in [WORKERS.submit(numerics.to_compute, part, t, place) for part, place in parts]:
        each.result()


def _work(plan: Plan, frame: Frame) -> None:
    with np.errstate(all="ignore"):  # which each thread has its own
        for step in plan.steps:
            step(frame)


def _scalar(kernel: program.Program, scalar: program.ScalarParameter, arguments: Mapping[str, Array | float]) -> float:
    value: object = arguments.get(scalar.name, scalar.default)
    if value is None:
        raise UsageError(f"kernel {kernel.name}: argument {scalar.name} is missing")
    if isinstance(value, np.ndarray | np.generic) and value.ndim == 0:
        value = value.item()
    if not isinstance(value, float | int):
        raise UsageError(f"kernel {kernel.name}: argument {scalar.name} should be a number, not {type(value).__name__}")
    return value


def _refuse_unknown(kernel: program.Program, arguments: Mapping[str, Array | float]) -> None:
    known = [each.name for each in kernel.signature.parameters]
    for name in arguments:
        if name not in known:
            raise UsageError(f"kernel {kernel.name} has no argument {name}; it has {', '.join(known)}")


def compile(
    kernel: program.Program,
    dims: Mapping[str, int],
    tiles: Mapping[str, int],
    *,
    scratch_bytes: int = SCRATCH_BYTES,
    fast_accumulate: bool = False,
    show: Show | None = None,
) -> Emulation:
    """Compiles a specialised kernel for `dims`, with `tiles` giving the size of each tile variable.

    Temporaries, and inputs held in computing form, are kept to about `scratch_bytes` in all; at the least they are what one
    element of every parallel axis needs. `fast_accumulate` lets loops that only add products up take several tiles at once: the
    products then are added in another order. `show` is called with what the kernel prints; a kernel that prints is then executed
    step by step, which is slow. UsageError if a dimension or a tile size is missing or makes no sense.
    """
    for name in kernel.signature.dimensions:
        if dims.get(name, -1) < 0:
            raise UsageError(f"kernel {kernel.name}: dimension {name} needs a size of 0 or more")
    sizes = tile_sizes(kernel, dims, tiles)
    planned = None if show and kernel.printing else plan(kernel, dims, sizes, scratch_bytes, fast_accumulate)
    return Emulation(kernel, dims, sizes, planned, show)
