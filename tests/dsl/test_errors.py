"""Every kind of mistake: a small program that has it, and the whole message beside it."""

from pathlib import Path

import pytest

from tilery.dsl import SourceErrors, parse

FOLDER = Path(__file__).parent / "errors"
CASES = sorted(each.stem for each in FOLDER.glob("*.tk"))


@pytest.mark.parametrize("case", CASES)
def test_the_whole_message(case: str) -> None:
    text = (FOLDER / f"{case}.tk").read_text(encoding="utf-8")
    with pytest.raises(SourceErrors) as caught:
        parse(text, f"{case}.tk")
    assert str(caught.value) + "\n" == (FOLDER / f"{case}.txt").read_text(encoding="utf-8")


def test_every_case_has_its_message() -> None:
    assert {each.stem for each in FOLDER.glob("*.txt")} == set(CASES)
    assert len(CASES) > 80


def test_a_message_repeats_the_place_of_a_long_line_only() -> None:
    blanks = " " * 40_000
    with pytest.raises(SourceErrors) as caught:
        parse(f"kernel f(x: T[M]) -> y: T[M]:\n    tile m of M:\n        y[m] ={blanks} x[m] + wrong  #{blanks}.\n", "long.tk")
    text = str(caught.value)
    assert len(text) < 2000
    line, carets = next(pair for pair in zip(text.split("\n"), text.split("\n")[1:], strict=False) if "^" in pair[1])
    assert line[carets.index("^") : carets.rindex("^") + 1] == "wrong"
