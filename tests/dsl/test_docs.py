"""The examples of the language reference are kernels that check, without a warning."""

import re
from pathlib import Path

import pytest

from tilery.dsl import parse
from tilery.dsl.functions import FUNCTIONS, REDUCTIONS, SCANS
from tilery.dsl.module import prelude
from tilery.dsl.types import BF16, ELEMENT_TYPES
from tilery.dsl.words import RESERVED

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```tk\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: text.split("(")[0])
def test_examples(text: str) -> None:
    module = parse(text)
    assert not module.warnings
    for each in module.kernels.values():
        assert each.specialise(dict.fromkeys(each.signature.type_variables, BF16), {}).body


def test_the_page_names_everything() -> None:
    assert len(EXAMPLES) >= 3
    named = {each.name for each in FUNCTIONS.values() if not each.symbol}
    for word in (*named, *REDUCTIONS, *SCANS, *prelude(), *ELEMENT_TYPES, *RESERVED):
        assert re.search(rf"\b{word}\b", PAGE), word
