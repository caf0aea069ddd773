"""`kill -9` of whoever writes a results file: it can be read at every moment, and nothing that was written is lost."""

from __future__ import annotations

import json
import random
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec

from tilery.dsl.errors import TileryError
from tilery.tuner.results.store import TunedFile

from ..children import Child, busy, script, some_time, tilery
from ..torment import ROOT, Fault, Torment
from .results import tuned

STARTING_S = 60.0


def writers(choose: random.Random, folder: Path) -> None:
    """One or two processes write entry after entry, and are killed at some moment while others read."""
    file = TunedFile(folder / "softmax.tuned.json")
    text, entries = tuned()
    model = folder / "entry.json"
    model.write_bytes(msgspec.json.encode(entries[0]))
    if choose.random() < 0.5:
        file.path.write_text(text)
    before = {str(each.key) for each in file.read()}
    with ExitStack() as stack:
        words = (str(file.path), str(model))
        count = choose.choice([1, 2])
        running = [stack.enter_context(script(folder, "writes", *words, str(1000 + at))) for at in range(count)]
        _all_have_begun(running)
        until = time.monotonic() + choose.random() ** 2 * 2
        while time.monotonic() < until:
            _readable(file, before)
        for each in choose.sample(running, choose.randint(1, count)):
            each.kill()
            _readable(file, before)
        for each in running:
            each.kill()
        promised = [int(line) for each in running for line in each.ended().out.split("\n")[:-1]]
    _readable(file, before)
    now = {each.key.dims["M"] for each in file.read() if each.key.dims["N"] == 64}
    if lost := set(promised) - now:
        raise Fault(f"lost: {sorted(lost)[:10]} of {len(promised)} that had been written")
    file.write(entries[1])
    if left := [each.name for each in folder.iterdir() if each.name.endswith(".new")]:
        raise Fault(f"the next one that writes leaves what killed writers left: {len(left)} files")


def _all_have_begun(running: list[Child]) -> None:
    until = time.monotonic() + STARTING_S * busy()
    while not all(each.ended().out for each in running):
        if time.monotonic() > until or not all(each.look() for each in running):
            raise Fault("\n".join(str(each.ended()) for each in running))
        time.sleep(0.05)


def _readable(file: TunedFile, before: set[str]) -> None:
    try:
        found = {str(each.key) for each in file.read()}
    except TileryError as error:
        raise Fault(f"a reader meets a file that is not whole\n{error}") from error
    if not before <= found:
        raise Fault(f"lost: {sorted(before - found)}")


def tuners(choose: random.Random, folder: Path) -> None:
    """`tilery autotune` on a file with entries, killed at any moment; then again, which ends well."""
    kernel = folder / "softmax.tk"
    kernel.write_text((ROOT / "kernels" / "softmax.tk").read_text())
    file = TunedFile.beside(kernel)
    file.path.write_text(tuned()[0])
    before = {str(each.key) for each in file.read()}
    words = ["autotune", str(kernel), "M=192", "N=160", "T=f32", "--trials", "3", "--json"]
    with ExitStack() as stack:
        names = [f"tuner{at}" for at in range(choose.choice([1, 1, 2]))]
        running = [stack.enter_context(tilery(folder, [*words, "--seed", str(at)], name)) for at, name in enumerate(names)]
        some_time(choose, 3.0)
        running[0].kill()
        _readable(file, before)
        for each in running[1:]:
            _ends_well(each)
    _readable(file, before)
    with tilery(folder, words, "last") as last:
        _ends_well(last)
    _readable(file, before)
    if not any(each.key.dims == {"M": 192, "N": 160} for each in file.read()):
        raise Fault("a tuning that ended well has left no entry")
    if left := [each.name for each in folder.iterdir() if each.name.endswith(".new")]:
        raise Fault(f"left behind: {left}")


def _ends_well(running: Child) -> None:
    ended = running.wait(STARTING_S * busy())
    if ended.code or not json.loads(ended.out)["config"]:
        raise Fault(f"beside a tuner that was killed\n{ended}")


KILLS = Torment(
    "kills", "kill -9 of processes that write a results file: readable at every moment, nothing lost", writers, limit_s=200
)
TUNERS = Torment("killed-tuners", "kill -9 of tuners: what was in the file stays, the next tuning ends well", tuners, limit_s=300)
