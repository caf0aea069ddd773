"""Conditions on positions: decided for a whole tile where intervals suffice, else a mask, kept for the next time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tilery.dsl import program
from tilery.dsl.program import Op, Value

from ..operations import numerics
from ..operations.numerics import Array
from .intervals import Evaluate, Spans, decision, interval_of

MASK_BYTES = 8 << 20
"""How much one condition keeps of its masks: a causal mask is the same for every head."""


@dataclass(slots=True)
class Condition:
    """A truth value that depends on positions, sizes and constants only."""

    value: Value
    ops: Mapping[Value, Op]
    dims: Mapping[str, int]
    interval: Evaluate
    axes: tuple[str, ...]
    """The axes of its masks."""
    most_bytes: int = MASK_BYTES
    masks: dict[tuple[int, ...], Array] = field(default_factory=dict)
    kept_bytes: int = 0

    def decide(self, spans: Spans) -> bool | None:
        """True or False if it is so everywhere in the step, else None (though it may still be so)."""
        return decision(self.interval(spans))

    def anywhere(self, spans: Spans) -> bool:
        """Whether it is true for any element of the step: exact, for the guard of a loop."""
        decided = self.decide(spans)
        return bool(self.mask(spans).any()) if decided is None else decided

    def mask(self, spans: Spans) -> Array:
        """Its value for every element of the step, over `axes`; not to be written to."""
        key = self.key(spans)
        found = self.masks.get(key)
        if found is None:
            found = self._evaluate(self.value, spans)
            if self.kept_bytes + found.nbytes <= self.most_bytes:
                self.masks[key] = found
                self.kept_bytes += found.nbytes
        return found

    def key(self, spans: Spans) -> tuple[int, ...]:
        """What of the step its value depends on."""
        return tuple(each for name in self.axes if name in spans for each in (spans[name].start, spans[name].stop))

    def _evaluate(self, value: Value, spans: Spans) -> Array:
        op = self.ops[value]
        match op:
            case program.Constant():
                return np.asarray(op.value, numerics.compute_dtype(value.element))
            case program.DimensionSize():
                return np.asarray(program.size_value(op.size, self.dims), np.int32)
            case program.Positions():
                part = slice(0, program.size_value(op.axis.size, self.dims)) if op.axis.whole else spans[op.axis.name]
                return np.arange(part.start, part.stop, dtype=np.int32)
            case program.Fill():
                return self._evaluate(op.operand, spans)[(None,) * len(value.axes)]
            case program.Call():
                return self._evaluate(op.body[-1].result, spans)
            case program.Elementwise():
                names = [axis.name for axis in value.axes]
                parts = [
                    numerics.aligned(self._evaluate(each, spans), [axis.name for axis in each.axes], names)
                    for each in op.operands
                ]
                return numerics.elementwise(op.fn, parts)
        raise AssertionError(f"{type(op).__name__} is not a function of positions")


def condition(value: Value, ops: Mapping[Value, Op], dims: Mapping[str, int], most_bytes: int = MASK_BYTES) -> Condition | None:
    """The condition that `value` is, keeping masks of up to `most_bytes`; None if it depends on data."""
    interval = interval_of(value, ops, dims)
    if interval is None:
        return None
    return Condition(value, ops, dims, interval, tuple(axis.name for axis in value.axes), min(most_bytes, MASK_BYTES))
