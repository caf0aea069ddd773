"""The emulator against plain numpy: `python benchmarks/emulator.py [--processor] [--no-interpreters] [NAME ...]`.

Each contestant is what a numpy user would write first, on the same data in the same process; contestants take turns, so a noisy
machine is noisy for all, each after a pause in which the threads of the one before go to sleep. The ratio is best to best; below
1 a contestant is quicker than numpy with the better number of BLAS threads. torch, and the interpreters of Triton and Pallas,
take part where they are installed (`pip install tilery[bench]`); interpreters have to come close to what numpy gives on a smaller
shape before they race, in f32 (matmul in bf16 too), and run fewer rounds where they take long, at least one.
`--processor` measures the time of all processors together instead of the
clock's.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from tilery import dsl
from tilery.backends import emulator
from tilery.backends.truth import data
from tilery.dsl.program import Program
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

    @property
    def causal(self) -> bool:
        """For peers, which know attention only."""
        return self.constants.get("causal", False)


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


def specialised(race: Race, t: ElementType) -> Program:
    return dsl.load(KERNELS / f"{race.kernel}.tk").kernels[race.kernel].specialise({"T": t}, race.constants)


def contestants(race: Race, t: ElementType) -> dict[str, Callable[[], object]]:
    """What races: plain numpy, the emulator in both orders of accumulation (into results that exist), torch if it is there."""
    kernel = specialised(race, t)
    arguments = data.random_arguments(kernel, race.dims, 0)
    emulation, fast = (emulator.compile(kernel, race.dims, race.tiles, fast_accumulate=each) for each in (False, True))
    results = emulation(arguments)
    racing: dict[str, Callable[[], object]] = {
        "numpy": lambda: race.numpy(arguments),
        "numpy, 1 thread": lambda: single_threaded(lambda: race.numpy(arguments)),
        "emulator": lambda: emulation(arguments, results),
    }
    if {**emulation.sizes} != {**fast.sizes}:
        racing["fast"] = lambda: fast(arguments, results)
    return {**racing, **peers(race, arguments, t)}


def peers(race: Race, arguments: Arguments, t: ElementType) -> dict[str, Callable[[], object]]:
    """Those that are installed."""
    racing: dict[str, Callable[[], object]] = {}
    if find_spec("torch"):
        from emulator_torch import EXPRESSIONS, tensors

        given, expression = tensors(arguments), EXPRESSIONS["causal" if race.causal else race.kernel]
        racing["torch"] = lambda: expression(given)
    if "--no-interpreters" in sys.argv or race.dims.get("K", 0) > MOST_DEPTH or (t is BF16 and race.kernel != "matmul"):
        return racing
    small = {name: min(size, 2 * race.tiles.get(name.lower(), 64)) for name, size in race.dims.items()}
    if race.kernel == "attention":
        small |= {"S": 256, "L": 1024, "H": 2}
    few = data.random_arguments(specialised(race, t), small, 0)
    want = race.numpy(few)
    for name, make in interpreters().items():
        error = np.abs(make(race.kernel, few, small, race.tiles, race.causal)() - want).max() / np.abs(want).max()
        assert error < 0.02, f"{name} is off by {error:.1g} of the largest value"
        racing[name] = make(race.kernel, arguments, race.dims, race.tiles, race.causal)
    return racing


MOST_DEPTH = 2048
"""Interpreters would take minutes for deeper products."""


def interpreters() -> dict[str, Callable[..., Callable[[], Array]]]:
    """What makes a contestant for each interpreter of tile programs that is installed."""
    found: dict[str, Callable[..., Callable[[], Array]]] = {}
    if find_spec("torch") and find_spec("triton"):
        import emulator_triton

        found["triton"] = emulator_triton.contestant
    if find_spec("jax"):
        import emulator_pallas

        found |= {name: partial(emulator_pallas.contestant, interpreter=name) for name in emulator_pallas.INTERPRETERS}
    return found


@cache
def controller() -> ThreadpoolController:
    return ThreadpoolController()


def single_threaded(work: Callable[[], object]) -> None:
    with controller().limit(limits=1, user_api="blas"):
        work()


def clocked(work: Callable[[], object]) -> float:
    clock = time.process_time if PROCESSOR in sys.argv else time.perf_counter
    start = clock()
    work()
    return clock() - start


PAUSE_S = 0.04
"""Before each contestant's turn: OpenBLAS's threads spin for some 25 ms after a product before they sleep, and would take a
processor from whoever comes next, 19 ms instead of 12 for a matmul that follows numpy's."""
MOST = 60
"""Rounds, so that pauses do not take the most of the time of small kernels."""
PROCESSOR = "--processor"
"""Asks for the time of all processors together, which other work on a busy machine disturbs least."""


def raced(racing: Mapping[str, Callable[[], object]], seconds: float, pause_s: float = PAUSE_S) -> dict[str, list[float]]:
    """Seconds of every round: at least five rounds, and up to MOST in about `seconds`, interpreters and pauses apart."""
    for name, work in racing.items():
        if name not in INTERPRETERS:
            work()
    times: dict[str, list[float]] = {name: [] for name in racing}
    most = MOST if pause_s else sys.maxsize
    while (rounds := len(times["numpy"])) < 5 or (rounds < most and _spent(times) < seconds):
        for name, work in racing.items():
            settled(pause_s)
            if not (name in INTERPRETERS and sum(times[name]) > seconds / 4):
                times[name].append(clocked(work))
    single = times.pop("numpy, 1 thread")  # each as a person would run it, with the better number of threads
    times["numpy"] = min(times["numpy"], single, key=min)
    return times


def settled(pause_s: float) -> None:
    """Lets some time pass, awake, so that the processor does not slow down either."""
    until = time.perf_counter() + pause_s
    while time.perf_counter() < until:
        pass


def _spent(times: Mapping[str, list[float]]) -> float:
    return sum(sum(each) for name, each in times.items() if name not in INTERPRETERS)


INTERPRETERS = ("triton", "pallas", "pallas tpu")
"""They begin no round after a quarter of a race."""


def small_calls() -> dict[str, list[float]]:
    """Seconds of calls on arrays of 16 by 16: what a call costs that has next to nothing to compute."""
    from tilery.kernels import matmul as kernel

    logging.getLogger("tilery").setLevel(logging.ERROR)
    a = np.ones((16, 16), np.float32)
    return raced({"numpy": lambda: a @ a, "numpy, 1 thread": lambda: a @ a, "emulator": lambda: kernel(a, a)}, 0.5, 0)


def main() -> None:
    table = Table("kernel", "type", "contestant", "best ms", "median ms", "to numpy")
    chosen = [each for each in sys.argv[1:] if not each.startswith("--")]
    for name in chosen or [*RACES, "small call"]:
        race = RACES.get(name)
        for t in race.types if race else (F32,):
            times = raced(contestants(race, t), 8) if race else small_calls()
            base = min(times["numpy"])
            for who, each in times.items():
                row = (f"{min(each) * 1e3:.3f}", f"{median(each) * 1e3:.3f}", f"{min(each) / base:.2f}")
                table.add_row(name, t.name, who, *row)
            table.add_section()
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
