"""What is given by name: dimensions, types, constants, scalars; and what is said when it does not fit."""

from __future__ import annotations

import pytest

from tilery import dsl
from tilery.command.shared.duration import seconds
from tilery.command.shared.opening import read_names
from tilery.dsl import KernelDefinition
from tilery.dsl.errors import UsageError
from tilery.request import Given, make_request

TEXT = '''
kernel scores(q: T[S, D], k: T[L, D], scale: f32, causal: bool = true, window: int = 4) -> s: T[S, L]:
    """Scaled scores."""
    tile i of S, j of L:
        s[i, j] = (q[i, D] @ k[j, D]) * scale
'''


@pytest.fixture(scope="module")
def scores() -> KernelDefinition:
    return dsl.parse(TEXT).kernels["scores"]


def test_text_and_python_values_mean_the_same(scores: KernelDefinition) -> None:
    typed = make_request(scores, {"S": "512", "D": "64", "L": "1024", "T": "f32", "causal": "false", "scale": "0.5"})
    called = make_request(scores, {"S": 512, "D": 64, "L": 1024, "T": "f32", "causal": False, "scale": 0.5})
    for request in (typed, called):
        assert request.dims == {"S": 512, "D": 64, "L": 1024}
        assert str(request.kernel.types["T"]) == "f32"
        assert request.kernel.constants == {"causal": False, "window": 4}
        assert request.scalars == {"scale": 0.5}
        assert request.arguments == "S=512 D=64 L=1024 T=f32 causal=false window=4"
        assert request.title == "scores S=512 D=64 L=1024 T=f32 causal=false window=4 on trn2"


def test_types_left_out_are_bf16(scores: KernelDefinition) -> None:
    assert str(make_request(scores, {"S": 1, "D": 2, "L": 3}).kernel.types["T"]) == "bf16"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"S": 512, "D": 64}, "scores needs dimension L\nhelp: say, for example, S=512 D=64 L=1024"),
        ({"D": 64}, "scores needs dimensions S, L\nhelp: say, for example, S=1024 D=64 L=1024"),
        ({"S": 5, "D": 6, "L": 7, "casual": True}, "the kernel has nothing called `casual`; did you mean `causal`?"),
        ({"s": 5, "D": 6, "L": 7}, "the kernel has nothing called `s`; did you mean `S`?"),
        ({"q": 5, "S": 5, "D": 6, "L": 7}, "`q` is a tensor; give its dimensions instead: S, D, L"),
        ({"S": 5, "D": 6, "L": 7, "M": 8}, "the kernel has nothing called `M`; it has S, D, L, T, causal, window, scale"),
        ({"S": "5x", "D": 6, "L": 7}, "S=5x: a whole number is expected, as in S=1024"),
        ({"S": 5.5, "D": 6, "L": 7}, "S=5.5: a whole number is expected, as in S=1024"),
        ({"S": -1, "D": 6, "L": 7}, "S=-1: a dimension cannot be negative"),
        ({"S": 5, "D": 6, "L": 7, "T": "bf61"}, "T=bf61: there is no such element type; did you mean `bf16`?"),
        ({"S": 5, "D": 6, "L": 7, "causal": "maybe"}, "causal=maybe: true or false is expected"),
        ({"S": 5, "D": 6, "L": 7, "scale": "big"}, "scale=big: a number is expected"),
    ],
)
def test_what_does_not_fit_is_told(scores: KernelDefinition, given: dict[str, Given], message: str) -> None:
    with pytest.raises(UsageError) as error:
        make_request(scores, given)
    assert str(error.value) == message


@pytest.mark.parametrize(("text", "value"), [("30s", 30), ("500ms", 0.5), ("2m", 120), ("1.5h", 5400), (7, 7), ("45", 45)])
def test_lengths_of_time(text: str | int, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "s", "-3s", "3 weeks", "0s", "nan"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(UsageError, match="no length of time"):
        seconds(text)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["M"], "`M`: write NAME=VALUE, for example M=2048"),
        (["=3"], "`=3`: write NAME=VALUE, for example M=2048"),
        (["M=3", "M=4"], "M is given twice: 3 and 4"),
    ],
)
def test_words_that_are_no_names_with_values(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        read_names(words)
    assert str(error.value) == message
