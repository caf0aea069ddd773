"""Every code has a page, whose wrong example has that mistake and no other, and whose right one has none."""

import re
from pathlib import Path

import pytest

import tilery.dsl
from tilery.dsl import SourceErrors, UsageError, check_requirements, explain_error, load, parse
from tilery.dsl.explanations import Explanation, explanations
from tilery.dsl.types import BF16

ROOT = Path(tilery.dsl.__file__).parent
PAGES = explanations()


def codes(path: Path, page: Explanation, sizes: bool) -> set[str]:
    """The codes of all that is wrong with a file, and of its warnings."""
    try:
        module = load(path) if page.files else parse(path.read_text(encoding="utf-8"))
        for each in module.kernels.values() if sizes and page.sizes else ():
            check_requirements(each.specialise(dict.fromkeys(each.signature.type_variables, BF16), {}), page.sizes)
    except SourceErrors as error:
        return {each.code for each in error.diagnostics}
    return {each.code for each in module.warnings}


@pytest.mark.parametrize("code", PAGES)
def test_the_examples(code: str, tmp_path: Path) -> None:
    page = PAGES[code]
    for name, text in page.files.items():
        (tmp_path / f"{name}.tk").write_text(text, encoding="utf-8")
    path = tmp_path / "main.tk"
    path.write_text(page.wrong, encoding="utf-8", newline="")
    if not page.sketch:
        assert codes(path, page, sizes=True) - set(page.also) == {code}
    path.write_text(page.right, encoding="utf-8", newline="")
    assert codes(path, page, sizes=False) == set()


def test_every_code_in_use_has_a_page() -> None:
    used = {code for path in ROOT.rglob("*.py") for code in re.findall(r'"(TK\d+)"', path.read_text(encoding="utf-8"))}
    assert used == set(PAGES) and len(used) > 100


def test_the_page() -> None:
    text = explain_error("tk204")
    assert text.startswith("# TK204: declared twice\n") and "## Wrong" in text and "## Right" in text
    with pytest.raises(UsageError, match="there is no error `TK999`"):
        explain_error("TK999")
