"""How an argument of the wrong element type is converted, in the words of the library that it comes from."""

from __future__ import annotations

import numpy as np

from tilery.dsl.types import F32, I32, AnyType, ElementType

from .kinds import is_jax, is_torch

_NUMPY = {
    "f32": "numpy.float32",
    "bf16": "ml_dtypes.bfloat16",
    "f16": "numpy.float16",
    "f8e4m3": "ml_dtypes.float8_e4m3",
    "f8e4m3fn": "ml_dtypes.float8_e4m3fn",
    "f8e5m2": "ml_dtypes.float8_e5m2",
    "i32": "numpy.int32",
    "i16": "numpy.int16",
    "i8": "numpy.int8",
    "u16": "numpy.uint16",
    "u8": "numpy.uint8",
    "i4": "ml_dtypes.int4",
    "u4": "ml_dtypes.uint4",
    "bool": "bool",
}
_TORCH = {
    "f32": "float()",
    "bf16": "bfloat16()",
    "f16": "half()",
    "f8e4m3": "to(torch.float8_e4m3fn)",
    "f8e4m3fn": "to(torch.float8_e4m3fn)",
    "f8e5m2": "to(torch.float8_e5m2)",
    "u8": "to(torch.uint8)",
    "bool": "bool()",
    "i32": "to(torch.int32)",
    "i16": "to(torch.int16)",
    "i8": "to(torch.int8)",
    "u16": "to(torch.uint16)",
}
_PACKED = "two a byte, the first in the low bits: ({name}[..., ::2] & 15) | ({name}[..., 1::2] << 4), as 8-bit integers"


def conversion(name: str, value: object, has: np.dtype[np.generic], wanted: AnyType) -> str:
    """The expression that converts `value`, such as `labels.to(torch.int32)`; empty if there is no obvious one."""
    kind = wanted if isinstance(wanted, ElementType) else _alike(has)
    if kind is None or has.kind not in "biufV":
        return ""
    if kind.packed and (is_torch(value) or is_jax(value)):
        return _PACKED.format(name=name)
    if is_torch(value):
        return f"{name}.{_TORCH[kind.name]}"
    if is_jax(value):
        return (
            f"{name}.astype(jax.{_NUMPY[kind.name]})"
            if _NUMPY[kind.name].startswith("numpy")
            else f"{name}.astype('{_JAX[kind.name]}')"
        )
    if not isinstance(value, np.ndarray):
        return f"numpy.array({name}, {_NUMPY[kind.name]})"
    if not has.isnative:
        return f'{name}.astype({name}.dtype.newbyteorder("="))'
    return f"{name}.astype({_NUMPY[kind.name]})"


_JAX = {"bf16": "bfloat16", "f8e4m3": "float8_e4m3", "f8e4m3fn": "float8_e4m3fn", "f8e5m2": "float8_e5m2", "bool": "bool"}


def _alike(has: np.dtype[np.generic]) -> ElementType | None:
    """The element type that is nearest to a type that the language does not have."""
    return {"f": F32, "i": I32, "u": I32}.get(has.kind)
