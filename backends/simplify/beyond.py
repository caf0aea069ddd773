"""What stands beyond the end of one axis in every value, if loads and masked values are filled with given numbers.

What is found holds where the numbers that are not known before the run are finite: `x - m` is -inf if x is and m is finite. Where
m is not, the result has no finite value in the rows that exist either.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from tilery.backends.operations import numerics
from tilery.dsl.program import Axis, Cast, Constant, Dot, Elementwise, Fill, ForLoop, Op, Reduce, Scan, Statement, TileLoop, Value

Number = float | int | bool


class Standing:
    """A walk over a program. A value without an entry is not known."""

    def __init__(self, axis: Axis, fills: Mapping[Value, Number]) -> None:
        self._axis, self._fills = axis, fills
        self._known: dict[Value, Number] = {}

    def of(self, value: Value) -> Number | None:
        """What stands beyond the end in a value; of one without the axis, the number that it is."""
        return self._known.get(value)

    def block(self, statements: Iterable[Statement]) -> None:
        """Walks statements in order."""
        for each in statements:
            match each:
                case Op():
                    self._set(each.result, self._op(each))
                case TileLoop():
                    self.block(each.body)
                case ForLoop():
                    self._loop(each)

    def _set(self, value: Value, number: Number | None) -> None:
        number = self._fills.get(value, number)
        if number is None or math.isnan(number):
            self._known.pop(value, None)
        else:
            self._known[value] = number

    def _loop(self, loop: ForLoop) -> None:
        """A carried value is known if every step leaves what the first one began with."""
        for each in loop.carried:
            self._set(each.argument, self.of(each.initial))
        while True:
            self.block(loop.body)
            changed = [each for each in loop.carried if self.of(each.argument) not in (None, self.of(each.updated))]
            for each in changed:
                self._set(each.argument, None)
            if not changed:
                break
        for each in loop.carried:
            self._set(each.result, self.of(each.argument))

    def _op(self, op: Op) -> Number | None:
        match op:
            case Constant():
                return op.value
            case Fill():
                return self.of(op.operand)
            case Cast():
                return _cast(self.of(op.operand), op.result)
            case Elementwise():
                return _elementwise(op.fn, [self.of(each) for each in op.operands])
            case Reduce() if self._axis in op.result.axes:
                return _reduced(op.fn, self.of(op.operand))
            case Scan() if op.axis != self._axis and op.fn != "scan":
                number = self.of(op.operands[0])
                return number if number == 0 or (op.fn in ("cummax", "cummin") and not op.exclusive) else None
            case Dot() if self._axis in op.result.axes:
                return 0 if 0 in (self.of(op.left), self.of(op.right)) else None
            case _:
                return None


def _cast(number: Number | None, result: Value) -> Number | None:
    """Numbers that every type has stay as they are, infinities where there are some."""
    if number is None or not math.isfinite(number):
        return number if result.element.name in ("f32", "bf16", "f16", "f8e5m2") else None
    return number if number in (0, 1) else None


def _reduced(fn: str, number: Number | None) -> Number | None:
    """A row of one number, however long."""
    if number is None:
        return None
    return number if fn in ("max", "min", "any", "all", "first", "last") or (number == 0 and fn in ("sum", "mean")) else None


def _elementwise(fn: str, numbers: list[Number | None]) -> Number | None:
    known = [each for each in numbers if each is not None]
    if len(known) == len(numbers):
        found: Number = numerics.elementwise(fn, [_array(each) for each in known]).item()
        return found
    match fn, numbers:
        case "where", [bool(condition), on_true, on_false]:
            return on_true if condition else on_false
        case ("add", [float(x), None] | [None, float(x)]) if math.isinf(x):
            return x
        case "sub", [float(x), None] if math.isinf(x):
            return x
        case "sub", [None, float(x)] if math.isinf(x):
            return -x
        case "mul", _ if 0 in known:
            return 0
        case ("max", _) if math.inf in known:
            return math.inf
        case ("min", _) if -math.inf in known:
            return -math.inf
        case ("and", _) if False in known:
            return False
        case ("or", _) if True in known:
            return True
        case _:
            return None


def _array(number: Number) -> numerics.Array:
    if isinstance(number, bool):
        return np.asarray(number)
    return np.asarray(number, np.float32 if isinstance(number, float) else np.int32)
