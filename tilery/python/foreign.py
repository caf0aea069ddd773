"""Converts arrays of other libraries to numpy, without a copy where possible, and results back.

numpy has neither bf16 nor fp8, so torch's tensors of these types are read as integers of the same width. JAX's arrays are read
through `__array__`, bf16 included (both use `ml_dtypes`). Other arrays in CPU memory are read through `__array__` or DLPack.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from tilery.dsl.errors import UsageError

from .four_bits import FOUR_BITS, packed
from .fp8 import FN, OURS, as_fn
from .kinds import is_torch

Array = NDArray[Any]

_TORCH_BITS: dict[str, tuple[str, np.dtype[Any]]] = {
    "torch.bfloat16": ("int16", np.dtype(ml_dtypes.bfloat16)),
    "torch.float8_e5m2": ("uint8", np.dtype(ml_dtypes.float8_e5m2)),
    "torch.float8_e4m3fn": ("uint8", FN),
}
"""torch's types that numpy does not have: the integers that they are read as, and their `ml_dtypes` types."""


def to_numpy(name: str, value: object) -> Array:
    """`value` as an array. Raises `UsageError` if it is no array, lies in a device's memory, or has a mask."""
    if isinstance(value, np.ma.MaskedArray):
        raise UsageError(f"`{name}` is a masked array, and a kernel knows no mask: write {name}.filled(0), or what stands for it")
    if isinstance(value, np.ndarray):
        return np.asarray(value)  # of a subclass, the plain array
    if is_torch(value):
        return _from_torch(name, value)
    if value is None or isinstance(value, str | bytes | dict | set):
        raise UsageError(f"`{name}` is an array, not {type(value).__name__}")
    try:
        if not hasattr(value, "__array__") and hasattr(value, "__dlpack__"):
            return np.from_dlpack(value)
        return np.asarray(value)
    except Exception as error:  # another library may raise anything; it concerns its array
        raise UsageError(f"`{name}` cannot be read as an array: {error}") from error


def in_kind(values: Iterable[object]) -> Callable[[Array], Any]:
    """A function that converts a result to the library of the first of `values` that is not numpy's. If all are numpy's, it
    changes nothing."""
    for value in values:
        if is_torch(value):
            return _to_torch
        namespace = getattr(value, "__array_namespace__", None)
        if namespace is not None and not isinstance(value, np.ndarray | np.generic):
            made: Callable[[Array], Any] = namespace().asarray
            return made
    return lambda array: array


def _from_torch(name: str, tensor: Any) -> Array:
    if tensor.device.type != "cpu":
        raise UsageError(f"`{name}` lies on {tensor.device}; the emulator needs it on the CPU: write {name}.cpu()")
    kind = str(tensor.dtype)
    if kind.startswith("torch.float8") and kind not in _TORCH_BITS:
        raise UsageError(f"`{name}` is {kind}, whose numbers are not those of f8e4m3 or f8e5m2: write {name}.float()")
    try:
        if kind in _TORCH_BITS:
            torch = importlib.import_module("torch")
            integer, dtype = _TORCH_BITS[kind]
            return np.asarray(tensor.detach().view(getattr(torch, integer)).numpy()).view(dtype)
        return np.asarray(tensor.detach().numpy())
    except (TypeError, RuntimeError) as error:
        raise UsageError(f"`{name}` cannot be read as an array: {error}") from error


def _to_torch(array: Array) -> Any:
    torch = importlib.import_module("torch")
    if array.dtype == OURS:
        array = as_fn(array)
    if array.dtype in FOUR_BITS and array.ndim:
        array = packed(array)
    for kind, (integer, dtype) in _TORCH_BITS.items():
        if array.dtype == dtype:
            return torch.from_numpy(array.view(integer)).view(getattr(torch, kind.removeprefix("torch.")))
    return torch.from_numpy(array)
