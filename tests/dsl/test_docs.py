"""The kernels of the README and of docs/*.md check, without a warning; the language reference names everything."""

import re

import pytest

from tilery.dsl import parse
from tilery.dsl.functions import FUNCTIONS, REDUCTIONS, SCANS
from tilery.dsl.module import prelude
from tilery.dsl.text.words import RESERVED
from tilery.dsl.types import BF16, ELEMENT_TYPES

from ..docs.blocks import PAGES, ROOT, Block, blocks_of

EXAMPLES = [block for page in PAGES for block in blocks_of(page, "tk")]
PAGE = ROOT / "docs" / "language.md"


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_examples(block: Block) -> None:
    module = parse(block.text)
    assert not module.warnings
    for each in module.kernels.values():
        assert each.specialise(dict.fromkeys(each.signature.type_variables, BF16), {}).body


def test_the_page_names_everything() -> None:
    assert len(blocks_of(PAGE, "tk")) >= 3
    page = PAGE.read_text(encoding="utf-8")
    named = {each.name for each in FUNCTIONS.values() if not each.symbol}
    for word in (*named, *REDUCTIONS, *SCANS, *prelude(), *ELEMENT_TYPES, *RESERVED):
        assert re.search(rf"\b{word}\b", page), word
