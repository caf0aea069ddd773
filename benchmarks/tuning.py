"""Does `tilery autotune` find the optimum, how soon, and what is it worth?

Run: `.venv/bin/python -m benchmarks.tuning [KERNEL...]`. For every shipped kernel on trn1 and trn2: the winner against the
exhaustive optimum, what it took, and the gain over the default. The exhaustive optimum is found without any bound: every
configuration of a small space is timed; of a larger one every program with every tile size and the slots that leave no room
for one more, besides random ones with any slots. That takes minutes. Last, the job of the README from start to end.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import tilery
from tilery.backends.machine.errors import Infeasible
from tilery.tuner.model.engine_model import EngineModel
from tilery.tuner.options import Options
from tilery.tuner.result import Result
from tilery.tuner.space.configurations import Indices, Space
from tilery.tuner.space.feasibility import survey

ROOT = Path(__file__).resolve().parent.parent
SHAPES: Mapping[str, Mapping[str, int]] = {
    "attention": {"H": 2, "S": 256, "L": 256, "D": 64},
    "linear_gelu": {"M": 384, "K": 512, "N": 500},
    "matmul": {"M": 512, "K": 512, "N": 700},
    "matmul_kmajor": {"M": 512, "K": 1024, "N": 1024},
    "rmsnorm": {"M": 1000, "N": 2048},
    "softmax": {"M": 2048, "N": 2000},
}
"""Small enough to time every program there is."""
ALL = 5_000
"""Spaces of so many configurations are timed with all their slots."""
RANDOM = 1_000
"""Of larger ones, so many with any slots besides."""
MAIN_JOB = ["autotune", str(ROOT / "kernels/matmul.tk"), "M=2048", "K=4096", "N=14336", "T=bf16", "--chip", "trn2"]
TILERY = [sys.executable, "-u", "-m", "tilery"]


@dataclass(frozen=True)
class Line:
    """What one tuning came to."""

    result: Result
    optimum_us: float
    timed: int
    """How many configurations the optimum is the best of."""


def tuned(name: str, chip: str) -> Line:
    """Tunes a kernel, then times everything."""
    pipeline = tilery.load(ROOT / "kernels" / f"{name}.tk")[name].pipeline(SHAPES[name], chip)
    result = pipeline.tune(Options(budget_s=20.0))
    model, space = EngineModel(pipeline.program, pipeline.dims, pipeline.chip), Space(pipeline.tunables)
    latencies = list(measured(model, space, exhaustive(model, space)))
    return Line(result, min(latencies), len(latencies))


def exhaustive(model: EngineModel, space: Space) -> Indices:
    """What has to be timed to know the optimum."""
    if space.size <= ALL:
        return np.arange(space.size)
    landscape = survey(model, space, space.index(model.default()))
    assert landscape.whole
    drawn = np.random.default_rng(0).integers(space.size, size=10 * RANDOM)
    fits = drawn[np.isfinite(landscape.bounds_of(drawn))][:RANDOM]
    return np.concatenate([landscape.order, fits])


def measured(model: EngineModel, space: Space, chosen: Iterable[int]) -> Iterator[float]:
    """The latencies of those that fit."""
    for index in chosen:
        try:
            yield model.measure(space.config(int(index))).latency_us
        except Infeasible:
            continue


def row(line: Line) -> tuple[str, ...]:
    """A line of the table."""
    found = line.result
    shape = " ".join(f"{name}={size}" for name, size in found.dims.items())
    over = found.latency_us / line.optimum_us - 1
    said = "proved" if found.stop == "proved" else f"{found.stop}, at most {found.headroom:.1%} left"
    return (
        f"{found.kernel} {shape}",
        found.chip,
        f"{found.space:,}",
        f"{found.feasible:,}",
        f"{found.latency_us:,.2f}",
        "equal" if abs(over) < 1e-9 else f"{over:+.2%}",
        f"{line.timed:,}",
        f"{found.evaluated:,}",
        f"{found.wall_s:.1f}",
        f"{found.gain:.2f}x",
        said,
    )


def main_job() -> None:
    """Times the README's command, to its first answer and to its end."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = [*TILERY, *MAIN_JOB, "--output", str(Path(folder) / "matmul.tuned.json")]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as job:
            assert job.stderr
            first = job.stderr.readline().strip()
            first_s = time.perf_counter() - start
            job.stderr.read()
    print(f"first answer after {first_s:.2f} s (at most 1 s): {first}")
    print(f"main job, start to end: {time.perf_counter() - start:.2f} s (at most 5 s)")


def main() -> None:
    """Prints the table, a kernel at a time."""
    columns = (
        *("kernel and shape", "chip", "space", "fit", "winner, us", "to optimum", "optimum of", "timed", "s", "over default"),
        "ended",
    )
    names = sys.argv[1:] or list(SHAPES)
    table = Table(*columns, box=None)
    for name in names:
        for chip in ("trn1", "trn2"):
            table.add_row(*row(tuned(name, chip)))
            print(f"{name} {chip} done", file=sys.stderr, flush=True)
    Console(width=190).print(table)
    main_job()


if __name__ == "__main__":
    main()
