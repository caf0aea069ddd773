"""Candidates whose numbers are those of a space of tunables."""

from __future__ import annotations

from collections.abc import Sequence

from ..space.configurations import Space
from ..space.given import Value
from ..strategy import Numbers


class Numbered:
    """What a strategy sees of the tunables."""

    def __init__(self, space: Space) -> None:
        self._space = space

    @property
    def names(self) -> Sequence[str]:
        """The tunables."""
        return [each.name for each in self._space.tunables]

    @property
    def values(self) -> Sequence[Sequence[Value]]:
        """The domain of each."""
        return [each.values for each in self._space.tunables]

    def digits(self, numbers: Numbers) -> Numbers:
        """Choice indices."""
        return self._space.digits(numbers)
