"""How fast the model scores: arrays of configurations, and one configuration lowered and timed.

    python benchmarks/scoring.py

Rates are medians over repetitions in one process; the kernels take turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.tunable import Config
from tilery.dsl import load
from tilery.dsl.program import Program
from tilery.dsl.types import BF16

KERNELS = Path(__file__).parents[1] / "kernels"
SHAPES: dict[str, dict[str, int]] = {
    "matmul": {"M": 2048, "K": 4096, "N": 14336},
    "matmul_kmajor": {"M": 4096, "K": 8192, "N": 8192},
    "linear_gelu": {"M": 2048, "K": 4096, "N": 14336},
    "softmax": {"M": 4096, "N": 4096},
    "rmsnorm": {"M": 4096, "N": 4096},
    "attention": {"H": 32, "S": 2048, "L": 2048, "D": 128},
}
ROWS, REPEATS, SINGLES = 100_000, 5, 60


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def drawn(space: Mapping[str, int], rows: int, seed: int) -> dict[str, np.ndarray]:
    """Random configurations as columns of choice indices."""
    generator = np.random.default_rng(seed)
    return {name: generator.integers(0, size, rows) for name, size in space.items()}


def singles(kernel: Program, dims: Mapping[str, int], count: int) -> list[Config]:
    """Random feasible configurations."""
    chip, space = load_chip("trn2"), engine.tunables(kernel, dims, load_chip("trn2"))
    columns = drawn({each.name: len(each.values) for each in space}, 20_000, 1)
    fits = np.flatnonzero(engine.screen(kernel, dims, chip, columns).limit == 0)[:count]
    return [{each.name: each.values[int(columns[each.name][row])] for each in space} for row in fits]


def score(kernel: Program, dims: Mapping[str, int], config: Config) -> engine.Report:
    """Lowers and times one configuration."""
    return engine.simulate(engine.lower(kernel, dims, load_chip("trn2"), config))


def main() -> None:
    """Prints a line a kernel."""
    chip = load_chip("trn2")
    table = Table("kernel", "screened a second", "one lowered and timed, ms: median", "worst of 60")
    for name, dims in SHAPES.items():
        kernel = load(KERNELS / f"{name}.tk").kernels[name].specialise({"T": BF16}, {})
        sizes = {each.name: len(each.values) for each in engine.tunables(kernel, dims, chip)}
        columns = [drawn(sizes, ROWS, seed) for seed in range(REPEATS)]
        rate = ROWS / median(seconds(partial(engine.screen, kernel, dims, chip, each)) for each in columns)
        each_ms = [1e3 * seconds(partial(score, kernel, dims, config)) for config in singles(kernel, dims, SINGLES)]
        table.add_row(name, f"{rate:,.0f}", f"{median(each_ms):.1f}", f"{max(each_ms):.1f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
