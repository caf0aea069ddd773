"""How close `tilery.tuner.Search` comes to the optimum of spaces that are known whole, after 40 and after 100 evaluations.

Run: `.venv/bin/python -m benchmarks.search [SEEDS [SAMPLER...]]`. Prints, for each sampler and space, the median over seeds of
the best value found over the optimum: 1.05 is within 5 %.
"""

from __future__ import annotations

import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product

from benchmarks.spaces import Brute, spaces
from tilery.tuner import Search

SAMPLERS = ("surrogate", "descent", "random", "tpe")
COUNTS = (40, 100)
Run = tuple[str, int, int]
"""Sampler, which space, seed."""


@cache
def known() -> tuple[Brute, ...]:
    return tuple(spaces())


def ratios(run: Run) -> list[float]:
    sampler, number, seed = run
    space = known()[number]
    search = Search(space.space, space.feasible, sampler=sampler, seed=seed)
    found = []
    for count in range(1, COUNTS[-1] + 1):
        config = search.ask()
        search.tell(config, space.measure(config))
        if count in COUNTS:
            assert search.best
            found.append(search.best.value / space.best)
    return found


def main(seeds: int = 5, *samplers: str) -> None:
    names = [space.name for space in known()]
    runs = list(product(samplers or SAMPLERS, range(len(names)), range(seeds)))
    with ProcessPoolExecutor(2) as workers:
        results = dict(zip(runs, workers.map(ratios, runs), strict=True))
    print(f"{'':10}" + "".join(f"{name:>16}" for name in [*names, "all"]))
    for sampler in samplers or SAMPLERS:
        groups = [[results[sampler, number, seed] for seed in range(seeds)] for number in range(len(names))]
        groups.append([found for group in groups for found in group])
        cells = ["  ".join(f"{statistics.median(column):.3f}" for column in zip(*group, strict=True)) for group in groups]
        print(f"{sampler:10}" + "".join(f"{cell:>16}" for cell in cells), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, *sys.argv[2:])
