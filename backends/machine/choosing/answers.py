"""What a lowering asked, and which answers led to which result: two configurations that answer alike share one program.

A configuration may set many knobs that a structure does not have. To look such a one up takes as many steps as there are
questions, and no lowering.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Generic, TypeVar

from tilery.backends.tunable import Choice

from ..choices import Question, answer

T = TypeVar("T")


@dataclass(slots=True)
class _Fork(Generic[T]):
    """A question, and where each answer leads: to the next question, or to the result."""

    question: Question
    ways: dict[Choice, _Fork[T] | T] = field(default_factory=dict)


class Answers(Generic[T]):
    """The results by the answers that led to them. What is asked next depends on the answers so far, and on nothing else."""

    def __init__(self) -> None:
        self._first: _Fork[T] | T | None = None

    def find(self, given: Mapping[str, Choice]) -> T | None:
        """The result for a configuration, if another one with the same answers was added."""
        here = self._first
        while isinstance(here, _Fork):
            here = here.ways.get(answer(here.question, given))
        return here

    def add(self, asked: Sequence[tuple[Question, Choice]], result: T) -> None:
        """Adds a result with the questions and answers that led to it."""
        if not asked:
            self._first = result
            return
        if self._first is None:
            self._first = _Fork(asked[0][0])
        here = self._first
        for (question, chosen), (following, _) in pairwise(asked):
            assert isinstance(here, _Fork)
            assert here.question == question, f"{question.name} was asked where {here.question.name} was asked before"
            here = here.ways.setdefault(chosen, _Fork(following))
        assert isinstance(here, _Fork)
        here.ways[asked[-1][1]] = result
