"""Transfers of single elements: which are told, with what to write, and that what is promised is what comes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.explain.elements import Apart
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.trainium.apart import elements_apart
from tilery.backends.tunable import Config
from tilery.command.cli import main
from tilery.dsl import parse
from tilery.dsl.types import ELEMENT_TYPES

from ..specialised import SHAPES, specialised

EVENS = """\
kernel evens(x: T[M, 2 * H]) -> y: T[M, H]:
    tile m of M, j of H:
        y[m, j] = x[m, 2 * j]
"""
PAIRS = """\
kernel evens(x: T[M, 2, H]) -> y: T[M, H]:
    tile m of M, j of H:
        y[m, j] = x[m, 0, j]
"""
COLUMNS = """\
kernel columns(x: T[M, N]) -> y: T[M, N]:
    tile m of M, j of N by 1:
        y[m, j] = x[m, j] * 2
"""
HEADS = """\
kernel heads(x: T[S, D, H]) -> y: T[S, H, D]:
    tile h of H by 1, s of S:
        y[s, h, D] = x[s, D, h] * 2
"""
REVERSED = """\
kernel reversed(x: T[M, N]) -> y: T[M, N]:
    tile m of M, n of N:
        y[m, N - 1 - n] = x[m, n]
"""
CHIP = load_chip("trn2")


def program(text: str, config: Config | None = None, **dims: int) -> EngineProgram:
    (definition,) = parse(text).kernels.values()
    kernel = definition.specialise({"T": ELEMENT_TYPES["f32"]}, {})
    return engine.lower(kernel, dims, CHIP, config or engine.default_config(kernel, dims, CHIP))


def told(text: str, **dims: int) -> Apart:
    return elements_apart(program(text, None, **dims))[0]


def test_a_strided_read_gains_what_it_gains_when_stored_apart() -> None:
    strided = program(EVENS, M=512, H=512)
    (found,) = elements_apart(strided)
    assert (found.text, found.tensor, found.store, found.run_bytes) == ("x[m, 2 * j]", "x", False, 4)
    assert found.place.endswith(":3:19")
    together = latency_fs(program(PAIRS, strided.config, M=512, H=512)) / 1e9
    assert found.latency_us == pytest.approx(together, rel=1e-6)
    assert found.gain == pytest.approx(1 - together / (latency_fs(strided) / 1e9))
    assert "j goes along the last dimension in steps" in found.why
    assert "read whole rows" in found.instead


def test_what_is_told_names_the_other_storage_order() -> None:
    heads = told(HEADS, S=512, D=64, H=8)
    assert (heads.text, heads.why) == ("x[s, D, h]", "h takes one position a step")
    assert heads.instead == "tile h without `by 1`, or store x the other way round, with D last"
    columns = {each.tensor: each for each in elements_apart(program(COLUMNS, M=4096, N=64))}
    assert "tile j without `by 1`" in columns["x"].instead
    backwards = told(REVERSED, M=512, N=512)
    assert (backwards.text, backwards.store) == ("y[m, N - 1 - n]", True)
    assert "write whole rows" in backwards.instead


@pytest.mark.parametrize("name", SHAPES)
def test_whole_rows_are_not_told(name: str) -> None:
    kernel, dims = specialised(name, "bf16"), SHAPES[name][1]
    found = elements_apart(engine.lower(kernel, dims, CHIP, engine.default_config(kernel, dims, CHIP)))
    assert not [each for each in found if each.gain > 0.05]


def test_simulate_and_explain_tell_it(tmp_path: Path) -> None:
    file = tmp_path / "evens.tk"
    file.write_text(EVENS)
    for command in ("simulate", "explain"):
        words = [command, str(file), "M=512", "H=512", "T=f32"]
        page = CliRunner().invoke(main, words, env={"COLUMNS": "80"})
        assert page.exit_code == 0, page.output
        assert "x[m, 2 * j] is read 4 bytes at a time; together: 9" in page.stdout
        data = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
        (found,) = data["elements_apart"]
        assert (found["tensor"], found["run_bytes"]) == ("x", 4)
