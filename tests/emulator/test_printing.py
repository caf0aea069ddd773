"""`print(tile)`: what it shows, in every way of running, and that it changes nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import tilery
from tilery import dsl
from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.backends.truth import data
from tilery.command.cli import main
from tilery.dsl import program
from tilery.dsl.types import F32

KERNELS = Path(__file__).parents[2] / "kernels"

SUMS = """
kernel sums(x: T[M, N]) -> y: f32[M]:
    reference:
        y[M] = sum[N](x[M, N])
    tile m of M:
        total = zeros[m]
        for n of N:
            total += sum[n](x[m, n])
            print("so far", total)
        print(N, x[m, 0])
        y[m] = total
"""


def printing(text: str) -> str:
    """The text with a `print` of every name, right after it is bound."""
    lines = []
    reference = False
    for line in text.split("\n"):
        lines.append(line)
        indent = len(line) - len(line.lstrip())
        reference = line.strip() == "reference:" or (reference and indent > 4)
        bound = re.match(r"( +)(\w+) (?:[-+*/]?=) ", line)
        if bound and not reference and not line.rstrip().endswith(("(", ",")):
            lines.append(f"{bound[1]}print({bound[2]})")
    return "\n".join(lines)


def specialised(text: str, **constants: bool) -> program.Program:
    (definition,) = dsl.parse(text, "k.tk").kernels.values()
    return definition.specialise(dict.fromkeys(definition.signature.type_variables, F32), constants)


def test_what_it_shows() -> None:
    said: list[str] = []
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    emulator.compile(specialised(SUMS), {"M": 3, "N": 4}, {"m": 2, "n": 3}, show=said.append)({"x": x})
    assert said == [
        "k.tk:9 at m=0..1, n=0..2: so far: total is f32[m], 2\n    [ 3. 15.]",
        "k.tk:9 at m=0..1, n=3: so far: total is f32[m], 2\n    [ 6. 22.]",
        "k.tk:10 at m=0..1: N is i32\n    4",
        "k.tk:10 at m=0..1: x[m, 0] is f32[m], 2\n    [0. 4.]",
        "k.tk:9 at m=2, n=0..2: so far: total is f32[m], 1\n    [27.]",
        "k.tk:9 at m=2, n=3: so far: total is f32[m], 1\n    [38.]",
        "k.tk:10 at m=2: N is i32\n    4",
        "k.tk:10 at m=2: x[m, 0] is f32[m], 1\n    [8.]",
    ]


def test_nothing_else_knows_of_it() -> None:
    """The same program to be timed and tuned, with the same fingerprint; and no slow road where nobody listens."""
    quiet = specialised("".join(line for line in SUMS.splitlines(keepends=True) if "print" not in line))
    kernel = specialised(SUMS)
    assert kernel.printing and not quiet.printing
    assert dsl.fingerprint(kernel) == dsl.fingerprint(quiet)
    assert emulator.compile(kernel, {"M": 3, "N": 4}, {"m": 2, "n": 3}).plan is not None


CASES = [
    ("matmul", {}),
    ("matmul_kmajor", {}),
    ("linear_gelu", {}),
    ("softmax", {}),
    ("rmsnorm", {}),
    ("attention", {"causal": True}),
    ("attention", {"causal": False}),
]


@pytest.mark.parametrize(("name", "constants"), CASES)
def test_every_value_of_every_kernel(name: str, constants: dict[str, bool]) -> None:
    """The chip prints what the text prints, in its own order, and printing changes no result."""
    kernel = specialised(printing((KERNELS / f"{name}.tk").read_text(encoding="utf-8")), **constants)
    assert kernel.printing
    dims = {each: 12 + number for number, each in enumerate(kernel.signature.dimensions)}
    arguments = data.random_arguments(kernel, dims, 0)
    chip = load_chip("trn2")
    tiles = {each.axis.name: 1 if each.axis.unit else 8 for each in kernel.loop_variables}
    free = {name: size for name, size in tiles.items() if size > 1}
    lowered = engine.lower(kernel, dims, chip, engine.default_config(kernel, dims, chip, free))
    read: list[str] = []
    exact: list[str] = []
    by_text = emulator.compile(kernel, dims, tiles, show=read.append)(arguments)
    by_chip = engine.execute(lowered, arguments, show=exact.append)
    assert Counter(each.split("\n")[0] for each in read) == Counter(each.split("\n")[0] for each in exact)
    numbers, others = (dict(_elements(each) for each in said) for said in (read, exact))
    for head, elements in numbers.items():
        np.testing.assert_allclose(others[head], elements, rtol=2e-3, atol=2e-4, err_msg=head)
    for each, wanted in emulator.compile(kernel, dims, tiles)(arguments).items():
        np.testing.assert_allclose(by_text[each], wanted, rtol=0, atol=1e-5)
        np.testing.assert_allclose(by_chip[each], wanted, rtol=0, atol=1e-5)


def _elements(said: str) -> tuple[str, list[float]]:
    head, _, rest = said.partition("\n")
    return head, [float(each) for each in re.findall(r"-?(?:inf|nan|[\d.]+(?:e[-+]?\d+)?)", rest.replace("...", " "))]


def test_a_loop_that_only_prints_is_left_out() -> None:
    text = SUMS.replace("        y[m] = total", "        for n2 of N:\n            print(x[m, n2])\n        y[m] = total")
    kernel = specialised(text)
    assert [each.axis.name for each in kernel.loop_variables] == ["m", "n"]
    said: list[str] = []
    x = np.ones((2, 2), np.float32)
    emulator.compile(kernel, {"M": 2, "N": 2}, {"m": 2, "n": 2}, show=said.append)({"x": x})
    assert len(said) == 3


def test_calls_and_runs_print(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sums.tk"
    path.write_text(SUMS, encoding="utf-8")
    np.testing.assert_array_equal(tilery.load(path).sums(np.ones((2, 3), np.float32)), [3, 3])
    assert "so far: total is f32[m], 2" in capsys.readouterr().out
    for way in ([], ["--exact"], ["--high-precision"], ["--shuffle", "2"]):
        outcome = CliRunner().invoke(main, ["run", str(path), "M=3", "N=4", *way, "--json"])
        assert outcome.exit_code == 0, outcome.output
        assert json.loads(outcome.stdout)["ok"] and "so far: total is f32[m]" in outcome.stderr
    outcome = CliRunner().invoke(main, ["run", str(path), "M=3", "N=4", "--fast-accumulate"])
    assert outcome.exit_code == 2 and "leave one out" in outcome.output
