"""What arguments are drawn from: their declared range, or what the kernel does with them."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilery.backends import emulator
from tilery.backends.drawing import Domain, domains
from tilery.backends.numbers.rounding import to_compute
from tilery.backends.truth import data
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.reference import reference
from tilery.dsl import UsageError, parse
from tilery.dsl.program import Program
from tilery.dsl.types import BF16, F8E4M3, F32, I32, U8, ElementType


def kernel(text: str, t: ElementType = F32) -> Program:
    (definition,) = parse(text).kernels.values()
    return definition.specialise(dict.fromkeys(definition.signature.type_variables, t), {})


def one(parameters: str, value: str, functions: str = "") -> Program:
    """`y[m] = value` for every m, of which `x: f32[N]` may be read."""
    text = f"{functions}\nkernel f(x: f32[N], {parameters}, like: f32[M]) -> y: f32[M]:\n"
    return kernel(f"{text}    tile m of M:\n        y[m] = {value}\n")


def drawn(kernel: Program, name: str, **dims: int) -> tuple[float, float]:
    domain = domains(kernel, dims)[name]
    values = np.concatenate([np.ravel(np.asarray(data.random_arguments(kernel, dims, seed)[name])) for seed in range(3)])
    assert domain.low <= values.min() and values.max() <= domain.high
    return domain.low, domain.high


DIMS = {"N": 40, "M": 20}


# --- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("x[at[m]]", 0, 39),
        ("x[at[m] + 1]", -1, 38),
        ("x[39 - 2 * at[m]]", 0, 19),
        ("x[at[m] + m]", 0, 20),
        ("x[at[m] // 4]", 3, 156),
        ("x[clamp(at[m], 0, N - 1)]", 0, 39),
        ("x[at[m] - 1, else 0]", 0, 41),
        ("x[at[m]] + x[at[m] + 10]", 0, 29),
        ("x[i32(f32(at[m]))]", 0, 39),
    ],
)
def test_what_indexes_stays_inside(value: str, low: int, high: int) -> None:
    used = one("at: i32[M]", value)
    assert drawn(used, "at", **DIMS) == (low, high)
    arguments = data.random_arguments(used, DIMS, 0)
    emulator.compile(used, DIMS, {"m": 8})(arguments)  # raises for a place outside


def test_a_page_and_a_place_in_it() -> None:
    paged = one("page: i32[M], at: i32[M]", "x[page[m] * 8 + at[m]]")
    assert drawn(paged, "at", **DIMS) == (0, 7) and drawn(paged, "page", **DIMS) == (0, 4)


def test_a_declared_range_counts_in_what_another_argument_may_be() -> None:
    assert drawn(one("start: i32[M] in 0..9, at: i32[M]", "x[start[m] + at[m]]"), "at", **DIMS) == (0, 30)


@pytest.mark.parametrize(
    ("condition", "low", "high"),
    [
        ("index[N] < used[m]", 0, 40),
        ("used[m] > index[N]", 0, 40),
        ("index[N] < min(used[m], 5)", 0, 40),
        ("index[N] - used[m] < 0", 0, 40),
        ("f32(index[N]) < f32(used[m])", 0, 40),
        ("index[N] < 8 * used[m]", 0, 5),
        ("index[N] < used[m] + 3", 0, 37),
        ("used[m] < N", 0, 40),
        ("seen(index[N], used[m])", 0, 40),
        ("m - index[N] < used[m]", 0, 20),
        ("used[m] > 3", -100, 100),
    ],
)
def test_what_is_compared_with_positions_reaches_over_them(condition: str, low: int, high: int) -> None:
    functions = "fn end(u) = min(max(u, 1), 7)\nfn seen(j, u) = j < end(u)\n"
    used = one("used: i32[M]", f"sum[N](where({condition}, x[N], 0))", functions)
    assert drawn(used, "used", **DIMS) == (low, high)


def test_a_scalar_too_and_what_a_loop_carries() -> None:
    text = """
kernel f(x: f32[N], like: f32[M], window: i32) -> y: f32[M]:
    tile m of M:
        total = zeros[m]
        end = window
        for n of N:
            end = min(end, N)
            total += sum[n](where(n < end, x[n], 0))
        y[m] = total
