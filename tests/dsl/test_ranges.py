"""`x: T[N] in 0..1`: what a range may say, where it shows, and that it changes no value."""

import pytest
from pygments.token import Error, Keyword, Number

from tilery.dsl import UsageError, check_requirements, fingerprint, parse, print_program
from tilery.dsl.inspection import completions, definition_at, value_at
from tilery.dsl.module import examine
from tilery.dsl.program import Program, Range
from tilery.dsl.text.formatter import format_text
from tilery.dsl.types import BOOL, F32, I32, ElementType
from tilery.highlighting import TkLexer


def kernel(parameters: str, t: ElementType = F32, **constants: int) -> Program:
    """`x` and what else the parameters declare, specialised."""
    (definition,) = parse(f"kernel f({parameters}) -> y: f32[N]:\n    y[N] = x[N]\n").kernels.values()
    types = dict.fromkeys(definition.signature.type_variables, t)
    return definition.specialise(types, constants)


def limits(parameters: str, name: str = "x", n: int = 10, **constants: int) -> tuple[float, float]:
    return kernel(parameters, F32, **constants).signature.ranges[name].limits({"N": n})


def test_bounds_are_numbers_and_sizes_and_both_are_included() -> None:
    assert limits("x: T[N] in 0..1") == (0, 1)
    assert limits("x: T[N] in -0.5..1e-3 * 2") == (-0.5, 0.002)
    assert limits("x: T[N] in -N..2 * N - 1") == (-10, 19)
    assert limits("x: T[N] in 0..inf") == (0, float("inf"))
    assert limits("x: T[N], s: f32 in 0.5..2 = 1.0", "s") == (0.5, 2)
    assert limits("x: T[N], at: i32 in 0..N - 1", "at", n=7) == (0, 6)


def test_a_bound_may_name_a_constant_declared_later_and_a_derived_dimension() -> None:
    assert limits("x: T[N], k: i32[N] in 1..width, width: int = 4", "k") == (1, 4)
    assert limits("x: T[N], k: i32[N] in 1..width, width: int = 4", "k", width=9) == (1, 9)
    text = "kernel f(x: T[N], k: i32[N] in 0..P - 1) -> y: T[N]:\n    require P == N // 2\n    y[N] = x[N] + k[N]\n"
    (definition,) = parse(text).kernels.values()
    assert definition.signature.ranges["k"].limits({"N": 10}) == (0, 4)


def test_a_range_uses_the_constant_that_it_names() -> None:
    module = parse("kernel f(k: i32[N] in 1..width, width: int = 4) -> y: i32[N]:\n    y[N] = k[N]\n")
    assert not module.warnings


def test_a_range_that_is_empty_for_some_sizes_is_told_with_them() -> None:
    narrow = kernel("x: T[N] in 1..N - 4")
    check_requirements(narrow, {"N": 5})
    with pytest.raises(UsageError, match=r"`x in 1..N - 4` is 1..0 with N = 4: no number lies in it"):
        check_requirements(narrow, {"N": 4})


def test_a_type_variable_may_be_bound_to_what_does_not_hold_the_bounds() -> None:
    assert kernel("x: T[N] in 0.5..1", I32).signature.ranges
    assert kernel("x: f32[N], z: T[N] in 0.5..1", BOOL).signature.ranges


def test_the_printed_program_has_the_range_and_the_fingerprint_has_not() -> None:
    with_range, without = kernel("x: T[N] in 0..N - 1, s: f32 in 0.5..2 = 1.0"), kernel("x: T[N], s: f32 = 1.0")
    assert print_program(with_range).startswith("kernel f(x: f32[N] in 0..N - 1, s: f32 in 0.5..2 = 1.0) -> (y: f32[N]):")
    assert fingerprint(with_range) == fingerprint(without)


@pytest.mark.parametrize("text", ["-1 * N..N - 1", "0.5..6.0", "-inf..0", "1e-06..inf", "2 * N // 3..M * N"])
def test_a_printed_range_reads_back(text: str) -> None:
    def read(bounds: str) -> Range:
        source = f"kernel f(x: T[N], z: T[M] in {bounds}) -> y: T[N]:\n    y[N] = x[N]\n"
        return parse(source).kernels["f"].signature.ranges["z"]

    assert read(str(read(text))) == read(text)


def test_the_layout() -> None:
    ugly = "kernel f(x:T[ N ]in-1 .. N-1,s:f32 in 0 ..2=1.0)->y:T[N]:\n    y[N]=x[N]*s\n"
    neat = "kernel f(x: T[N] in -1..N - 1, s: f32 in 0..2 = 1.0) -> y: T[N]:\n    y[N] = x[N] * s\n"
    assert format_text(ugly) == neat == format_text(neat)


def test_the_colours() -> None:
    found = list(TkLexer().get_tokens("kernel f(x: f32[N] in 0..0.5) -> y: f32[N]:\n"))
    assert (Keyword, "in") in found and (Number.Integer, "0") in found and (Number.Float, "0.5") in found
    assert not [part for kind, part in found if kind is Error]


def test_the_editor_shows_the_range() -> None:
    text = "kernel f(x: T[N], used: i32[B] in 1..N) -> y: T[N]:\n    y[N] = x[N]\n"
    found = examine(text, "f.tk", "f.tk")
    shown = value_at(found, 1, 20)
    assert shown is not None and "`used` lies in `1..N`, both ends included" in shown[1]
    details = {each.text: each.detail for each in completions(found, text, 2)}
    assert details["used"] == "i32[B] in 1..N" and details["x"] == "T[N]"
    place = definition_at(found, text, 1, text.index("1..N") + 4)
    assert place is not None and place.column == text.index("[N]") + 2
