"""Every refusal of a chip has a code and a page; its wrong example gives that code on its chip, and its right one lowers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tilery.backends
from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.errors import CannotLower, Infeasible
from tilery.backends.machine.refusals import refusals
from tilery.backends.tunable import Config
from tilery.dsl import explain_error, parse
from tilery.dsl.explanations import Explanation, explanations
from tilery.dsl.types import BF16

ROOT = Path(tilery.backends.__path__[0])
REPOSITORY = Path(__file__).parents[2]
PAGES = refusals()


def lowered(text: str, page: Explanation, config: Config) -> engine.EngineProgram:
    module = parse(text)
    assert not module.warnings
    (definition,) = module.kernels.values()
    kernel = definition.specialise(dict.fromkeys(definition.signature.type_variables, BF16), {})
    chip = load_chip(str(REPOSITORY / page.chip) if page.chip.endswith(".toml") else page.chip)
    return engine.lower(kernel, page.sizes, chip, config or engine.default_config(kernel, page.sizes, chip))


@pytest.mark.parametrize("code", PAGES)
def test_the_wrong_example_gives_the_code_and_the_right_one_lowers(code: str) -> None:
    page = PAGES[code]
    with pytest.raises((CannotLower, Infeasible)) as caught:
        lowered(page.wrong, page, page.config)
    (found,) = caught.value.diagnostics
    assert found.code == code and found.help and found.span.line > 1
    assert str(caught.value).startswith(f"{found.span}: error[{code}]: ")
    lowered(page.right, page, {})


def test_every_code_in_use_has_a_page() -> None:
    used = {code for path in ROOT.rglob("*.py") for code in re.findall(r'"(TK\d+)"', path.read_text(encoding="utf-8"))}
    assert used == set(PAGES)
    assert used.isdisjoint(explanations())


def test_the_page_says_where_the_mistake_shows() -> None:
    text = explain_error("tk517", PAGES)
    assert text.startswith("# TK517: a batch axis")
    assert "With `B=200 M=70 K=50 N=30 --chip trn2`:" in text
