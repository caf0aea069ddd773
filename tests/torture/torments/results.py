"""Damaged results files: what is intact is served, and nothing is lost."""

from __future__ import annotations

import copy
import json
import random
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import tilery
from tilery.dsl.errors import TileryError
from tilery.tuner.results.entry import Entry
from tilery.tuner.results.store import TunedFile

from .. import nasty
from ..torment import ROOT, Fault, Torment

SHAPES = [{"M": 64, "N": 48}, {"M": 96, "N": 80}, {"M": 130, "N": 33}]
TEXT = (ROOT / "kernels" / "softmax.tk").read_text()


@cache
def tuned() -> tuple[str, tuple[Entry, ...]]:
    """A results file with an entry for each shape, and what it holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "softmax.tk"
        path.write_text(TEXT)
        for shape in SHAPES:
            tilery.autotune(tilery.load(path).softmax, shapes={**shape, "T": "f32"}, trials=2)
        file = TunedFile.beside(path)
        return file.path.read_text(), tuple(file.read())


def one_bad_entry(choose: random.Random, folder: Path) -> None:
    """One entry holds what none may hold; the others serve, and survive the next tuning."""
    text, entries = tuned()
    contents = json.loads(text)
    at = choose.randrange(len(entries))
    for _ in range(choose.choice([1, 1, 2])):
        contents["entries"][at] = spoiled(contents["entries"][at], choose)
    text = json.dumps(contents, indent=choose.choice([None, 2]))
    file = placed(folder, text)
    others = [each for place, each in enumerate(entries) if place != at]
    serves(folder, others, text)
    for shape in SHAPES:
        called(folder, shape, text)
    written(file, others, text)


def spoiled(entry: Any, choose: random.Random) -> Any:
    """The same with something somewhere in it changed, left out or added."""
    made = copy.deepcopy(entry)
    place = made
    while isinstance(place, (dict, list)) and place:
        key = choose.choice(list(place)) if isinstance(place, dict) else choose.randrange(len(place))
        if not isinstance(place[key], (dict, list)) or not place[key] or choose.random() < 0.3:
            match choose.randrange(5):
                case 0:
                    del place[key]
                case 1 if isinstance(place, dict):
                    place[choose.choice(["x", "", "\x1b", f"{key} ", "m", "dims"])] = nasty.json_value(choose)
                case _:
                    place[key] = nasty.json_value(choose)
            return made
        place = place[key]
    return nasty.json_value(choose)


def damage(choose: random.Random, folder: Path) -> None:
    """The text of the file is damaged: it is told, and what cannot be understood is never written over."""
    whole, entries = tuned()
    content = bytearray(whole.encode())
    for _ in range(choose.choice([1, 1, 3])):
        at = choose.randrange(len(content))
        match choose.randrange(4):
            case 0:
                del content[at:]
            case 1:
                content[at] = choose.randrange(256)
            case 2:
                del content[at : at + choose.randint(1, 200)]
            case 3:
                content[at:at] = choose.choice([b"\x00", b"}", b"]", b'"', b"[" * 3000, b"9" * 5000, choose.randbytes(20)])
        if not content:
            break
    text = bytes(content)
    shown = text.decode("utf-8", "backslashreplace")
    file = placed(folder, text)
    try:
        kept = file.read()
    except TileryError:
        kept = None
    for shape in SHAPES:
        called(folder, shape, shown, refusing=True)
    try:
        file.write(entries[0])
    except TileryError:
        if file.path.read_bytes() != text:
            raise Fault("a file that is refused has been changed", {"softmax.tuned.json": shown}) from None
    else:
        if kept is None:
            raise Fault("a file that cannot be read has been written over", {"softmax.tuned.json": shown})
        held(file, [each for each in kept if each.key != entries[0].key], shown)


def placed(folder: Path, text: str | bytes) -> TunedFile:
    """A kernel with that results file beside it."""
    path = folder / "softmax.tk"
    path.write_text(TEXT)
    file = TunedFile.beside(path)
    file.path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return file


def serves(folder: Path, intact: list[Entry], text: str) -> None:
    """Intact entries are found."""
    kernel = tilery.load(folder / "softmax.tk").softmax
    for each in intact:
        try:
            chosen = kernel.pipeline({**each.key.dims, "T": "f32"}).chosen
        except TileryError as error:
            raise Fault(f"an intact entry is not served\n{error}"[:2000], {"softmax.tuned.json": text}) from error
        if chosen.origin != "tuned" or dict(chosen.config) != dict(each.config):
            raise Fault(
                f"in place of an intact entry there is one of origin {chosen.origin}: {each.key}", {"softmax.tuned.json": text}
            )


def called(folder: Path, shape: dict[str, int], text: str, *, refusing: bool = False) -> None:
    """A call gives the right values; `refusing`: or says that the file is damaged."""
    x = np.random.default_rng(0).standard_normal((shape["M"], shape["N"]), np.float32)
    try:
        got = tilery.load(folder / "softmax.tk").softmax(x)
    except TileryError as error:
        if refusing:
            return
        raise Fault(f"a call fails for the sake of an entry\n{error}"[:2000], {"softmax.tuned.json": text}) from error
    want = np.exp(x - x.max(1, keepdims=True))
    if not np.allclose(got, want / want.sum(1, keepdims=True), rtol=1e-4, atol=1e-6):
        raise Fault("wrong values", {"softmax.tuned.json": text})


def written(file: TunedFile, others: list[Entry], text: str) -> None:
    """The next tuning writes its entry, and leaves the others alone."""
    _, entries = tuned()
    gone = next(each for each in entries if each not in others)
    try:
        file.write(gone)
    except TileryError:
        if file.path.read_bytes() != text.encode("utf-8", "surrogatepass"):
            raise Fault("a file that is refused has been changed", {"softmax.tuned.json": text}) from None
    else:
        held(file, list(entries), text)


def held(file: TunedFile, entries: list[Entry], text: str) -> None:
    """The file holds these."""
    now = file.read()
    if lost := [str(each.key) for each in entries if each not in now]:
        raise Fault(f"lost by the next one that wrote: {lost}", {"softmax.tuned.json": text})


RESULTS = Torment("results", "one entry of a results file damaged: the others serve, the next tuning keeps them", one_bad_entry)
DAMAGED = Torment("results-text", "the text of a results file damaged: told, and never written over", damage)
