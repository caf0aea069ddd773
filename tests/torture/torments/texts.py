"""Broken texts: a mistake of the text is all that anybody is ever told."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.dsl import SourceErrors, check_requirements, fingerprint, parse
from tilery.dsl.errors import TileryError
from tilery.dsl.program import Program
from tilery.dsl.text.formatter import format_text
from tilery.dsl.types import ELEMENT_TYPES

from .. import nasty
from ..materials import texts, words
from ..seen import call, judge
from ..torment import Fault, Torment

SIGNS = [
    *"()[]{}:,=+-*/@%<>!.#\"'\\\t\n \x00\x1b\u202e\x9b",
    "**", "//", "->", "..", "+=", "\n    ", "99999999999", "1e400", "e", "é", "-inf", "nan", "\r\n", "\ufeff", "\U0001d7d9",
    "require M % 8 == 0",
    "tile ", " of ", " by 1", "tune ", "index[", "sum[", "argmax[", "cumsum[", "zeros[", "where(", "f8e4m3(",
]  # fmt: skip
TOWERS = [
    "(",
    "-",
    "exp(",
    "[",
    "x[M] + ",
    "2 ** ",
    "if b:\n",
    "    ",
    "fn f(x) = x\n",
    "max(1, ",
    "1",
    "not ",
    '"""',
    "M * ",
    "{",
]


def broken(choose: random.Random) -> str:
    """A text that is probably wrong."""
    if choose.random() < 0.05:
        return "".join(choose.choices(SIGNS + list(words()), k=choose.randint(0, 200)))
    text = choose.choice(texts())
    for _ in range(choose.randint(1, 6)):
        text = _edited(text, choose)
    return text


def _edited(text: str, choose: random.Random) -> str:
    at, drop = choose.randrange(len(text) + 1), choose.choice((0, 0, 1, 3, 10, 40))
    other = choose.choice(texts())
    start = choose.randrange(len(other) + 1)
    pieces: list[str] = [choose.choice(SIGNS), choose.choice(words()), other[start : start + drop], text[at : at + drop] * 2, ""]
    if choose.random() < 0.02:
        pieces = [choose.choice(TOWERS) * choose.choice([50, 1000, 3000])]
    if choose.random() < 0.05:
        pieces = [nasty.word(choose)]
    return text[:at] + choose.choice(pieces) + text[at + drop :]


def exchanged(choose: random.Random) -> str:
    """A text in which a few words are exchanged for others: oftener right than those above, and seldom what it was."""
    parts = choose.choice(texts()).split(" ")
    for _ in range(choose.randint(1, 4)):
        at = choose.randrange(len(parts))
        if not parts[at].isspace():
            parts[at] = choose.choice(parts)
    return " ".join(parts)


def read(choose: random.Random, folder: Path) -> None:
    """A text, through everything that reads one."""
    text = broken(choose) if choose.random() < 0.7 else exchanged(choose)
    try:
        tidy = format_text(text)
        if format_text(tidy) != tidy:
            raise Fault("the formatter is not idempotent", {"text.tk": text})
    except SourceErrors as error:
        told(error, text)
    try:
        for each in parse(text).kernels.values():
            types = {name: choose.choice(list(ELEMENT_TYPES.values())) for name in each.signature.type_variables}
            constants = {one.name: one.kind == "bool" or choose.randint(0, 9) for one in each.signature.constants}
            kernel = each.specialise(types, constants)
            fingerprint(kernel)
            dims = {name: choose.randint(1, 9) for name in kernel.signature.dimensions}
            check_requirements(kernel, dims)
            planned(kernel, dims, choose)
    except TileryError as error:
        told(error, text)
    except Exception as error:
        raise Fault(f"{type(error).__name__}: {error}", {"text.tk": text}) from error


def planned(kernel: Program, dims: Mapping[str, int], choose: random.Random) -> None:
    """A kernel that is right, by accident: what is made of it."""
    emulator.compile(kernel, dims, {})
    chip = load_chip(choose.choice(["trn1", "trn2", "trn3", "inf2"]))
    engine.latency_fs(engine.lower(kernel, dims, chip, engine.default_config(kernel, dims, chip)))


def told(error: TileryError, text: str) -> None:
    """Every mistake is told in words."""
    if not str(error).strip():
        raise Fault(f"{type(error).__name__} without a word", {"text.tk": text})


COMMANDS = [["check"], ["check", "--json"], ["fmt", "--check"], ["fmt", "--diff"], ["run"], ["run", "--exact"], ["simulate"]]


def command(choose: random.Random, folder: Path) -> None:
    """A text, by a command; a writer of it may have meant something with it, so every answer is possible but one of ours."""
    path = folder / "text.tk"
    text = broken(choose) if choose.random() < 0.5 else exchanged(choose)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    if choose.random() < 0.05:
        path.write_bytes(choose.randbytes(choose.randint(0, 300)))
    words = [*choose.choice(COMMANDS), str(path)]
    if words[0] in ("run", "simulate"):
        words += [f"{name}={choose.randint(1, 40)}" for name in choose.sample("MNKBHSLDGCPQ", 4)] + ["T=f32"]
    judge(call(words), {"text.tk": text})


TEXTS = Torment("text", "broken texts: checker, formatter, plan and lowering", read, limit_s=20)
COMMANDED = Torment("text-commands", "broken texts by check, fmt, run and simulate", command, limit_s=60)
