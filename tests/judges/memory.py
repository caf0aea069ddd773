"""Tensors in device memory, as plain lists of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilery.dsl.types import ElementType

from .numbers import Number, as_type

Array = NDArray[Any]


class Stray(Exception):
    """A position that data decide lies outside the tensor, and the text does not say what it reads as there."""


class Memory:
    """A tensor in device memory: its numbers one after the other, the last dimension fastest."""

    def __init__(self, shape: Sequence[int], element: ElementType, given: Array | None = None) -> None:
        self.shape = tuple(shape)
        self.element = element
        zero = as_type(0, element.name)
        wide = {"float": np.float64, "int": np.int64, "bool": np.bool_}[element.kind]
        self.wide = np.dtype(wide)
        self.numbers: list[Number] = (
            [zero] * math.prod(shape) if given is None else np.asarray(given).astype(wide).ravel().tolist()
        )

    def place(self, positions: Sequence[int]) -> int | None:
        """Where an element lies; None outside."""
        found = 0
        for position, extent in zip(positions, self.shape, strict=True):
            if not 0 <= position < extent:
                return None
            found = found * extent + position
        return found

    def array(self) -> Array:
        """The numbers in their shape."""
        return np.array(self.numbers, self.wide).reshape(self.shape)
