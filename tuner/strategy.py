"""What a search strategy is, and what it is told of the space that it searches.

A strategy is one class in one file, as those of `strategies/`; docs/tuning.md writes one step by step.
`conformance.check_strategy` tests whether it keeps the contract.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from tilery.dsl.errors import TileryError

from .space.given import Value

Numbers = NDArray[np.int64]
"""Configurations by their number. What a number means is the affair of the candidates that it comes from."""
Rank = tuple[float, ...]
"""Sorts the better one first."""


class Goal(Protocol):
    """One thing to go for. Of several objectives it is a weighting of them; another goal weighs them otherwise."""

    def rank(self, number: int) -> Rank:
        """How good a configuration is that has been told; infinite first if it failed."""

    def around(self, number: int, level: int) -> Numbers:
        """The open neighbours of a configuration, the most promising first.

        Level 0: one parameter differs, by one step of its values. Level 1: one differs, however far. Level 2: two differ, by
        one step each. There are no more levels than `LEVELS`.
        """


LEVELS = 3


class Candidates(Protocol):
    """The configurations that a strategy may propose, and what is known of them.

    A configuration is *open* if it is feasible, has neither been proposed nor told, and may still win by what bounds say of it.
    Arrays are given out as copies.
    """

    @property
    def names(self) -> Sequence[str]:
        """The parameters."""

    @property
    def values(self) -> Sequence[Sequence[Value]]:
        """The domain of each parameter."""

    @property
    def objectives(self) -> int:
        """How many values every configuration has; each is minimised."""

    def any_open(self) -> bool:
        """Whether anything is left to propose."""

    def is_open(self, number: int) -> bool:
        """Whether a configuration may be proposed."""

    def open(self) -> Numbers:
        """What may be proposed; of a space too large to list the part that is known so far."""

    def ahead(self) -> Numbers:
        """The next few that may be proposed: of best lower bounds where there are bounds, else in the order of the space."""

    def nearest(self, digits: Numbers) -> int | None:
        """The open configuration that is most like these choices, which need not be feasible together; None if none is open."""

    def digits(self, numbers: Numbers) -> Numbers:
        """Configurations as places in the domains of their parameters, shape [configuration, parameter]."""

    def bounds(self, numbers: Numbers) -> NDArray[np.float64] | None:
        """Lower bounds by a model, shape [configuration, objective]; None where there is no model."""

    def best(self) -> Numbers:
        """What nothing told so far beats: one configuration, or the front of several objectives; empty before a success."""

    def goal(self) -> Goal:
        """The next thing to go for."""


class Strategy(ABC):
    """A way to come by the next configuration to time.

    It is made with the `candidates` of one search and a `seed`, asked by `propose` and told by `learn`, until the search ends.

    A strategy must
    - propose numbers of open configurations only, as a whole number, or None where it has no idea for now;
    - propose the same for the same seed and the same history of calls, whatever else the process does: its random numbers are
      those of `self.generator`, and nothing is kept in its class or module;
    - take several proposals without an answer in between, and answers in another order, or to what it has not proposed;
    - take failures: every value is then infinite. Values are finite or infinite, and never NaN;
    - do with any number of parameters, with parameters of one value, and with a single open configuration;
    - answer within a fraction of a second: the budget is the search's, and nothing interrupts a strategy but the end of it.

    A strategy must not
    - call the objective, print, or start processes;
    - count on being asked again, or alone: the search by a model takes turns between several, and tells each of all.

    None is no end: the search asks its other strategies, or takes the next of `candidates.ahead()`, and asks again later.
    """

    several: ClassVar[bool] = False
    """Whether it can minimise several objectives; they are then told as one tuple."""
    needs_bounds: ClassVar[bool] = False
    """Whether it needs the lower bounds of a model. It is then refused for spaces without."""
    needs_package: ClassVar[str] = ""
    """A package that is no dependency of tilery's; told if it is missing, before the search begins."""

    def __init__(self, candidates: Candidates, seed: int) -> None:
        self.candidates = candidates
        self.generator = np.random.default_rng(seed)

    @abstractmethod
    def propose(self) -> int | None:
        """The number of an open configuration, or None for now."""

    def learn(self, number: int, values: tuple[float, ...], own: bool) -> None:  # noqa: B027  # not all have to learn
        """What came of a configuration, whoever proposed it: a value an objective. `own` says that this strategy did."""


class BrokenStrategy(TileryError):
    """A strategy that broke its contract."""


class Source(Protocol):
    """Whatever proposes configurations in a search: a strategy, or the other workers of a study."""

    def propose(self) -> int | None:
        """The number of a configuration, or None for now."""

    def learn(self, number: int, values: tuple[float, ...], own: bool) -> None:
        """What came of a configuration."""


class Checked:
    """A strategy whose proposals are checked, so that a broken one is told and never costs a wrong result."""

    def __init__(self, name: str, strategy: Strategy, candidates: Candidates) -> None:
        self.name, self._strategy, self._candidates = name, strategy, candidates

    def propose(self) -> int | None:
        """What the strategy proposes; `BrokenStrategy` if that may not be proposed."""
        number = self._strategy.propose()
        if number is None:
            return None
        if isinstance(number, bool) or not isinstance(number, int | np.integer):
            raise BrokenStrategy(f"the strategy `{self.name}` proposed {number!r}; the number of a configuration is expected")
        if not self._candidates.is_open(int(number)):
            raise BrokenStrategy(
                f"the strategy `{self.name}` proposed configuration {number}, which is not open: it is infeasible, was proposed "
                "or told before, or cannot win\nhelp: propose what `candidates.is_open` allows; "
                "tilery.tuner.conformance.check_strategy finds the case"
            )
        return int(number)

    def learn(self, number: int, values: tuple[float, ...], own: bool) -> None:
        """Passes it on."""
        self._strategy.learn(number, values, own)
