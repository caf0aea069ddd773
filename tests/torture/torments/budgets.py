"""Tunings of kernels with many knobs: over when the budget is, small in memory, a first word at once."""

from __future__ import annotations

import random
import time
from pathlib import Path

from ...generated import kernel_text
from ..children import busy, tilery
from ..seen import judge
from ..torment import ROOT, Fault, Torment

GRACE_S = 1.0
"""What a tuning may take beyond its budget."""
STARTING_S = 1.0
"""What Python and the imports take before there is any budget; more where the machine is busy."""
MEMORY_BYTES = 500 << 20
LIMIT_S = 60.0


def heavy(choose: random.Random) -> str:
    """A kernel of many loads and many results: a space that nobody can list."""
    loads = choose.randint(4, 12)
    names = [f"x{at}" for at in range(loads)]
    results = [f"y{at}" for at in range(choose.randint(1, loads))]
    signature = ", ".join(f"{each}: T[M, N]" for each in names)
    given = ", ".join(f"{each}: T[M, N]" for each in results)
    given = f"({given})" if len(results) > 1 else given
    lines = [f"kernel heavy({signature}) -> {given}:", "    tile m of M, n of N:"]
    for at, each in enumerate(results):
        some = choose.sample(names, choose.randint(2, min(4, loads)))
        text = choose.choice([" + ", " * ", " - "]).join(f"{one}[m, n]" for one in [names[at], *some])
        lines.append(f"        {each}[m, n] = {choose.choice(['{}', 'exp({})', 'relu({}) * 2', 'max({}, 0)']).format(text)}")
    return "\n".join(lines) + "\n"


def drawn(choose: random.Random, folder: Path) -> list[str]:
    """A kernel in a file, and sizes, as words."""
    path = folder / "k.tk"
    size = [f"M={choose.randint(1, 5000)}", f"N={choose.randint(1, 5000)}"]
    match choose.randrange(4):
        case 0:
            path.write_text(kernel_text(choose.randrange(2**32)))
            size = [
                each
                for each in [*size, f"K={choose.randint(1, 5000)}"]
                if f"{each[0]}]" in _signature(path) or f"{each[0]}," in _signature(path)
            ]
        case 1:
            path.write_text((ROOT / "kernels" / "attention.tk").read_text())
            size = ["H=8", f"S={choose.randint(64, 4096)}", "D=64", f"L={choose.randint(64, 4096)}"]
        case _:
            path.write_text(heavy(choose))
    return [str(path), *size, "T=" + choose.choice(["bf16", "f32"])]


def _signature(path: Path) -> str:
    return path.read_text().splitlines()[0]


def budget(choose: random.Random, folder: Path) -> None:
    """One tuning with a budget."""
    seconds = choose.choice([0.5, 1, 2, 3, 5])
    more = choose.choice(
        [
            [],
            [],
            ["--chip", "trn1"],
            ["--objective", "latency,energy"],
            ["--sampler", "random"],
            ["--what-if", "sbuf.bytes_per_partition=*3"],
        ]
    )
    words = ["autotune", *drawn(choose, folder), "--budget", f"{seconds:g}s", *more]
    allowed_s = seconds + GRACE_S + STARTING_S * busy() + (busy() - 1) * 2
    with tilery(folder, words) as running:
        ended = running.wait(max(LIMIT_S, 3 * allowed_s))
        took_s = time.monotonic() - running.started
    files = {"k.tk": (folder / "k.tk").read_text()}
    judge(ended, files, (0, 1))
    if took_s > allowed_s:
        raise Fault(f"a budget overdrawn: {seconds:g} s became {took_s:.1f} s, load {busy():.1f}\n{ended}", files)
    if running.peak_bytes > MEMORY_BYTES:
        raise Fault(f"too much memory: {running.peak_bytes >> 20} MB\n{ended}", files)


BUDGETS = Torment("budgets", "tunings of kernels with many knobs end within their budget and 500 MB", budget, limit_s=300)
