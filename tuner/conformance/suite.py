"""Every point of the contract as a check of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from ..asking import Exhausted
from ..budget import Budget
from ..model.exploration import Outcome
from ..model.front_search import front_of, front_search
from ..model.protocol import Refused
from ..model.search import search
from ..registry import register
from ..space.configurations import Space
from ..space.feasibility import Landscape, survey
from ..space.given import Value
from ..strategy import Strategy
from .grounds import GROUNDS, LARGEST, USUAL, Ground, worth
from .machine import Machine
from .trying import Broken, Try, blamed, other_randomness

SLOWEST_S = 1.0
"""The most processor time that a question may take: a measurement on a chip takes about as long."""
MANY = 40
CHANCE = "take `self.generator` for all chance"


def check_strategy(strategy: type[Strategy], *, slowest_s: float = SLOWEST_S) -> None:
    """Raises `Broken`, an `AssertionError`, with the first point of the contract that a strategy does not keep.

    It takes some seconds. `slowest_s` is the processor time that one question may take.
    """
    register(strategy)
    suite = Suite(strategy, slowest_s)
    if not strategy.needs_bounds:
        suite.outside()
    suite.inside()


@dataclass(frozen=True)
class Suite:
    """The checks of one strategy."""

    strategy: type[Strategy]
    slowest_s: float

    def outside(self) -> None:
        """What `tilery.tuner.Search` and a search by measurements ask of it."""
        self.works_on_every_space()
        self.takes_failures()
        self.takes_failures_only()
        self.takes_what_it_did_not_propose()
        self.gives_several_at_once()
        self.takes_answers_in_another_order()
        self.follows_the_seed()
        self.keeps_nothing_in_its_class()

    def inside(self) -> None:
        """What a search by a model asks of it."""
        self.repeats_a_search_by_a_model()
        self.searches_by_a_model()
        self.searches_for_a_front()

    def works_on_every_space(self) -> None:
        """Nothing infeasible or repeated, to the very end of the space; of a large one the beginning."""
        for ground in GROUNDS:
            found = self._tried(ground).run(ground.size or MANY)
            if ground.size is None:
                continue
            try:
                extra = found.ask()
            except Exhausted:
                pass
            else:
                raise Broken(f"{self.strategy.__qualname__} goes on when all of {ground.name} has been asked for: {extra}")
            if len(found.asked) != ground.size:
                raise Broken(f"{self.strategy.__qualname__} finds {len(found.asked)} of the {ground.size} of {ground.name}")

    def takes_failures(self) -> None:
        """Every third fails, the first one among them, as infinite or with a reason."""
        found = self._tried(USUAL)

        def answer(config: dict[str, Value]) -> float | str:
            return (worth(config), "does not compile", math.inf)[len(found.asked) % 3]

        found.run(MANY, answer)

    def takes_failures_only(self) -> None:
        """Every configuration fails."""
        self._tried(USUAL).run(20, lambda config: math.inf)

    def takes_what_it_did_not_propose(self) -> None:
        """Others measure too: before it proposes anything, and in between; zero and negative values among them."""
        found = self._tried(USUAL)
        others = self._tried(USUAL, seed=1).run(30)
        for number, config in enumerate(others.asked):
            if all(each.config != config for each in found.search.told):
                found.tell(config, (0.0, -1.5, worth(config))[number % 3])
                if config not in found.asked:
                    found.asked.append(config)
            if number % 3 == 2:
                found.run(1)

    def gives_several_at_once(self) -> None:
        """Eight questions before the first answer, and again when something is known."""
        found = self._tried(USUAL)
        for _ in range(4):
            batch = [found.ask() for _ in range(8)]
            for config in batch:
                found.tell(config, worth(config))

    def takes_answers_in_another_order(self) -> None:
        """The last question is answered first, and one never."""
        found = self._tried(USUAL)
        for _ in range(4):
            batch = [found.ask() for _ in range(5)]
            for config in batch[:0:-1]:
                found.tell(config, worth(config))

    def follows_the_seed(self) -> None:
        """The same seed and answers give the same questions, whatever the state of the global generators."""
        for ground, count in ((USUAL, 25), (LARGEST, 12)):
            runs = []
            for state in (1, 2):
                with other_randomness(state):
                    runs.append(self._tried(ground, seed=5).run(count).asked)
            self._same(runs[0], runs[1], f"the same seed and answers lead to other questions; {CHANCE}")

    def keeps_nothing_in_its_class(self) -> None:
        """Two searches that take turns do what each does alone."""
        alone = self._tried(USUAL, seed=3).run(20).asked
        one, other = self._tried(USUAL, seed=3), self._tried(USUAL, seed=4)
        for _ in range(20):
            one.run(1)
            other.run(1, lambda config: 1 / worth(config))
        self._same(alone, one.asked, "another search in the same process changes what is asked; keep all state in the instance")

    def repeats_a_search_by_a_model(self) -> None:
        """With a number of trials as its budget, so that nothing depends on the clock."""
        one, other = ([*self._by_model(trials=30).trials.done] for _ in range(2))
        self._same(one, other, f"a search by a model is not repeatable; {CHANCE}")

    def searches_by_a_model(self) -> None:
        """In turn with the descent and the walk in order of bounds: the optimum is proved."""
        outcome = self._by_model(None)
        best = outcome.trials.best
        if outcome.stop != "proved" or best is None or best.latency_us > _optimum_us() * (1 + 1e-12):
            raise Broken(
                f"{self.strategy.__qualname__} keeps a search by a model from its optimum: it ends as {outcome.stop} with {best}"
            )

    def searches_for_a_front(self) -> None:
        """For one objective that is not the latency, and for two if it says that it can."""
        for count in (1, 2) if self.strategy.several else (1,):
            model = Machine(count)
            with blamed(self.strategy, f"search for {count} objectives"):
                front = front_of(model, _surveyed(model))
                outcome = front_search(model, front, model.default(), Budget(None), sampler=register(self.strategy))
            if outcome.stop != "proved":
                raise Broken(f"{self.strategy.__qualname__} keeps a search for {count} objectives from its end: {outcome.stop}")

    def _tried(self, ground: Ground, seed: int = 0) -> Try:
        return Try(self.strategy, ground, self.slowest_s, seed)

    def _by_model(self, trials: int | None) -> Outcome:
        model = Machine()
        with blamed(self.strategy, "search by a model"):
            return search(model, _surveyed(model), model.default(), Budget(None, trials), sampler=register(self.strategy))

    def _same(self, one: Sequence[object], other: Sequence[object], why: str) -> None:
        pairs = enumerate(zip(one, other, strict=False))
        place = next((place for place, (this, that) in pairs if this != that), None)
        if place is not None or len(one) != len(other):
            raise Broken(f"{self.strategy.__qualname__}: {why} (from number {(place or 0) + 1} on)")


def _surveyed(model: Machine) -> Landscape:
    space = Space(model.tunables)
    return survey(model, space, space.index(model.default()))


def _optimum_us() -> float:
    """Of everything that is worth timing."""
    model = Machine()
    landscape = _surveyed(model)
    found = []
    for index in landscape.order.tolist():
        with suppress(Refused):
            found.append(model.measure(landscape.space.config(index)).latency_us)
    return min(found)
