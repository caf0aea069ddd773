"""Full disks and folders that nobody may write to: one message, nothing lost, nothing left behind."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tilery.tuner.results.store import TunedFile

from .. import nasty
from ..children import busy, tilery
from ..seen import Ended, judge
from ..torment import ROOT, Fault, Torment
from .results import TEXT, tuned

LIMIT_S = 60.0


@contextmanager
def disk(folder: Path, options: str) -> Iterator[Path]:
    """A small disk of its own, in memory; where that cannot be mounted (root may), a folder without a right to write."""
    place = folder / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "torture", place], capture_output=True, check=False)
    try:
        yield place
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", place], check=True)


def full(choose: random.Random, folder: Path) -> None:
    """A tuning whose results, report or journal meet a disk that is full."""
    with disk(folder, "size=64k") as place:
        if not place.is_mount():
            return
        kernel = place / "softmax.tk"
        kernel.write_text(TEXT)
        file = TunedFile.beside(kernel)
        file.path.write_text(tuned()[0])
        before = file.path.read_bytes()
        _fill(place / "filler", choose.choice([0, 0, 100, 3000, 6000, 12_000]))
        more = choose.choice(
            [
                [],
                [],
                ["--report", str(place / "r.html")],
                ["--storage", f"journal:{place}/j"],
                ["--storage", f"sqlite:///{place}/x.db"],
            ]
        )
        measure = ["--measure", "echo 5"] if more[:1] == ["--storage"] else []
        ended = _tuned(folder, [str(kernel), *more, *measure])
        _kept(file, before, ended)


def _fill(path: Path, left: int) -> None:
    """Leaves so many bytes free."""
    filler = os.open(path, os.O_WRONLY | os.O_CREAT)
    with suppress(OSError):
        while os.write(filler, bytes(1024)):
            continue
    os.close(filler)
    if left:
        os.truncate(path, max(0, path.stat().st_size - left))


def _tuned(folder: Path, words: list[str]) -> Ended:
    with tilery(folder, ["autotune", *words, "M=192", "N=160", "T=f32", "--trials", "3"]) as running:
        return judge(running.wait(LIMIT_S * busy()))


def _kept(file: TunedFile, before: bytes, ended: Ended) -> None:
    """What was in the file is still there; it is as it was if the tuning has failed, unless it failed later."""
    keys = {json.dumps(each["key"], sort_keys=True) for each in json.loads(before)["entries"]}
    now = {json.dumps(each["key"], sort_keys=True) for each in json.loads(file.path.read_bytes())["entries"]}
    if not keys <= now:
        raise Fault(f"lost: {keys - now}\n{ended}")
    if ended.code == 0 and len(now) <= len(keys):
        raise Fault(f"exit code 0, and no entry\n{ended}")
    if left := [each.name for each in file.path.parent.iterdir() if each.name.endswith(".new")]:
        raise Fault(f"left behind: {left}\n{ended}")


def read_only(choose: random.Random, folder: Path) -> None:
    """A kernel in a folder that nobody may write to: it can be run and timed; a tuning says that its result is not kept."""
    with disk(folder, "size=256k") as place:
        if not place.is_mount():
            return
        kernel = place / "softmax.tk"
        kernel.write_text(TEXT)
        if choose.random() < 0.5:
            TunedFile.beside(kernel).path.write_text(tuned()[0])
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        command = choose.choice(["run", "simulate", "check", "fmt", "autotune", "tuned"])
        if command == "autotune":
            ended = _tuned(folder, [str(kernel)])
            if ended.code != 1 or "latency" not in ended.out:
                raise Fault(f"a tuning in a folder that is read only\n{ended}")
            return
        words = {"check": [], "fmt": [], "tuned": []}.get(command, ["M=64", "N=48", "T=f32"])
        with tilery(folder, [command, str(place if command == "tuned" else kernel), *words]) as running:
            judge(running.wait(LIMIT_S * busy()), codes=(0,))


DEVICES = ["full", "null", "/proc/x", "/proc/self/x", "full/x", "fifo/x"]
"""Those of the folder, which may come to harm."""
OUTPUTS = {
    "autotune": ["--output", "--report", "--plot"],
    "simulate": ["--trace", "--plot", "--tuned"],
    "run": ["--probe-file", "--tuned"],
    "freeze": ["--output"],
}


def device(choose: random.Random, folder: Path) -> None:
    """What is written goes to a device, or to where nothing can be."""
    nasty.devices(folder)
    kernel = folder / "softmax.tk"
    kernel.write_text((ROOT / "kernels" / "softmax.tk").read_text())
    command = choose.choice(list(OUTPUTS))
    words = [command, str(kernel), "M=64", "N=48", "T=f32", choose.choice(OUTPUTS[command]), str(folder / choose.choice(DEVICES))]
    words += {"autotune": ["--trials", "2"], "run": ["--probe", "x"]}.get(command, [])
    words += ["--objective", "latency,energy"] if command == "autotune" and words[5] == "--plot" else []
    if choose.random() < 0.2:
        words = [
            "autotune",
            str(kernel),
            "M=64",
            "N=48",
            "--measure",
            "echo 5",
            "--trials",
            "2",
            "--storage",
            f"journal:{folder / choose.choice(DEVICES)}",
        ]
    with tilery(folder, words) as running:
        judge(running.wait(LIMIT_S * busy()))
    for name in ("full", "null"):
        if (folder / name).exists() and not (folder / name).is_char_device():
            raise Fault(f"a device has become a file: {name}, {words}")


def any_of(choose: random.Random, folder: Path) -> None:
    """One of these."""
    choose.choice([full, read_only, device])(choose, folder)


DISKS = Torment("disks", "full disks, read-only folders, devices as files: one message, nothing lost", any_of, limit_s=300)
