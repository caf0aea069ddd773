"""Ctrl-C and SIGTERM at any moment of a tuning: it ends within about a second, and keeps what was found."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path

from tilery.tuner.results.store import TunedFile

from ..children import busy, some_time, tilery
from ..seen import Ended, judge
from ..torment import ROOT, Fault, Torment

SECONDS = 1.0
"""What is promised."""
GRACE_S = 1.0
"""What a machine may take beside it for starting and scheduling; more where it has more to do than it has processors."""
WAYS = {
    "model": [],
    "measured": ["--measure", "echo 5"],
    "slowly measured": ["--measure", "sh -c 'sleep 0.3; echo 7'"],
    "jobs": ["--jobs", "2", "--measure", "sh -c 'sleep 0.1; echo 7'"],
    "stored": ["--storage", "sqlite:///{folder}/x.db", "--measure", "echo 7"],
    "front": ["--objective", "latency,energy"],
    "compare": [],
}
SHAPES = {
    "matmul": ["M=2048", "K=4096", "N=14336"],
    "attention": ["H=8", "S=1024", "D=64", "L=1024"],
    "softmax": ["M=512", "N=256"],
    "linear_gelu": ["M=1000", "K=1000", "N=1000"],
}


def interrupt(choose: random.Random, folder: Path) -> None:
    """One tuning, one signal, at some moment from its first to its sixth second; two now and then."""
    name, way = choose.choice(list(SHAPES)), choose.choice(list(WAYS))
    kernel = folder / f"{name}.tk"
    kernel.write_text((ROOT / "kernels" / f"{name}.tk").read_text())
    options = [each.format(folder=folder) for each in WAYS[way]]
    command = "compare" if way == "compare" else "autotune"
    words = [command, str(kernel), *SHAPES[name], *options, "--budget", "60s", "--json"]
    number = choose.choice([signal.SIGINT, signal.SIGTERM])
    with tilery(folder, words) as running:
        some_time(choose, 6.0)
        if not running.look():
            judge(running.ended(), codes=(0,))
            return
        began = time.monotonic()
        running.process.send_signal(number)
        if choose.random() < 0.2:
            time.sleep(choose.random() * 0.2)
            running.process.send_signal(number)
        ended = running.wait(30.0 * busy())
        took_s = time.monotonic() - began
    if took_s > (SECONDS + GRACE_S) * busy():
        raise Fault(f"ends late after {number.name}: {took_s:.1f} s, load {busy():.1f}, {way}\n{ended}")
    if unbegun(ended):
        return
    judge(ended, codes=(0, 1, 130))
    found = [json.loads(ended.out)["config"]] if ended.out and command == "autotune" else []
    held = [dict(each.config) for each in TunedFile.beside(kernel).read()]
    if held != found or (command == "autotune" and ended.code == 0 and not found):
        raise Fault(f"exit code {ended.code} after {number.name}, {len(found)} shown, {len(held)} in the file\n{ended}")
    if left := [each.name for each in folder.iterdir() if each.name.endswith(".new")]:
        raise Fault(f"left behind: {left}")


def unbegun(ended: Ended) -> bool:
    """Whether the signal came while Python was still reading the program: it is Python's own then to end, in its own way."""
    return "ing: " not in ended.err and (ended.code < 0 or ended.err.rstrip().endswith("KeyboardInterrupt"))


INTERRUPTS = Torment(
    "interrupts", "Ctrl-C and SIGTERM at any moment: ends in a second, keeps what was found", interrupt, limit_s=300, share=1.5
)
