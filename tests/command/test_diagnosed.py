"""What a chip cannot do or hold is told as the language's own mistakes are: with code, place and help, to machines too."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import tilery
from tilery.command.cli import main

BIG = """\
kernel f(x: T[M, N]) -> y: T[M, N]:
    tile m of M:
        row = exp(x[m, N])
        y[m, N] = row / sum[N](row)
"""
PRODUCT = """\
kernel f(x: i32[M, N]) -> y: i32[M, M]:
    axis L of M
    tile m of M:
        y[m, L] = dot[N](x[m, N], x[L, N])
"""
SHAPE = ("M=4096", "N=100000")


def called(folder: Path, text: str, command: str, *words: str) -> Result:
    (folder / "f.tk").write_text(text)
    return CliRunner().invoke(main, [command, str(folder / "f.tk"), *words])


def diagnostics(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.stdout)["diagnostics"]
    return found


@pytest.mark.parametrize("command", ["simulate", "autotune", "explain"])
@pytest.mark.parametrize(("text", "code", "line", "column"), [(BIG, "TK502", 3, 15), (PRODUCT, "TK516", 4, 19)])
def test_what_a_chip_cannot_do_has_fields(tmp_path: Path, command: str, text: str, code: str, line: int, column: int) -> None:
    result = called(tmp_path, text, command, *SHAPE, "--json")
    (found,) = diagnostics(result)
    assert result.exit_code == 1
    assert (found["code"], found["line"], found["column"]) == (code, line, column)
    assert found["file"].endswith("f.tk") and found["message"] and found["help"]
    assert f"f.tk:{line}:{column}: error[{code}]: {found['message']}\n" in result.stderr
    assert f"\nhelp: {found['help']}\n" in result.stderr
    assert called(tmp_path, text, "explain-error", code).exit_code == 2  # a file is no code
    assert CliRunner().invoke(main, ["explain-error", code]).stdout.startswith(f"# {code}: ")


def test_a_mistake_in_a_text_has_fields_in_every_command(tmp_path: Path) -> None:
    for command in ("simulate", "run", "explain"):
        result = called(tmp_path, PRODUCT.replace("dot[N", "product[N"), command, "M=4", "N=4", "--json")
        assert [each["code"] for each in diagnostics(result)] == ["TK201"]
        assert result.exit_code == 1


def test_check_lists_mistakes_and_warnings(tmp_path: Path) -> None:
    result = called(tmp_path, PRODUCT.replace("        y[m, L]", "        z = x[m, N]\n        y[m, L]"), "check", "--json")
    assert [(each["code"][:4], each["severity"]) for each in diagnostics(result)] == [("TK29", "warning")]
    result = called(tmp_path, PRODUCT.replace("dot[N", "product[N"), "check", "--json")
    assert [(each["code"], each["severity"]) for each in diagnostics(result)] == [("TK201", "error")]


def test_compare_says_it_of_each_chip(tmp_path: Path) -> None:
    result = called(tmp_path, PRODUCT, "compare", "M=4", "N=4", "--chips", "trn1,trn2", "--json")
    rows = json.loads(result.stdout)["chips"]
    assert [[each["code"] for each in row["diagnostics"]] for row in rows] == [["TK516"], ["TK516"]]
    assert all(row["problem"] for row in rows)


def test_python_gets_them_as_fields(tmp_path: Path) -> None:
    (tmp_path / "f.tk").write_text(BIG)
    with pytest.raises(tilery.Infeasible) as caught:
        tilery.load(tmp_path / "f.tk").f.simulate(M=4096, N=100_000)
    error = pickle.loads(pickle.dumps(caught.value))
    (found,) = error.diagnostics
    assert (found.code, found.span.line, error.limit, error.exit_code) == ("TK502", 3, "sbuf", 1)
    assert found.span.text == "exp(x[m, N])" and str(error) == str(caught.value)


def test_a_value_without_a_name_is_told_by_its_text(tmp_path: Path) -> None:
    text = "kernel f(x: T[M, N]) -> y: T[M, N]:\n    y[M, N] = cumsum[M](cumsum[N](x[M, N] + 1))\n"
    assert "axis M of `cumsum[N](x[M, N] + 1)` lies" in called(tmp_path, text, "simulate", "M=8", "N=5000").stderr
