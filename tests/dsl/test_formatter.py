"""The formatter: what it makes of a text, that it is idempotent, and that it never changes what a text means."""

import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilery.dsl import SourceErrors, fingerprint, parse
from tilery.dsl.text.formatter import format_text

ROOT = Path(__file__).parents[2]
FILES = [
    *sorted((ROOT / "kernels").glob("*.tk")),
    *sorted((ROOT / "tests" / "kernels").rglob("*.tk")),
    ROOT / "dsl" / "prelude.tk",
]

UGLY = '''

# head


fn   twice( x )=x+x
kernel f(x:T[ M,N ],n:int=- 2,
    flag : bool=true)->(y:T[M,N]):
  """Docs,
     on two lines."""

  tune   TM in {1,2}=2
  # about the loop
  tile m of M by TM,j of N by 64 .. 128:

     a=-x[m,j]*- 2+(1-n)**2   # why


     b = where(not(a<0)and true-1<2,twice (a),
               a [m])
     # the last
     y[m,j]=a@ b
  # after the loop
# of the file
'''

PRETTY = '''# head

fn twice(x) = x + x

kernel f(x: T[M, N], n: int = -2, flag: bool = true) -> (y: T[M, N]):
    """Docs,
     on two lines."""

    tune TM in {1, 2} = 2
    # about the loop
    tile m of M by TM, j of N by 64..128:
        a = -x[m, j] * -2 + (1 - n) ** 2  # why

        b = where(not (a < 0) and true - 1 < 2, twice(a), a[m])
        # the last
        y[m, j] = a @ b
    # after the loop
# of the file
'''


def test_the_layout() -> None:
    assert format_text(UGLY) == PRETTY and format_text(PRETTY) == PRETTY


def test_long_lines_keep_their_breaks() -> None:
    terms = " + ".join(["x[M]"] * 12)
    text = f"kernel f(x: T[M]) -> y: f32[M]:\n    y[M] = ({terms}  # one\n      +{terms}\n    )\n"
    wanted = f"kernel f(x: T[M]) -> y: f32[M]:\n    y[M] = ({terms}  # one\n        + {terms}\n    )\n"
    assert format_text(text) == wanted and format_text(wanted) == wanted


def test_shipped_kernels_are_formatted() -> None:
    for each in FILES:
        assert format_text(each.read_text(encoding="utf-8")) == each.read_text(encoding="utf-8"), each


def test_what_cannot_be_parsed_is_left_alone() -> None:
    with pytest.raises(SourceErrors):
        format_text("kernel f(:\n")


def meaning(text: str) -> list[str]:
    return [fingerprint(each.kernel) + each.doc for each in parse(text).kernels.values()]


def untidied(text: str, choose: random.Random) -> str:
    """The same words in another layout."""
    lines = []
    for line in text.split("\n"):
        depth = (len(line) - len(line.lstrip())) // 4
        body = line.strip()
        if '"' not in body and "#" not in body and "(" not in body:
            body = re.sub(
                r" ?((?:max|min)=|[-+*/=<>,:@]+) ?", lambda found: choose.choice(("", " ", "  ")).join(("", found[1], "")), body
            )
        lines += [""] * choose.choice((0, 0, 0, 1, 2))
        lines.append(" " * (depth * 3) + body + choose.choice(("", "  ", "# a word" if body and '"' not in body else "")))
    return "\n".join(lines) + "\n" * choose.randint(0, 3)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(FILES[:-1]), st.integers(0, 2**32))
def test_meaning_and_comments_stay(path: Path, seed: int) -> None:
    text = untidied(path.read_text(encoding="utf-8"), random.Random(seed))
    once = format_text(text)
    assert format_text(once) == once
    assert sorted(re.findall(r"#[^\n]*\S", once)) == sorted(re.findall(r"#[^\n]*\S", text))
    assert meaning(once) == meaning(text) == meaning(path.read_text(encoding="utf-8"))
