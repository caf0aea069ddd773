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
        self.apart: set[tuple[str, int]] = set()
        """Tensors updated in place some of whose loads a store does not come from, by how many phases have written to them."""
        self._made_of: dict[Value, tuple[Value, ...]] = {}
        self._sources: dict[Value, frozenset[Value]] = {}
        loads: dict[tuple[str, int], list[Value]] = defaultdict(list)
        stores: list[Store] = []
        for each in statements(body):
            match each:
                case ForLoop():
                    for one in each.carried:
                        self._carry(one)
                case Store(tensor=tensor) if tensor.role == "inout":
                    stores.append(each)
                case Op():
                    self._made_of[each.result] = operands(each)
                    if isinstance(each, Load) and each.tensor.role == "inout":
                        loads[each.tensor.name, each.tensor.phase].append(each.result)
        for store in stores:
            key = (store.tensor.name, store.tensor.phase - 1)
            if not self.sources(store.value).issuperset(loads.get(key, ())):
                self.apart.add(key)

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
