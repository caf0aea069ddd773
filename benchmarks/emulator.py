"""The emulator against plain numpy: `python benchmarks/emulator.py [NAME ...]`.

Each contestant is what a numpy user would write first, on the same data in the same process; contestants take turns, so a noisy
machine is noisy for both. The ratio is best to best; below 1 the emulator is the quicker.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tilery import dsl
from tilery.backends import data, emulator
from tilery.dsl.types import BF16, F32, ElementType

KERNELS = Path(__file__).parents[1] / "kernels"
Array = NDArray[Any]
Arguments = Mapping[str, Any]


def matmul(a: Arguments) -> Array:
    return np.asarray(wide(a["a"]) @ wide(a["b"]))


def softmax(a: Arguments) -> Array:
    x = wide(a["x"])
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def rmsnorm(a: Arguments) -> Array:
    x = wide(a["x"])
    return np.asarray(x / np.sqrt((x * x).mean(axis=1, keepdims=True) + np.float32(1e-5)) * wide(a["weight"]))


def linear_gelu(a: Arguments) -> Array:
    from scipy.special import erf

    h = wide(a["x"]) @ wide(a["w"]) + wide(a["bias"])
    return np.asarray(np.float32(0.5) * h * (1 + erf(h * np.float32(0.7071067811865476))))


def attention(a: Arguments) -> Array:
    s = wide(a["q"]) @ wide(a["k"]).transpose(0, 2, 1) * np.float32(a["scale"])
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True) @ wide(a["v"]))


def causal_attention(a: Arguments) -> Array:
    s = wide(a["q"]) @ wide(a["k"]).transpose(0, 2, 1) * np.float32(a["scale"])
    s = np.where(np.tri(*s.shape[1:], dtype=np.bool_), s, np.float32(-np.inf))
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True) @ wide(a["v"]))


def wide(x: Array) -> Array:
    return x.astype(np.float32, copy=False)


@dataclass(frozen=True, slots=True)
class Race:
    """One kernel at one shape."""

    kernel: str
    dims: dict[str, int]
    tiles: dict[str, int]
    numpy: Callable[[Arguments], Array]
    types: tuple[ElementType, ...] = (F32,)
    constants: dict[str, bool] = field(default_factory=dict)


ATTENTION = {"H": 16, "S": 2048, "L": 2048, "D": 64}, {"h": 1, "i": 128, "j": 512}
RACES = {
    "matmul": Race("matmul", {"M": 1024, "N": 1024, "K": 1024}, {"m": 128, "n": 512, "k": 128}, matmul, (F32, BF16)),
    "tiles of 32": Race("matmul", {"M": 512, "N": 512, "K": 512}, {"m": 32, "n": 32, "k": 32}, matmul),
    "matmul 4096": Race("matmul", {"M": 4096, "N": 4096, "K": 4096}, {"m": 512, "n": 512, "k": 512}, matmul),
    "linear_gelu": Race("linear_gelu", {"M": 2048, "N": 2048, "K": 2048}, {"m": 128, "n": 512, "k": 128}, linear_gelu),
    "softmax": Race("softmax", {"M": 4096, "N": 4096}, {"m": 128}, softmax, (F32, BF16)),
    "rmsnorm": Race("rmsnorm", {"M": 4096, "N": 4096}, {"m": 128}, rmsnorm, (F32, BF16)),
    "attention": Race("attention", *ATTENTION, attention, (F32, BF16), {"causal": False}),
    "causal": Race("attention", *ATTENTION, causal_attention, (F32, BF16), {"causal": True}),
}


def clocked(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def raced(race: Race, t: ElementType, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of every round: of numpy, of the emulator (into results that exist already, as in a tuning loop)."""
    definition = dsl.load(KERNELS / f"{race.kernel}.tk").kernels[race.kernel]
    kernel = definition.specialise({"T": t}, race.constants)
    arguments = data.random_arguments(kernel, race.dims, 0)
    emulation = emulator.compile(kernel, race.dims, race.tiles)
    results = emulation(arguments)
    race.numpy(arguments)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        times[0].append(clocked(lambda: race.numpy(arguments)))
        times[1].append(clocked(lambda: emulation(arguments, results)))
    return times


def main() -> None:
    table = Table("kernel", "type", "numpy ms", "emulator ms", "median", "ratio")
    names = sys.argv[1:] or list(RACES)
    for name in names:
        race = RACES[name]
        for t in race.types:
            plain, ours = raced(race, t, 7 if name not in ("attention", "causal") else 3)
            best, own = min(plain) * 1e3, min(ours) * 1e3
            table.add_row(
                name,
                t.name,
                f"{best:.1f}",
                f"{own:.1f}",
                f"{median(plain) * 1e3:.1f} / {median(ours) * 1e3:.1f}",
                f"{own / best:.2f}",
            )
    Console().print(table)


if __name__ == "__main__":
    main()
