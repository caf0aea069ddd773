"""What a torture shows: a live line, a table, JSON, and the faults with what reproduces them."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

from .runner import Found, Torture

EVERY_S = 1.0


class LiveLine:
    """How far it is, on one line that is written anew; without a terminal, a line a minute."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, run: Torture) -> None:
        now, terminal = time.monotonic(), sys.stderr.isatty()
        if now - self._last < (EVERY_S if terminal else 60.0):
            return
        self._last = now
        rounds = sum(each.rounds for each in run.tallies.values())
        busy = " ".join(f"{name} {each.rounds}" for name, each in run.tallies.items())
        line = f"{now - run.started:6.0f} s, {rounds:,} rounds, {faults(run)} faults: {busy}"
        print(f"\r{line[:150]:150}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)


def faults(run: Torture) -> int:
    """How many there were, those not kept included."""
    return sum(each.kinds.total() for each in run.tallies.values())


def table(run: Torture) -> str:
    """A line a torment."""
    lines = [f"{'torment':14} {'rounds':>10} {'seconds':>8} {'longest':>8} {'faults':>6}  what it does"]
    for name, each in run.tallies.items():
        figures = f"{each.rounds:>10,} {each.spent_s:>8.0f} {each.longest_s:>7.1f}s {each.kinds.total():>6}"
        lines.append(f"{name:14} {figures}  {each.torment.shown}")
    total = sum(each.rounds for each in run.tallies.values())
    lines.append(f"{'all':14} {total:>10,} {time.monotonic() - run.started:>8.0f} {'':>8} {faults(run):>6}  seed {run.seed}")
    kinds = [f"{many:>6} x {name}: {kind}" for name, each in run.tallies.items() for kind, many in each.kinds.items()]
    return "\n".join([*kinds, *lines])


def as_json(run: Torture) -> str:
    """The same for machines."""
    figures = {
        name: {
            "rounds": each.rounds,
            "seconds": round(each.spent_s, 1),
            "longest_s": round(each.longest_s, 2),
            "kinds": dict(each.kinds),
            "faults": [
                {"round": one.number, "problem": one.problem, "command": one.command, "files": one.files} for one in each.faults
            ],
        }
        for name, each in run.tallies.items()
    }
    return json.dumps({"seed": run.seed, "seconds": round(time.monotonic() - run.started, 1), "torments": figures}, indent=2)


def fault_text(found: Found) -> str:
    """A fault, for a person."""
    return f"FAULT in {found.torment}\n{found.problem.rstrip()}\nagain: {found.command}"


def keep(found: Found, seed: int, folder: Path) -> None:
    """Writes a fault with its files into a folder of its own."""
    place = folder / f"{found.torment}-{seed}-{found.number}"
    place.mkdir(parents=True, exist_ok=True)
    (place / "fault.txt").write_text(fault_text(found) + "\n", encoding="utf-8", errors="backslashreplace")
    for name, text in found.files.items():
        (place / re.sub(r"[^\w.-]", "_", name)).write_text(text, encoding="utf-8", errors="surrogatepass")
