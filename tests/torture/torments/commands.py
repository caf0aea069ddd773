"""Command lines that nobody means: sizes beyond measure, options that are no option's value."""

from __future__ import annotations

import os
import random
from pathlib import Path

import click

from tilery.command.cli import main

from .. import nasty
from ..materials import definitions
from ..seen import call, judge
from ..torment import Torment

BUDGETS = [
    "0.3s",
    "2 trials",
    "0",
    "-1s",
    "nan",
    "",
    "x",
    "1 s",
    "1x",
    "0s",
    "0 trials",
    "1e-400s",
    "0.2s, 3 trials",
    "9" * 5000 + "q",
]
FILES = [
    "out.x",
    "out.png",
    "out.json",
    "/proc/x.png",
    "full",
    "null",
    "",
    ".",
    "/",
    "no/such/folder/x.png",
    "a" * 300,
    "é.png",
]
STORAGES = [
    "sqlite:///x.db",
    "journal:x",
    "x.journal",
    "journal:null",
    "journal:/proc/x",
    "grpc://127.0.0.1:1",
    "",
    "mongo://x",
    "sqlite://",
]
MEASURES = [
    "true",
    "false",
    "echo 5",
    "echo -5",
    "echo nan",
    "echo inf",
    "echo 1e400",
    "no-such-command",
    "'",
    "",
    "cat",
    "exit 3",
    "kill -9 $$",
]
LIKELY: dict[str, list[str]] = {
    "--chip": ["trn1", "trn2", "trn3", "inf2", "trn9", "x.toml", "null"],
    "--chips": ["trn1", "trn1,trn2", ",", "trn1,,", ""],
    "--budget": BUDGETS,
    "--set": ["m=128", "n=64", "m=0", "m=-1", "m=x", "buffers.x=9", "engine.y=scalar", "x=1", "=", f"m={10**19}"],
    "--objective": ["latency", "energy", "error", "latency,energy", "latency,latency", ",", "speed"],
    "--sampler": ["tpe", "random", "brute", "descent", "surrogate", "nsga2", "annealing", "gp", "cmaes"],
    "--jobs": ["0", "-1", "x", "", "1e3", "2.5"],
    "--grace": ["1s", "0s", "-1s", "x", "nan"],
    "--measure": MEASURES,
    "--measure-timeout": ["1s", "0s", "-1s", "x"],
    "--storage": STORAGES,
    "--stage": ["engine", "lowered", "x", ""],
    "--probe": ["x", "acc", "s", "nothing", ""],
    "--trials": ["1", "2", "0", "-1", "x", "1e3"],
    **dict.fromkeys(["--plot", "--report", "--trace", "--output", "--probe-file", "--tuned"], FILES),
}
SKIPPED = {"--help", "--version"}
TILES = 12
"""Kernels of more dimensions than two get none larger than this: nobody waits for a convolution of 300^6."""


def absurd(choose: random.Random, folder: Path) -> None:
    """A command with any of its options."""
    os.chdir(folder)
    nasty.devices(folder)
    text, definition = choose.choice(definitions())
    (folder / "k.tk").write_text(text, encoding="utf-8")
    context = click.Context(main)
    name = choose.choice(main.list_commands(context))
    words = [name]
    command = main.get_command(context, name)
    assert command
    for each in command.params:
        words += argument(name, each, definition.name, list(definition.signature.dimensions), choose)
    if name in ("autotune", "compare") and not any(each.startswith("--budget") for each in words):
        words += ["--budget", "0.3s"]
    judge(call(words), {"k.tk": text})


def argument(command: str, parameter: click.Parameter, kernel: str, dims: list[str], choose: random.Random) -> list[str]:
    """Words for one parameter, or none."""
    if isinstance(parameter, click.Argument):
        match parameter.name:
            case "file" | "files" | "folder":
                return [choose.choice(["k.tk"] * 3 + [f"k.tk:{kernel}"] * 8 + ["", "no.tk", ".", "k.tk:", "null", "k.tk:x"])]
            case "names":
                return sizes(command, dims, choose)
            case _:
                return [choose.choice(["trn2", "TK101", "x", *nasty.WORDS])] if choose.random() < 0.9 else []
    option = parameter.opts[-1]
    if option in SKIPPED or choose.random() > 0.12:
        return []
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return [option]
    likely = LIKELY.get(option, [])
    if option in ("--budget", "--jobs") or (likely and choose.random() < 0.7):
        return [f"{option}={choose.choice(likely)}"]
    return [f"{option}={nasty.word(choose)}"]


def sizes(command: str, dims: list[str], choose: random.Random) -> list[str]:
    """`NAME=VALUE` for most dimensions, most of them sensible."""
    words = []
    for each in dims:
        size = nasty.size(choose) if choose.random() < 0.15 else str(choose.randint(1, 300 if len(dims) <= 2 else TILES))
        if command in ("run", "compare") and size.isdecimal() and 10**6 < int(size[:30]) < 10**12:
            continue  # work that is much, but no mistake
        words += [f"{each}={size}"] if choose.random() < 0.95 else []
    if choose.random() < 0.3:
        words.append(f"T={choose.choice(['bf16', 'f32', 'f16', 'f8e4m3', 'i32', 'bool', nasty.word(choose)])}")
    if choose.random() < 0.1:
        words.append(
            choose.choice(["M=2", "x", "=", "M=", "=3", "X=1", nasty.word(choose), f"{nasty.word(choose)}={nasty.word(choose)}"])
        )
    return words


COMMANDS = Torment("commands", "absurd sizes, options and files of every command", absurd, limit_s=60, share=1.5)
