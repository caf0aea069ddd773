"""The beginning of every way of tuning: the model's own pick, the screening of the space, and configurations known before."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tilery.backends.tunable import Config

from .budget import Budget, Times
from .model.protocol import TuningModel
from .options import Options
from .progress import Progress, Watcher
from .results.adapt import adapt
from .setting_up import setting_up
from .space.configurations import Space
from .space.feasibility import Landscape, survey

SHORT, SHORT_S = 0.25, 10.0
"""A search that measures, or helps another one, screens no longer than this part of its time, and no longer than that."""

PICKING = 0.25
"""The part of the search's time after which the model's own pick is the best so far."""


@dataclass(frozen=True)
class Prepared:
    """What a search begins with."""

    model: TuningModel
    options: Options
    times: Times
    default: Config
    landscape: Landscape
    watch: Watcher | None = None

    @property
    def known(self) -> list[Config]:
        """The configurations to start from, as this space has them, without what may not be chosen here."""
        adapted = [adapt(config, self.landscape.space.tunables) for config in self.options.seeds]
        return feasible(self.landscape, adapted)

    @property
    def budget(self) -> Budget:
        """Of the search. Interrupted already, it times the default alone, which there is an answer with."""
        if self.landscape.interrupted:
            return Budget(None, 1)
        left_s = self.times.searching.left_s
        return Budget(None if math.isinf(left_s) else left_s, self.options.trials)


@dataclass(frozen=True)
class SetUp:
    """What there is before the screening."""

    model: TuningModel
    options: Options
    times: Times
    watch: Watcher | None
    default: Config
    space: Space
    by_model: bool
    told: Callable[[int, int], None] | None

    def screened(self, part: float = SHORT, most_s: float = SHORT_S) -> Prepared:
        """Screens for `part` of the time that the search has, and for `most_s` at most."""
        end = self.times.searching.share(part).by(most_s)
        patience_s = None if math.isinf(end.left_s) else end.left_s
        start, seed = self.space.index(self.default), self.options.seed
        landscape = survey(self.model, self.space, start, seed, self.told, patience_s, end, self.by_model)
        return Prepared(self.model, self.options, self.times, self.default, landscape, self.watch)


def set_up(model: TuningModel, options: Options, times: Times, watch: Watcher | None = None, *, by_model: bool = False) -> SetUp:
    """The default and the space. Raises `NotSetUp` where that takes longer than there is time.

    If it is the model that has the last word, with `by_model`, its figure for the default is told as a first answer, and Ctrl-C
    ends the screening with what has been screened.
    """
    with setting_up(model.kernel.name, times):
        default, space = model.default(times.searching.share(PICKING)), Space(model.tunables)
        told = screening(times, watch, default, model.measure(default).latency_us) if by_model else screening(times, watch)
    return SetUp(model, options, times, watch, default, space, by_model, told)


def feasible(landscape: Landscape, configs: Sequence[Config]) -> list[Config]:
    """Those that may be chosen: an earlier tuning may have had another error bound."""
    return [each for each in configs if np.isfinite(landscape.bounds_of(np.array([landscape.space.index(each)]))[0])]


def screening(
    times: Times, watch: Watcher | None, default: Config | None = None, default_us: float | None = None
) -> Callable[[int, int], None] | None:
    """What tells a watcher of the screening, in the form in which `survey` takes it; the default is a first answer."""
    if watch is None:
        return None

    def told(done: int, total: int) -> None:
        watch(Progress("screen", done, total, times.elapsed_s, done / total, default_us, default, default_us))

    return told
