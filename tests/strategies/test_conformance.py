"""Every strategy of ours keeps the contract, and the suite finds whoever breaks it, and says how."""

from __future__ import annotations

import math
import random
import time
from typing import Any, ClassVar

import numpy as np
import pytest

from tilery.tuner import registry
from tilery.tuner.conformance import Broken, check_strategy
from tilery.tuner.strategy import Candidates, Strategy


@pytest.mark.parametrize("name", registry.own_names())
def test_ours_keep_the_contract(name: str) -> None:
    package = registry.own(name).needs_package
    if package:
        pytest.importorskip(package)
    check_strategy(registry.find(name))


class Right(Strategy):
    """Random, with a memory of the best: what the broken ones below are made from."""

    several = True

    def __init__(self, candidates: Candidates, seed: int) -> None:
        super().__init__(candidates, seed)
        self.values: dict[int, float] = {}

    def propose(self) -> int | None:
        places = self.candidates.open()
        return int(self.generator.choice(places)) if len(places) else None

    def learn(self, number: int, values: tuple[float, ...], own: bool) -> None:
        self.values[number] = values[0]


class Idle(Right):
    """It never proposes anything, which is allowed: the others do."""

    def propose(self) -> int | None:
        return None


class Repeats(Right):
    """Proposes the best again."""

    def propose(self) -> int | None:
        if len(self.values) > 5 and len(self.values) % 6 == 0:
            return min(self.values, key=lambda each: self.values[each])
        return super().propose()


class ForgetsWhatIsUnderWay(Right):
    """Proposes the first that has no answer, which somebody may be measuring."""

    def propose(self) -> int | None:
        rows = range(len(self.values) + 1)
        return next(each for each in rows if each not in self.values)


class OutOfRange(Right):
    """Counts on."""

    def propose(self) -> int | None:
        return len(self.values) * 7


class NamesIt(Right):
    """Proposes a configuration in place of its number."""

    def propose(self) -> Any:
        number = super().propose()
        return (
            None
            if number is None
            else dict(zip(self.candidates.names, self.candidates.digits(np.array([number]))[0], strict=True))
        )


class Half(Right):
    """Proposes no whole number."""

    def propose(self) -> Any:
        return 0.5


class GlobalChance(Right):
    """Takes Python's own generator."""

    def propose(self) -> int | None:
        places = self.candidates.open()
        return int(random.choice(places)) if len(places) else None


class OldChance(Right):
    """Takes numpy's old one."""

    def propose(self) -> int | None:
        places = self.candidates.open()
        return int(np.random.choice(places)) if len(places) else None  # noqa: NPY002


class Shared(Right):
    """Keeps the number of its proposals in the class."""

    count: ClassVar[int] = 0

    def propose(self) -> int | None:
        places = self.candidates.open()
        type(self).count += 1
        return int(places[type(self).count % len(places)]) if len(places) else None


class FailsOnFailures(Right):
    """Rounds what it is told."""

    def learn(self, number: int, values: tuple[float, ...], own: bool) -> None:
        self.values[number] = round(values[0])


class NeedsASuccess(Right):
    """Takes the best of what did not fail, and there may be none."""

    def propose(self) -> int | None:
        if len(self.values) > 10:
            min(each for each in self.values.values() if math.isfinite(each))
        return super().propose()


class OnlyPositive(Right):
    """Takes the logarithm."""

    def learn(self, number: int, values: tuple[float, ...], own: bool) -> None:
        self.values[number] = math.log(values[0])


class OnlyItsOwn(Right):
    """Knows only what it has proposed."""

    def __init__(self, candidates: Candidates, seed: int) -> None:
        super().__init__(candidates, seed)
        self.mine: list[int] = []

    def propose(self) -> int | None:
        number = super().propose()
        self.mine += [] if number is None else [number]
        return number

    def learn(self, number: int, values: tuple[float, ...], own: bool) -> None:
        self.mine.remove(number)


class OneAtATime(Right):
    """Waits for an answer before it has another idea."""

    def __init__(self, candidates: Candidates, seed: int) -> None:
        super().__init__(candidates, seed)
        self.waiting: int | None = None

    def propose(self) -> int | None:
        assert self.waiting is None
        self.waiting = super().propose()
        return self.waiting

    def learn(self, number: int, values: tuple[float, ...], own: bool) -> None:
        self.waiting = None if number == self.waiting else self.waiting


class NeedsTwo(Right):
    """Draws two and takes one of them."""

    def propose(self) -> int | None:
        return int(self.generator.choice(self.candidates.open(), 2, replace=False)[0])


class NeedsNumbers(Right):
    """Scales every parameter by its largest value."""

    def __init__(self, candidates: Candidates, seed: int) -> None:
        super().__init__(candidates, seed)
        self.scale = [1 / max(float(each) for each in values if each is not None) for values in candidates.values]


class Thinks(Right):
    """Takes its time."""

    def propose(self) -> int | None:
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass
        return super().propose()


class OneObjective(Right):
    """Says that it takes several objectives, and takes one."""

    def learn(self, number: int, values: tuple[float, ...], own: bool) -> None:
        (self.values[number],) = values


class CountsOnBounds(Right):
    """Needs a model, and does not say so."""

    def propose(self) -> int | None:
        places = self.candidates.open()
        bounds: Any = self.candidates.bounds(places)
        return int(places[bounds[:, 0].argmin()]) if len(places) else None


BROKEN = [
    (Repeats, r"which is not open: it is infeasible, was proposed or told before"),
    (ForgetsWhatIsUnderWay, r"is not open"),
    (OutOfRange, r"is not open"),
    (NamesIt, r"the number of a configuration is expected"),
    (Half, r"proposed 0\.5; the number"),
    (GlobalChance, r"other questions; take `self.generator` for all chance \(from number 1 on\)"),
    (OldChance, r"other questions; take `self.generator`"),
    (Shared, r"keep all state in the instance|lead to other questions"),
    (FailsOnFailures, r"fails to learn inf|fails to learn 'does not compile'"),
    (NeedsASuccess, r"fails to propose number 12 .*ValueError"),
    (OnlyPositive, r"fails to learn 0\.0|fails to learn -1\.5"),
    (OnlyItsOwn, r"fails to learn"),
    (OneAtATime, r"fails to propose number 2 "),
    (NeedsTwo, r"fails to propose number 1 on one configuration"),
    (NeedsNumbers, r"fails to begin on"),
    (Thinks, r"0\.3 s of processor time for a question .* 0\.2 s are allowed"),
    (OneObjective, r"fails to search for 2 objectives"),
    (CountsOnBounds, r"fails to propose number 1 on one configuration: TypeError"),
]


@pytest.mark.parametrize(("strategy", "told"), BROKEN, ids=[each.__name__ for each, _ in BROKEN])
def test_a_broken_one_is_found_and_told(strategy: type[Strategy], told: str) -> None:
    with pytest.raises(Broken, match=told) as found:
        check_strategy(strategy, slowest_s=0.2)
    assert strategy.__qualname__ in str(found.value)


@pytest.mark.parametrize("strategy", [Right, Idle])
def test_one_that_is_plain_passes(strategy: type[Strategy]) -> None:
    check_strategy(strategy)


def test_one_that_needs_bounds_is_tried_where_there_are_some() -> None:
    check_strategy(type("Bounded", (CountsOnBounds,), {"needs_bounds": True}))
