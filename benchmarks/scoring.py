"""How fast the model scores: arrays of configurations, and one configuration lowered and timed.

    python benchmarks/scoring.py
    python benchmarks/scoring.py --save configurations.json      draws them, and keeps them
    python benchmarks/scoring.py --use configurations.json       takes those, in this checkout or in another one

Times are the processor's, so that what else the machine does counts less; rates are medians over repetitions. Every knob is
drawn by its name, whatever other knobs there are. To compare two commits, both score the configurations that one has saved:
what one of them does not know keeps its default there.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
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
    """How long the processor works on it."""
    start = time.process_time()
    work()
    return time.process_time() - start


def drawn(space: Mapping[str, int], rows: int, seed: int) -> dict[str, np.ndarray]:
    """Random configurations as columns of choice indices: a column depends on its knob's name and number of choices alone."""
    return {
        name: np.random.default_rng((seed, zlib.crc32(name.encode()))).integers(0, size, rows) for name, size in space.items()
    }


def singles(kernel: Program, dims: Mapping[str, int], count: int) -> list[Config]:
    """Random feasible configurations."""
    chip, space = load_chip("trn2"), engine.tunables(kernel, dims, load_chip("trn2"))
    columns = drawn({each.name: len(each.values) for each in space}, 20_000, 1)
    fits = np.flatnonzero(engine.screen(kernel, dims, chip, columns).limit == 0)[:count]
    return [{each.name: each.values[int(columns[each.name][row])] for each in space} for row in fits]


def known(kernel: Program, dims: Mapping[str, int], configs: list[Config]) -> list[Config]:
    """Configurations of another commit, without what this one does not know; those that fit here."""
    chip = load_chip("trn2")
    values = {each.name: each.values for each in engine.tunables(kernel, dims, chip, settable=True)}
    kept = [{name: value for name, value in config.items() if value in values.get(name, ())} for config in configs]
    found: list[Config] = []
    for config in kept:
        try:
            engine.lower(kernel, dims, chip, config)
        except engine.Infeasible:
            continue
        found.append(config)
    return found


def score(kernel: Program, dims: Mapping[str, int], config: Config) -> engine.Report:
    """Lowers and times one configuration."""
    return engine.simulate(engine.lower(kernel, dims, load_chip("trn2"), config))


def main() -> None:
    """Prints a line a kernel."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", type=Path, help="where to keep the configurations that are lowered and timed")
    parser.add_argument("--use", type=Path, help="where they were kept")
    asked = parser.parse_args()
    chip, saved = load_chip("trn2"), json.loads(asked.use.read_text()) if asked.use else {}
    table = Table("kernel", "screened a second", "knobs found, ms", "timed", "one lowered and timed, ms: median", "the slowest")
    drew: dict[str, list[Config]] = {}
    for name, dims in SHAPES.items():
        kernel = load(KERNELS / f"{name}.tk").kernels[name].specialise({"T": BF16}, {})
        found_ms = 1e3 * seconds(partial(engine.tunables, kernel, dims, chip))
        sizes = {each.name: len(each.values) for each in engine.tunables(kernel, dims, chip)}
        columns = [drawn(sizes, ROWS, seed) for seed in range(REPEATS)]
        rate = ROWS / median(seconds(partial(engine.screen, kernel, dims, chip, each)) for each in columns)
        drew[name] = known(kernel, dims, saved[name]) if name in saved else singles(kernel, dims, SINGLES)
        fresh = load(KERNELS / f"{name}.tk").kernels[name].specialise({"T": BF16}, {})
        each_ms = [1e3 * seconds(partial(score, fresh, dims, config)) for config in drew[name]]
        numbers = (f"{rate:,.0f}", f"{found_ms:.1f}", str(len(each_ms)), f"{median(each_ms):.2f}", f"{max(each_ms):.1f}")
        table.add_row(name, *numbers)
    Console(width=110).print(table)
    if asked.save:
        asked.save.write_text(json.dumps(drew, indent=1))


if __name__ == "__main__":
    main()
