"""Expansions carried out: on arrays, block by block, and as operations of a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tilery.dsl.functions import FUNCTIONS, result_type
from tilery.dsl.program import Cast, Constant, Elementwise, Op, Value
from tilery.dsl.types import F32, I32

from ..numbers.rounding import Array
from .record import Absent, Meaning

_BLOCK = 1 << 14
"""Elements done at a time: the steps of an expansion then stay in the first and second level caches."""


def expanded(expansion: Callable[..., Any], wide: Meaning) -> Meaning:
    """What an expansion does to float32 arrays, step by step as a chip would; float64, the reference's, is left to `wide`."""

    def meaning(*operands: Array, out: Array | None = None) -> Array:
        if operands[0].dtype == np.float64:
            return np.asarray(wide(*operands, out=out))
        spread = np.broadcast_arrays(*operands)
        if out is None:
            out = np.empty(spread[0].shape, np.float32)
        in_blocks(expansion, [_apart(each, out) for each in spread], out)
        return out

    return meaning


def _apart(operand: Array, out: Array) -> Array:
    """The operand, copied if writing the result would change what is still to be read of it."""
    same = operand.__array_interface__["data"] == out.__array_interface__["data"] and operand.strides == out.strides
    return operand.copy() if not same and np.may_share_memory(operand, out) else operand


def in_blocks(expansion: Callable[..., Any], operands: Sequence[Array], out: Array) -> None:
    """Carries an expansion out block by block, on operands of the shape of `out`."""
    if out.size <= _BLOCK or not out.ndim:
        np.copyto(out, expansion(on_arrays, *operands), casting="unsafe")
        return
    step = max(1, _BLOCK * out.shape[0] // out.size)
    for start in range(0, out.shape[0], step):
        part: int | slice = slice(start, start + step) if step > 1 else start
        if step > 1 or out.ndim > 1:
            in_blocks(expansion, [each[part] for each in operands], out[part, ...])


def on_arrays(fn: str, *operands: Array | float) -> Array:
    """A writer that carries every operation out at once, in float32; a whole number among whole numbers stays one."""
    from .table import OPERATIONS  # here, not above: the records are made with what stands in this file

    floats = any(isinstance(each, float) or (isinstance(each, np.ndarray) and each.dtype.kind == "f") for each in operands)
    number = np.float32 if floats else np.int32
    lined = [each if isinstance(each, np.ndarray) else np.asarray(number(each)) for each in operands]
    return np.asarray(OPERATIONS[fn].meaning(*lined, out=None))


def in_program(op: Elementwise) -> list[Op] | None:
    """The operations that an expansion makes of one, the last giving its value; None if it has no expansion."""
    from .table import OPERATIONS  # as above

    expansion = OPERATIONS[op.fn].expansion
    if isinstance(expansion, Absent):
        return None
    writer = _InProgram(op)
    expansion(writer, *op.operands)
    return writer.done


class _InProgram:
    """A writer that makes operations of a program."""

    def __init__(self, op: Elementwise) -> None:
        self.done: list[Op] = []
        self._span = op.result.span
        self._floats = FUNCTIONS[op.fn].gives == "float"
        # The ninety steps of a generator are placed together: under one name they share the knob of their engine.
        self._name = op.fn if op.fn == "random_bits" else ""
        self._cast: dict[Value, Value] = {}

    def __call__(self, fn: str, *operands: Value | float) -> Value:
        kinds = [each.element.kind if isinstance(each, Value) else type(each).__name__ for each in operands]
        floats = self._floats or "float" in kinds
        values = [each if isinstance(each, Value) else self._constant(each, floats) for each in operands]
        if self._floats and FUNCTIONS[fn].gives in ("same", "compare") and all(each.element.kind != "float" for each in values):
            values = [self._as_float(each) for each in values]
        axes = {axis: None for each in values for axis in each.axes}
        result = Value(self._name or f"%{fn}", tuple(axes), _element(fn, values), self._span)
        self.done.append(Elementwise(result, fn, tuple(values)))
        return result

    def _constant(self, number: float, floats: bool) -> Value:
        result = Value("%c", (), F32 if floats else I32, self._span)
        self.done.append(Constant(result, float(number) if floats else int(number)))
        return result

    def _as_float(self, value: Value) -> Value:
        if value not in self._cast:
            self._cast[value] = Value("%f32", value.axes, F32, self._span)
            self.done.append(Cast(self._cast[value], value))
        return self._cast[value]


def _element(fn: str, values: Sequence[Value]) -> Any:
    return result_type(FUNCTIONS[fn].gives, [each.dtype for each in values])
