"""The canonical text of a program, and its fingerprint."""

from pathlib import Path

from tilery.dsl import fingerprint, load, parse, print_program
from tilery.dsl.program import Program
from tilery.dsl.types import BF16, F32

TEXT = """kernel softmax(x: T[M, N]) -> y: T[M, N]:
    tile m of M:
        row = x[m, N]
        e = exp(row - max[N](row))
        y[m, N] = e / sum[N](e)
"""

PRINTED = """kernel softmax(x: bf16[M, N]) -> (y: bf16[M, N]):
    with T = bf16
    body:
        tile m of M:
            row: bf16[m, N] = load x[m, N]
            %1: f32[m] = max[N](row)
            %2: f32[m, N] = sub(row, %1)
            e: f32[m, N] = exp(%2)
            %3: f32[m] = sum[N](e)
            %4: f32[m, N] = div(e, %3)
            y[m, N] = %4
"""


def special(text: str) -> Program:
    return parse(text).kernels["softmax"].specialise({"T": BF16}, {})


def test_the_text() -> None:
    assert print_program(special(TEXT)) == PRINTED


def test_comments_blank_lines_and_line_breaks_change_nothing() -> None:
    other = (
        "# head\n\n" + TEXT.replace("    tile", '    """Doc."""\n\n    # why\n    tile').replace("e / ", "(\n e\n  /   ") + ")"
    )
    other = other.replace("sum[N](e)\n)", "sum[N](e))\n").replace("\n", "   # so\n")
    other = other.replace("(   # so", "(")
    assert print_program(special(other)) == PRINTED
    assert fingerprint(special(other)) == fingerprint(special(TEXT))
    assert fingerprint(special(TEXT.replace("\n", "\r\n"))) == fingerprint(special(TEXT))


def test_the_fingerprint_sees_meaning_and_not_names() -> None:
    mark = fingerprint(special(TEXT))
    assert len(mark) == 16 and int(mark, 16) >= 0
    assert fingerprint(special(TEXT.replace("row", "line"))) == mark
    assert fingerprint(special(TEXT.replace("exp(", "exp2("))) != mark
    assert fingerprint(special(TEXT.replace("m of M", "m of M by 64..128"))) != mark
    assert fingerprint(parse(TEXT).kernels["softmax"].specialise({"T": F32}, {})) != mark


def test_every_construct_is_printed() -> None:
    path = Path(__file__).parents[2] / "kernels" / "attention.tk"
    definition = load(path).kernels["attention"]
    text = print_program(definition.kernel)
    assert "if any(guard) carrying" in text and "= either s" in text and "wide(T)" in text
    assert "if %" not in print_program(definition.specialise({"T": BF16}, {}))
