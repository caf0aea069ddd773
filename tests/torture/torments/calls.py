"""The Python API with arguments of every wrong kind: `TileryError`, `TypeError`, `ValueError`, and nothing else."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

import tilery
from tilery.dsl.errors import TileryError
from tilery.kernel import Kernel

from ..nasty import devices
from ..torment import ROOT, Fault, Torment

FINE = (TileryError, TypeError, ValueError)
TYPES = [
    np.float32,
    np.float16,
    np.float64,
    ml_dtypes.bfloat16,
    ml_dtypes.float8_e4m3fn,
    np.int32,
    np.int64,
    np.uint8,
    np.bool_,
    np.complex64,
]
PLAIN: list[Any] = [
    None, -1, 0, 1.5, float("nan"), float("inf"), True, 10**30, -(10**30), "", "x", "bf16", b"x", (), [], {}, {"x": 1}, [1],
    (1, 2), [[1], [2, 3]], object(), print, np.float64(3), np.int8(-1), np.float32("nan"), np.str_("x"), Path("x"), 1j, range(3),
    Ellipsis, int, "9" * 5000, "\x00",
]  # fmt: skip


@cache
def kernel(name: str) -> Kernel:
    return tilery.load(ROOT / "kernels" / f"{name}.tk", tuned="/proc/nowhere.tuned.json")[name]


def array(choose: random.Random) -> Any:
    """An array of some shape, type and layout."""
    shape = choose.choice([(), (0,), (3,), (4, 5), (5, 4), (0, 4), (4, 0), (3, 4, 5), (4, 4)])
    made = np.ones(shape, np.float32).astype(choose.choice(TYPES))
    match choose.randrange(12):
        case 0:
            return made[::-1] if made.ndim else made
        case 1:
            return np.ma.masked_array(made, mask=True)
        case 2:
            return made.astype(object)
        case 3:
            return made.astype(">f4") if made.dtype != np.complex64 else made
        case 4:
            return np.lib.stride_tricks.as_strided(np.ones(1, np.float32), (4, 5), (0, 0))
        case 5:
            return np.array([("a", 1)], dtype=[("name", "U1"), ("size", "i4")])
        case 6:
            made.flags.writeable = False
        case 7:
            return np.full(shape, np.nan, np.float32)
        case 8:
            return made.T
        case 9:
            return np.array("2020-01-01", "datetime64[D]")
    return made


def anything(choose: random.Random) -> Any:
    """Something that may be an argument or not."""
    return array(choose) if choose.random() < 0.4 else choose.choice(PLAIN)


def calls(choose: random.Random) -> Callable[[], object]:
    """A kernel called."""
    name = choose.choice(["softmax", "matmul", "rmsnorm", "attention"])
    x = np.ones((4, 4), np.float32)
    rights: dict[str, list[Any]] = {"softmax": [x], "matmul": [x, x], "rmsnorm": [x, np.ones(4, np.float32), 1e-6]}
    right = rights.get(name, [x[None]] * 3)
    given: list[Any] = [anything(choose) if choose.random() < 0.4 else each for each in right]
    if choose.random() < 0.2:
        given = given[: choose.randint(0, len(given))] + [anything(choose)] * choose.randint(0, 2)
    named = (
        {choose.choice(["out", "x", "scale", "a", "T", "self", "", "causal"]): anything(choose)} if choose.random() < 0.4 else {}
    )
    return lambda: kernel(name)(*given, **named)


def simulates(choose: random.Random) -> Callable[[], object]:
    """`simulate`, `space`, `pipeline`."""
    names: dict[str, Any] = {"M": 64, "K": 32, "N": 48, "T": "bf16"}
    names |= {choose.choice(["M", "K", "T", "X", ""]): choose.choice(PLAIN)} if choose.random() < 0.6 else {}
    more: dict[str, Any] = {"config": choose.choice(PLAIN)} if choose.random() < 0.3 else {}
    more |= {"what_if": choose.choice(PLAIN)} if choose.random() < 0.3 else {}
    if choose.random() < 0.3:
        more = {"config": {choose.choice(["m", "k", "x", "buffers.a", 1]): choose.choice(PLAIN)}}
    more |= {"chip": choose.choice([*PLAIN, "trn1"])} if choose.random() < 0.3 else {}
    if choose.random() < 0.2:
        return lambda: kernel("matmul").space(chip=more.get("chip", "trn2"), **names)
    return lambda: kernel("matmul").simulate(**more, **names)


TUNED = ["shapes", "trials", "budget", "seed", "jobs", "objective", "sampler", "measure", "measure_timeout", "storage", "grace"]
TUNED += ["chip", "max_error", "resume", "output", "save", "progress"]


def tunes(choose: random.Random) -> Callable[[], object]:
    """`autotune` with one thing wrong."""
    options: dict[str, Any] = {"shapes": {"M": 20, "N": 30, "T": "f32"}, "trials": 2, "output": "out.json", "budget": 0.5}
    wrong = choose.choice(TUNED)
    options[wrong] = choose.choice(
        [each for each in PLAIN if not (wrong == "jobs" and isinstance(each, (int, float)) and each > 2)]
    )
    if options["budget"] is None:
        options["budget"] = choose.choice([-1, "1x", float("nan"), "-3s", 0])
    if wrong == "shapes" and choose.random() < 0.7:
        options["shapes"] = {"M": choose.choice(PLAIN), "N": 30}
    return lambda: tilery.autotune(kernel("softmax"), **options)


def loads(choose: random.Random) -> Callable[[], object]:
    """`load`, and what it gives."""
    given: Any = choose.choice([*PLAIN, ROOT, "null", ROOT / "kernels" / "matmul.tk"])
    tuned: Any = choose.choice([*PLAIN, None, None])
    name: Any = choose.choice(["matmul", "x", None, 1])
    return lambda: tilery.load(given, tuned=tuned)[name]


def misused(choose: random.Random, folder: Path) -> None:
    """One call of the API that is probably wrong."""
    os.chdir(folder)
    devices(folder)
    made = choose.choices([calls, simulates, tunes, loads], [6, 3, 1, 1])[0](choose)
    with suppress(*FINE):
        try:
            made()
        except FINE:
            raise
        except Exception as error:
            cells = {
                name: repr(cell.cell_contents)[:500]
                for name, cell in zip(made.__code__.co_freevars, made.__closure__ or (), strict=True)
            }
            raise Fault(f"{type(error).__name__}: {str(error)[:1000]}\n{cells}", {"call.txt": repr(cells)}) from error


CALLS = Torment("python", "the Python API with arguments of every wrong kind", misused, limit_s=40)
