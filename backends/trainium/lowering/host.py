"""The numbers that the host computes before the launch: instructions take them as immediate operands."""

from __future__ import annotations

from collections.abc import Iterable

from tilery.dsl.program import Constant, Elementwise, Op, Value
from tilery.dsl.types import F32, I32, ElementType


class Host:
    """The host's operations, to which a lowering adds its own."""

    def __init__(self, ops: Iterable[Op]) -> None:
        self.ops = list(ops)
        self.values = {op.result for op in self.ops}
        self._negated: dict[Value, Value] = {}
        self._numbers: dict[tuple[ElementType, float], Value] = {}

    def number(self, value: float, like: Value) -> Value:
        """A constant, f32 or i32 as `like` is computed; the same one each time."""
        element = F32 if like.element.kind == "float" else I32
        if (element, value) not in self._numbers:
            result = Value(f"{value:g}", (), element, like.span)
            self._add(Constant(result, value if element == F32 else int(value)))
            self._numbers[element, value] = result
        return self._numbers[element, value]

    def negated(self, value: Value) -> Value:
        """A number of the host with the other sign."""
        if value not in self._negated:
            result = Value(f"-{value.name}", (), value.element, value.span)
            self._add(Elementwise(result, "neg", (value,)))
            self._negated[value] = result
        return self._negated[value]

    def _add(self, op: Op) -> None:
        self.ops.append(op)
        self.values.add(op.result)
