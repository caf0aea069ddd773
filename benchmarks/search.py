"""How close `tilery.tuner.Search` comes to the optimum of spaces that are known whole, after 40 and after 100 evaluations.

Run: `OMP_NUM_THREADS=1 .venv/bin/python -m benchmarks.search [--seeds 10] [--held-out] [SAMPLER...]`. Prints, for each sampler
and space, the median over seeds of the best value found, in percent over the optimum, after 40 and after 100 evaluations; and
over all spaces and seeds the median, and in how many of ten runs the goals, 5 % and 1 %, are met.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib import import_module
from itertools import product

from benchmarks.brute import Brute
from benchmarks.spaces import DEVELOPED_ON, HELD_OUT
from tilery.tuner import Search

SAMPLERS = ("surrogate", "descent", "random", "tpe")
COUNTS = (40, 100)
GOALS = (0.05, 0.01)
Run = tuple[str, bool, int, int]
"""Sampler, whether held out, which space, seed."""
Found = tuple[float, ...]
"""By count: how far the best is from the optimum, as a share; last, the most processor seconds that a question took."""


@cache
def known(held_out: bool) -> tuple[Brute, ...]:
    return tuple(make() for make in (HELD_OUT if held_out else DEVELOPED_ON))


def replayed(run: Run) -> Found:
    import_module("tilery.tuner.strategies.parts.process")  # brings scipy along, which is not part of a question
    sampler, held_out, number, seed = run
    space = known(held_out)[number]
    search = Search(space.space, space.feasible, sampler=sampler, seed=1000 * number + seed)
    found, slowest_s = [], 0.0
    for count in range(1, COUNTS[-1] + 1):
        begin = time.process_time()
        config = search.ask()
        slowest_s = max(slowest_s, time.process_time() - begin)
        search.tell(config, space.measure(config))
        if count in COUNTS:
            assert search.best
            found.append(search.best.value / space.best - 1)
    return *found, slowest_s


def cell(group: Sequence[Found]) -> str:
    return "  ".join(f"{100 * statistics.median(each[place] for each in group):5.1f}" for place in range(len(COUNTS)))


def met(group: Sequence[Found]) -> str:
    shares = [statistics.mean(each[place] <= goal for each in group) for place, goal in enumerate(GOALS)]
    return "  ".join(f"{10 * share:4.1f}" for share in shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samplers", nargs="*", default=SAMPLERS)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--held-out", action="store_true", help="the spaces that nothing was developed on")
    given = parser.parse_args()
    spaces = known(given.held_out)
    for space in spaces:
        size, near = len(space.table), space.share_within(1.05)
        print(f"{space.name:14}{size:7,} configurations, {near:.2%} within 5 %, the median at {space.median:.1f}x the optimum")
    runs = list(product(given.samplers, [given.held_out], range(len(spaces)), range(given.seeds)))
    with ProcessPoolExecutor(2) as workers:
        results = dict(zip(runs, workers.map(replayed, runs), strict=True))
    print(
        f"{'':10}"
        + "".join(f"{name[:13]:>14}" for name in [*(space.name for space in spaces), "all", "met of 10"])
        + "  slowest ask"
    )
    for sampler in given.samplers:
        groups = [
            [results[sampler, given.held_out, number, seed] for seed in range(given.seeds)] for number in range(len(spaces))
        ]
        every = [found for group in groups for found in group]
        cells = [*map(cell, groups), cell(every), met(every)]
        slowest_s = max(each[-1] for each in every)
        print(f"{sampler:10}" + "".join(f"{each:>14}" for each in cells) + f"  {slowest_s:6.2f} s", flush=True)


if __name__ == "__main__":
    main()
