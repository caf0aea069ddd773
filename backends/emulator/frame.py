"""The arrays of a running emulation: slots that steps read and write, in buffers that are allocated once and reused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from ..numbers.fork_gates import GATES, Gate
from ..operations.numerics import Array

ALIGNMENT_BYTES = 64


@dataclass(slots=True)
class Frame:
    """The state of one worker."""

    values: list[Any]
    """One array for each slot."""
    spans: dict[str, slice] = field(default_factory=dict)
    """The positions that each tile axis covers in the current step."""
    tensors: dict[str, Array] = field(default_factory=dict)
    """What loads read, shared by all workers."""
    results: Mapping[str, Array] = field(default_factory=dict)
    scalars: Mapping[str, float] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)
    """Numbers the steps of the shared tile loop; all workers draw from it, each number once."""
    gate: Gate = field(default_factory=GATES.new)
    """Held during each product."""


Step = Callable[[Frame], None]
"""One thing to do; compiled once, run many times."""


def seen_through(view: Callable[[Array], Array], array: Array) -> Array:
    """`view(array)`, which must be the same memory."""
    found = view(array)
    assert not found.size or np.may_share_memory(found, array), "a view turned out to be a copy"
    return found


@dataclass(slots=True)
class Layout:
    """The plan of a frame: its slots, and the buffer behind each."""

    slots: int = 0
    buffer_bytes: list[int] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    """Buffers in use by no value, the one freed last (and so warm in the cache) at the end."""
    setup: list[Callable[[Frame, list[Array]], None]] = field(default_factory=list)

    def slot(self) -> int:
        """A new slot."""
        self.slots += 1
        return self.slots - 1

    def take(self, size_bytes: int) -> int:
        """A free buffer of at least this size, or a new one."""
        fitting = [each for each in self.free if self.buffer_bytes[each] >= size_bytes]
        if fitting:
            smallest = min(self.buffer_bytes[each] for each in fitting)
            found = next(each for each in reversed(fitting) if self.buffer_bytes[each] == smallest)
            self.free.remove(found)
            return found
        self.buffer_bytes.append(size_bytes)
        return len(self.buffer_bytes) - 1

    def bind(self, buffer: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
        """A slot that is the head of a buffer, contiguous."""
        slot = self.slot()
        count = int(np.prod(shape, dtype=np.int64))

        def place(frame: Frame, buffers: list[Array]) -> None:
            frame.values[slot] = buffers[buffer][: count * dtype.itemsize].view(dtype).reshape(shape)

        self.setup.append(place)
        return slot

    def constant(self, array: Array) -> int:
        """A slot that always holds `array`."""
        slot = self.slot()
        self.setup.append(lambda frame, buffers: frame.values.__setitem__(slot, array))
        return slot

    def derive(self, source: int, view: Callable[[Array], Array]) -> int:
        """A slot with a view of a slot that never changes, made once. A copy would miss later writes to the slot. numpy copies
        silently where a view is impossible; that is refused here."""
        slot = self.slot()

        def place(frame: Frame, buffers: list[Array]) -> None:
            of = frame.values[source]
            frame.values[slot] = seen_through(view, of)

        self.setup.append(place)
        return slot

    @property
    def total_bytes(self) -> int:
        """What one frame takes."""
        return sum(each + ALIGNMENT_BYTES for each in self.buffer_bytes)

    def frame(self) -> Frame:
        """A frame with its buffers."""
        buffers = [_aligned(each) for each in self.buffer_bytes]
        frame = Frame([None] * self.slots)
        for place in self.setup:
            place(frame, buffers)
        return frame


def _aligned(size_bytes: int) -> Array:
    raw = np.empty(size_bytes + ALIGNMENT_BYTES, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT_BYTES
    return raw[start : start + size_bytes]