"""
    assert drawn(kernel(text), "window", **DIMS) == (0, 40)


def test_what_a_type_does_not_hold_is_left_out() -> None:
    used = one("used: i8[M]", "sum[N](where(index[N] < used[m], x[N], 0))")
    assert drawn(used, "used", N=400, M=3) == (0, 127)


def test_ends_are_among_many() -> None:
    used = one("used: i32[M] in 1..N", "x[used[m] - 1]")
    values = np.asarray(data.random_arguments(used, {"N": 1000, "M": 8}, 0)["used"])
    assert values.min() == 1 and values.max() == 1000


# --- other numbers ----------------------------------------------------------------------------------------------------


def test_other_integers_are_moderate_and_small_in_powers() -> None:
    used = one("e: i32[M], w: i8[M], u: u8[M]", "2 ** e[m] + w[m] * u[m]")
    found = {name: (each.low, each.high) for name, each in domains(used, DIMS).items()}
    assert found == {"e": (-4, 4), "w": (-100, 100), "u": (0, 100)}


@pytest.mark.parametrize(
    ("value", "positive"),
    [
        ("sqrt(v[m])", True),
        ("1 / (sqrt(0.9 * v[m] + 0.1 * square(like[m])) + 0.1)", True),
        ("log(v[m] / 3)", True),
        ("v[m] ** 0.5", True),
        ("rsqrt(v[m] * v[m] + 0.1)", False),
        ("log(1 + exp(v[m]))", False),
        ("sqrt(max(v[m], 0))", False),
        ("where(v[m] > 0, log(v[m]), 0)", False),
        ("log(1 - v[m])", False),
        ("v[m] ** 2", False),
    ],
)
def test_what_a_root_is_taken_of_is_positive(value: str, positive: bool) -> None:
    used = one("v: f32[M]", value)
    assert ("v" in domains(used, DIMS)) == positive
    values = np.asarray(data.random_arguments(used, DIMS, 0)["v"])
    assert (values.min() >= 0) == positive


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([F32, BF16, F8E4M3, I32, U8]),
    st.floats(-1e4, 1e4, allow_nan=False),
    st.floats(0, 1e3),
    st.sampled_from(["{low!r}..{high!r}", "{low!r}..inf", "-inf..{high!r}"]),
)
def test_declared_ranges_hold_in_every_type(t: ElementType, low: float, width: float, form: str) -> None:
    bounds = form.format(low=round(low, 3), high=round(low, 3) + round(width, 3))
    declared = kernel(f"kernel f(x: T[N] in {bounds}) -> y: T[N]:\n    tile n of N:\n        y[n] = x[n]\n", t)
    try:
        domain = domains(declared, {"N": 50})["x"]
    except UsageError as error:
        assert re.search("no number of type", str(error))
        return
    values = to_compute(np.asarray(data.random_arguments(declared, {"N": 50}, 0)["x"]), t)
    assert domain.low <= values.min() and values.max() <= domain.high


def test_a_domain_reads_well() -> None:
    assert str(Domain(0, 2**31 - 1, "declared")) == "0..2147483647 (declared)"
    assert str(Domain(-4, 4, "")) == "-4..4"


# --- faults that must be found ----------------------------------------------------------------------------------------

DECODE = """
kernel f(k: f32[B, L], used: i32[B]{range}) -> o: f32[B]:
    reference:
        o[B] = sum[L](where(index[L] < used[B], k[B, L], 0))
    tile b of B:
        total = zeros[b]
        for j of L:
            total += sum[j](where(j < {used}, k[b, j], 0))
        o[b] = total
"""


@pytest.mark.parametrize("range", ["", " in 1..L"])
@pytest.mark.parametrize("dims", [{"B": 4, "L": 64}, {"B": 1, "L": 200}, {"B": 8, "L": 3000}])
@pytest.mark.parametrize("fault", ["min(used[b], 5)", "used[b]"])
def test_what_ignores_the_far_end_is_wrong(range: str, dims: dict[str, int], fault: str) -> None:
    text = kernel(DECODE.format(range=range, used=fault))
    arguments = data.random_arguments(text, dims, 0)
    results = emulator.compile(text, dims, {"b": 8, "j": 64})(arguments)
    assert compare(text, dims, results, reference(text, dims, arguments), arguments).ok == (fault == "used[b]")
