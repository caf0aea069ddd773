"""Tensors in device memory that the kernel writes and reads: what waits for what, from one phase to the next.

    tile m, n: h[m, n] = ..        stores write `h.1`
                                   barrier: reads `h.1`, writes `h.after 1`
    tile p, d: .. h[p, J] ..       loads read `h.after 1`

The buffers stand for the tensor as it is after so many phases have written to it. The loads of a phase that also writes the
tensor stay free of its stores, since a step writes nothing that another one reads; within a step a store comes after the loads.
"""

from __future__ import annotations

from tilery.backends.machine.engine_program import Barrier, Buffer
from tilery.dsl.program import Load, Store, Tensor

from ..lowering.builder import Builder


def read_buffers(builder: Builder, load: Load) -> tuple[Buffer, ...]:
    """What a load waits for: the barrier after the phases that have written its tensor."""
    return (_after(builder, load.tensor, load.tensor.phase),) if shared(load.tensor) else ()


def store_buffers(builder: Builder, store: Store) -> tuple[tuple[Buffer, ...], tuple[Buffer, ...]]:
    """What a store waits for, the barrier after earlier phases, and what it writes for later ones."""
    tensor = store.tensor
    if not shared(tensor):
        return (), ()
    after = _written(builder, tensor)
    if tensor.role == "temp" and tensor.phase == 1:
        return (), (after,)  # there is nothing to wait for
    before = _after(builder, tensor, tensor.phase - 1)
    # Loads that the stored value does not wait for by itself have to be waited for.
    return ((before,), (after,)) if fed(builder, store) else ((), (after, before))


def shared(tensor: Tensor) -> bool:
    """Whether what the kernel writes to a tensor may be read by it, or written again."""
    return tensor.role in ("temp", "inout")


def fed(builder: Builder, store: Store) -> bool:
    """Whether the value of a store comes from every load of its phase, so that it cannot be there before them."""
    loads = builder.device.loads.get((store.tensor.name, store.tensor.phase - 1), ())
    return not loads or all(each in builder.device.sources(store.value) for each in loads)


def _written(builder: Builder, tensor: Tensor) -> Buffer:
    """The buffer that the stores of a phase write."""
    return _buffer(builder, tensor, f"{tensor.name}.{tensor.phase}")


def _after(builder: Builder, tensor: Tensor, phase: int) -> Buffer:
    """The buffer of a tensor as it is after `phase` phases have written to it; the first that asks emits the barrier."""
    name = f"{tensor.name}.after {phase}"
    if name not in builder.device.buffers and phase > 0:
        made, written = _buffer(builder, tensor, name), builder.device.buffers[f"{tensor.name}.{phase}"]
        earlier = builder.device.buffers.get(f"{tensor.name}.after {phase - 1}")
        with builder.outside(0):
            targets = (made, earlier) if earlier else (made,)
            queue = f"dma.barrier.{tensor.name}"
            builder.emit(f"barrier {tensor.name}", queue, "barrier", Barrier(tensor), (written,), targets, tensor.span)
    return _buffer(builder, tensor, name)


def _buffer(builder: Builder, tensor: Tensor, name: str) -> Buffer:
    known = builder.device.buffers
    if name not in known:
        with builder.outside(0):
            known[name] = builder.buffer(name, "hbm", tensor.element, (), None, 1)
    return known[name]
