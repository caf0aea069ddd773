"""What a kernel may read of what it writes, and where it may write in place."""

from __future__ import annotations

import pytest

from tilery.dsl import SourceErrors, check_requirements, parse
from tilery.dsl.program import Program, Store, walk
from tilery.dsl.types import F32


def special(text: str) -> Program:
    (definition,) = parse(text).kernels.values()
    return definition.specialise(dict.fromkeys(definition.signature.type_variables, F32), {})


def codes(text: str) -> set[str]:
    with pytest.raises(SourceErrors) as caught:
        parse(text)
    return {each.code for each in caught.value.diagnostics}


def updating(line: str, arguments: str = "", dims: str = "M, D") -> str:
    return f"kernel f(x: inout f32[{dims}]{arguments}):\n    tile m of M:\n        {line}\n"


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("x[m, at[m]] = v[m]", ", at: i32[M], v: f32[M]"),
        ("x[rows[m], D] = v[m, D]", ", rows: distinct i32[M], v: f32[M, D]"),
        ("x[rows[M - 1 - m] + at, D] = v[m, D]", ", rows: distinct i32[M], at: i32, v: f32[M, D]"),
        ("x[at + m, D] = v[m, D]", ", at: i32, v: f32[M, D]"),
        ("x[at[0] - m, D] = v[m, D]", ", at: i32[M], v: f32[M, D]"),
    ],
)
def test_places_that_are_told_apart(line: str, arguments: str) -> None:
    (store,) = (each for each in walk(special(updating(line, arguments)).body) if isinstance(each, Store))
    assert not store.accumulate and store.tensor.role == "inout"


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("x[rows[m], D] = v[m, D]", ", rows: i32[M], v: f32[M, D]"),
        ("x[rows[m] // 2, D] = v[m, D]", ", rows: distinct i32[M], v: f32[M, D]"),
        ("x[rows[m] + other[m], D] = v[m, D]", ", rows: distinct i32[M], other: distinct i32[M], v: f32[M, D]"),
        ("x[rows[0] + 0 * m, D] = v[m, D]", ", rows: distinct i32[M], v: f32[M, D]"),
    ],
)
def test_places_that_may_be_the_same(line: str, arguments: str) -> None:
    assert "TK430" in codes(updating(line, arguments))


def test_a_step_reads_what_it_writes_before_it_does() -> None:
    special(updating("x[m, D] = x[m, D] + 1"))
    special(
        "kernel f(x: inout f32[M, N], w: f32[N, N]):\n    require K == N\n    tile m of M:\n        x[m, N] = x[m, K] @ w[K, N]\n"
    )
    after = "kernel f(x: inout f32[M]) -> y: f32[M]:\n    tile m of M:\n        x[m] = f32(m)\n        y[m] = x[m]\n"
    assert codes(after) == {"TK452"}
    assert codes(updating("x[m, D] = x[M - 1 - m, D]")) == {"TK452"}
    assert codes(updating("x[m, D] += x[m, D]")) == {"TK452"}


def test_halves_that_are_apart_may_feed_each_other() -> None:
    special("kernel f(x: inout f32[2 * M]):\n    tile m of M:\n        x[m + M] = x[m]\n")


HEAD = "kernel f(x: inout f32[M], a: f32[N]):\n    require 2 * N <= M\n    tile n of N:\n        "


def test_stores_of_one_phase_write_apart() -> None:
    check_requirements(special(HEAD + "x[0 + n] = a[n]\n        x[n + N] = a[n]\n"), {"M": 17, "N": 5})
    with pytest.raises(SourceErrors, match="TK424"):
        check_requirements(special(HEAD + "x[0 + n] = a[n]\n        x[n + 3] = a[n]\n"), {"M": 17, "N": 5})


def test_a_store_stays_inside() -> None:
    with pytest.raises(SourceErrors, match="TK324"):
        check_requirements(special(HEAD + "x[n + M - N + 1] = a[n]\n"), {"M": 17, "N": 5})


def test_words_that_mean_something_at_one_place_name_values_elsewhere() -> None:
    body = "    tile m of M:\n        temp = distinct[m] * 2\n        y[m] = temp\n"
    special(f"kernel inout(distinct: f32[M]) -> y: f32[M]:\n{body}")


@pytest.mark.parametrize("line", ["tmp h: f32[M]", "temp h: f32[M] = 0"])
def test_a_temp_that_is_miswritten(line: str) -> None:
    assert codes(f"kernel f(x: f32[M]) -> y: f32[M]:\n    {line}\n    y[M] = x[M]\n") & {"TK123", "TK101", "TK103"}


def test_a_later_phase_is_read_before_it_is_written() -> None:
    phases = "    tile n of M:\n        y[n] = h[n]\n    tile m of M:\n        h[m] = x[m]\n"
    assert codes(f"kernel f(x: f32[M]) -> y: f32[M]:\n    temp h: f32[M]\n{phases}") == {"TK450"}
