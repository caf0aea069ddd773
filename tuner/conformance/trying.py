"""A strategy tried once: what it proposes on a ground, with every step checked."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from ..asking import Exhausted, Search
from ..space.given import Value
from ..strategy import Strategy
from .grounds import Ground, worth

Answer = Callable[[dict[str, Value]], float | str]
"""What is told of a configuration: its value, or why it failed."""


class Broken(AssertionError):
    """A strategy does not keep its contract; the message says in which point, where, and what to do."""


@contextmanager
def blamed(strategy: type[Strategy], what: str) -> Iterator[None]:
    """Reports an error in the block as the strategy's fault while it was to do `what`."""
    try:
        yield
    except (Broken, Exhausted, KeyboardInterrupt):
        raise
    except Exception as error:  # the strategy is somebody else's code and may raise anything
        raise Broken(f"{strategy.__qualname__} fails to {what}: {type(error).__name__}: {error}") from error


@dataclass
class Try:
    """A search with one strategy on one ground."""

    strategy: type[Strategy]
    ground: Ground
    slowest_s: float
    """The processor time that a question may take."""
    seed: int = 0
    asked: list[dict[str, Value]] = field(default_factory=list)

    def __post_init__(self) -> None:
        with blamed(self.strategy, f"begin on {self.ground.name}"):
            self.search = Search(self.ground.space, self.ground.allowed, sampler=self.strategy, seed=self.seed)

    def ask(self) -> dict[str, Value]:
        """The next configuration."""
        begin = time.process_time()
        with blamed(self.strategy, f"propose number {len(self.asked) + 1} on {self.ground.name}"):
            config = self.search.ask()
        if (took_s := time.process_time() - begin) > self.slowest_s:
            raise Broken(
                f"{self.strategy.__qualname__} takes {took_s:.1f} s of processor time for a question on {self.ground.name}, and "
                f"{self.slowest_s:g} s are allowed; a budget is the search's, and not the strategy's"
            )
        if not self.ground.allowed(config):
            raise Broken(f"{self.strategy.__qualname__} proposes what is infeasible on {self.ground.name}: {config}")
        if config in self.asked:
            raise Broken(f"{self.strategy.__qualname__} proposes the same twice on {self.ground.name}: {config}")
        self.asked.append(config)
        return config

    def tell(self, config: dict[str, Value], value: float | str) -> None:
        """What came of it."""
        with blamed(self.strategy, f"learn {value!r} on {self.ground.name}"):
            self.search.tell(config, value)

    def run(self, count: int, answer: Answer = worth) -> Try:
        """Asks and tells so many times, or until everything has been asked for."""
        for _ in range(count):
            try:
                config = self.ask()
            except Exhausted:
                break
            self.tell(config, answer(config))
        return self


@contextmanager
def other_randomness(seed: int) -> Iterator[None]:
    """Changes the state of the global generators inside the block, so that a strategy that uses them is found out."""
    before, numpy_before = random.getstate(), np.random.get_state()  # noqa: NPY002  # the legacy one is meant
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)  # noqa: NPY002
