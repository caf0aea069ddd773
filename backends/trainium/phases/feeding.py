"""What is known of the tensors in device memory that a kernel writes and reads, before it is lowered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from tilery.backends.machine.engine_program import Buffer
from tilery.dsl.program import Carried, ForLoop, Load, Op, Statement, Store, Value, operands

from ..lowering.uses import statements


class Device:
    """What is known of the tensors that the kernel writes and reads."""

    def __init__(self, body: Iterable[Statement]) -> None:
        self.buffers: dict[str, Buffer] = {}
        self.loads: dict[tuple[str, int], list[Value]] = defaultdict(list)
        """The values that are loaded of each tensor updated in place, by how many phases have written to it before."""
        self._made_of: dict[Value, tuple[Value, ...]] = {}
        self._sources: dict[Value, frozenset[Value]] = {}
        written = {(each.tensor.name, each.tensor.phase - 1) for each in statements(body) if isinstance(each, Store)}
        for each in statements(body):
            if isinstance(each, ForLoop):
                for one in each.carried:
                    self._carry(one)
            elif isinstance(each, Op):
                self._made_of[each.result] = operands(each)
            key = (each.tensor.name, each.tensor.phase) if isinstance(each, Load) and each.tensor.role == "inout" else None
            if isinstance(each, Load) and key in written and key is not None:
                self.loads[key].append(each.result)

    def _carry(self, one: Carried) -> None:
        self._made_of[one.argument] = (one.initial,)
        self._made_of[one.result] = (one.updated,)

    def sources(self, value: Value) -> frozenset[Value]:
        """The values that one is computed from, in the step that computes it."""
        if value not in self._sources:
            waiting, seen = [value], {value}
            while waiting:
                for each in self._made_of.get(waiting.pop(), ()):
                    if each not in seen:
                        seen.add(each)
                        waiting.append(each)
            self._sources[value] = frozenset(seen)
        return self._sources[value]
