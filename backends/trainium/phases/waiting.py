"""Tensors in device memory that the kernel writes and uses again: what waits for what.

    tile m, n: h[m, n] = ..
                                   barrier
    tile p, d: .. h[p, J] ..

A phase that reads or writes what an earlier one has written, or writes what an earlier one reads, begins with a barrier, at which
everything waits. Within a phase the loads of a tensor that is updated in place stay free of its stores, since no step writes what
another one reads, and within a step what is stored comes from what is loaded. Where it does not, a buffer that stands for the
tensor lets the stores wait for the loads.
"""

from __future__ import annotations

from tilery.backends.machine.engine_program import Barrier, Buffer
from tilery.dsl.program import Load, Statement, Store, Tensor, TileLoop

from ..lowering.builder import Builder
from ..lowering.uses import statements


class Barriers:
    """What has been done in device memory since the last barrier, while the statements directly in a kernel are lowered."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._written: set[str] = set()
        self._read: set[str] = set()
        self._just_read: set[str] = set()
        """By statements that stand in no `tile`, since the last one."""

    def before(self, statement: Statement) -> None:
        """Emits a barrier if a statement has to wait for all that came before it."""
        inner = list(statements((statement,)))
        reads = {each.tensor.name: each.tensor for each in inner if isinstance(each, Load) and shared(each.tensor)}
        writes = {each.tensor.name: each.tensor for each in inner if isinstance(each, Store) and shared(each.tensor)}
        if isinstance(statement, TileLoop):
            self._read |= self._just_read
            self._just_read = set()
        used = {**reads, **writes}
        waiting = [tensor for name, tensor in used.items() if name in self._written or (name in writes and name in self._read)]
        if waiting:
            self._emit(tuple(waiting))
        self._written |= set(writes)
        if isinstance(statement, TileLoop):
            self._read |= set(reads)
        else:
            self._just_read |= set(reads)

    def _emit(self, tensors: tuple[Tensor, ...]) -> None:
        names = ", ".join(each.name for each in tensors)
        self._builder.emit(f"barrier {names}", "dma.barrier", "barrier", Barrier(tensors), (), (), tensors[0].span)
        self._written, self._read, self._just_read = set(), set(), set()


def shared(tensor: Tensor) -> bool:
    """Whether what the kernel writes to a tensor may be read by it, or written again."""
    return tensor.role in ("temp", "inout")


def read_buffers(builder: Builder, load: Load) -> tuple[Buffer, ...]:
    """What stands for the tensor of a load, where the stores of its phase have to wait for it."""
    key = (load.tensor.name, load.tensor.phase)
    return (_buffer(builder, load.tensor),) if key in builder.device.apart else ()


def store_buffers(builder: Builder, store: Store) -> tuple[Buffer, ...]:
    """The same of a store: it waits for the loads."""
    return () if fed(builder, store) else (_buffer(builder, store.tensor),)


def fed(builder: Builder, store: Store) -> bool:
    """Whether the value of a store comes from every load of its phase, so that it cannot be there before them."""
    return (store.tensor.name, store.tensor.phase - 1) not in builder.device.apart


def _buffer(builder: Builder, tensor: Tensor) -> Buffer:
    known = builder.device.buffers
    if tensor.name not in known:
        with builder.outside(0):
            known[tensor.name] = builder.buffer(f"{tensor.name}.there", "hbm", tensor.element, (), None, 1)
    return known[tensor.name]
