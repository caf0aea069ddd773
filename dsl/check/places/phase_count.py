"""The phases of a kernel: each `tile` directly in it is one, and so is what stands between two of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tilery.dsl.program import Tensor


@dataclass(slots=True)
class Phases:
    """The phase that is being checked, and those that have written each tensor."""

    current: int = 0
    _written: dict[str, set[int]] = field(default_factory=dict)

    def turn(self) -> None:
        """Begins another phase: a `tile` directly in the kernel begins or ends."""
        self.current += 1

    def read(self, tensor: Tensor) -> Tensor:
        """The tensor as this phase finds it."""
        return replace(tensor, phase=self._before(tensor.name))

    def write(self, tensor: Tensor) -> Tensor:
        """The tensor as this phase leaves it."""
        before = self._before(tensor.name)
        self._written.setdefault(tensor.name, set()).add(self.current)
        return replace(tensor, phase=before + 1)

    def _before(self, name: str) -> int:
        return sum(each < self.current for each in self._written.get(name, ()))
