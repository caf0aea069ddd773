"""Every operation's record holds all its parts, and each part is true: slopes, rounding, expansion, names in other languages."""

from __future__ import annotations

import ast
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from tilery.backends.machine.execute.evaluate import evaluate
from tilery.backends.operations import numerics
from tilery.backends.operations.numerics import Array
from tilery.backends.operations.record import Absent, Operation
from tilery.backends.operations.reductions import REDUCTIONS, agree
from tilery.backends.operations.scanning import SCANS
from tilery.backends.operations.table import OPERATIONS, complete, rounding_scale
from tilery.backends.operations.written import in_program, on_arrays
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.error_analysis import unit
from tilery.backends.truth.reference import reference
from tilery.dsl import functions, parse
from tilery.dsl.functions import FUNCTIONS, result_type
from tilery.dsl.program import Axis, Elementwise, Value
from tilery.dsl.spans import Source, Span
from tilery.dsl.types import BF16, BOOL, F32, I32, ElementType

from ..judges import numbers

RECORDS = list(OPERATIONS.values())
EXPANDED = [name for name, each in OPERATIONS.items() if not isinstance(each.expansion, Absent)]
ROUNDED = [each for each in RECORDS if each.rounds != 0 and FUNCTIONS[each.name].gives in ("same", "float")]
SPAN = Span(Source("f", "f"), 1, 1, 1, 1)


def operands(record: Operation, count: int = 400) -> list[Array]:
    """Numbers of the record's ranges, in float64; conditions are truth values."""
    rng = np.random.default_rng(0)
    drawn = [rng.uniform(low, high, count) for low, high in record.domain]
    given = [each > 0.5 if record.name == "where" and not place else each for place, each in enumerate(drawn)]
    return [each.astype(np.int32) for each in given] if FUNCTIONS[record.name].gives == "integer" else given


@pytest.mark.parametrize("part", [each.name for each in fields(Operation)])
def test_a_record_without_a_part_is_refused(part: str) -> None:
    lacking: dict[str, Any] = {part: None}
    with pytest.raises(TypeError, match=part):
        replace(OPERATIONS["exp"], **lacking)
    whole = {each.name: getattr(OPERATIONS["exp"], each.name) for each in fields(Operation) if each.name != part}
    with pytest.raises(TypeError, match=part):
        Operation(**whole)


def test_what_is_absent_has_a_reason() -> None:
    with pytest.raises(ValueError, match="reason"):
        Absent("")
    with pytest.raises(TypeError, match="expansion"):
        replace(OPERATIONS["div"], expansion=Absent("forgotten"))


@pytest.mark.parametrize(
    ("records", "says"),
    [
        (RECORDS[:-1], f"{RECORDS[-1].name}, and backends"),
        ([*RECORDS, RECORDS[0]], "two records"),
        ([*RECORDS, replace(RECORDS[0], name="frobnicate")], "does not have it"),
        ([*RECORDS[1:], replace(RECORDS[0], domain=())], "takes 2"),
    ],
)
def test_the_registry_is_exactly_the_language(records: list[Operation], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        complete(records)


@pytest.mark.parametrize("record", RECORDS, ids=lambda each: str(each.name))
def test_slopes_are_derivatives(record: Operation) -> None:
    given = operands(record)
    with np.errstate(all="ignore"):
        value = numerics.elementwise(record.name, given)
        slopes = record.slopes(given, value)
    assert len(slopes) == len(given)
    for place, slope in enumerate(slopes):
        if given[place].dtype != np.float64 or value.dtype != np.float64:
            assert np.all(np.asarray(slope) == 0)
            continue
        step = 1e-6
        ends = [[x + side * step if place == other else x for other, x in enumerate(given)] for side in (-1, 1)]
        low, high = (numerics.elementwise(record.name, each) for each in ends)
        np.testing.assert_allclose(np.broadcast_to(slope, value.shape), (high - low) / (2 * step), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("record", RECORDS, ids=lambda each: str(each.name))
def test_jumps_are_where_the_function_jumps(record: Operation) -> None:
    """A function of floats without jumps changes little over a little distance; one with jumps says where, and how far."""
    given = operands(record, 50_000)
    if any(each.dtype != np.float64 for each in given) or FUNCTIONS[record.name].gives == "logic":
        return
    # On a grid, so that two operands are equal at times.
    given = [np.round(each, 2) for each in given]
    moved = [each + np.random.default_rng(place).choice([-0.01, 0, 0.01], each.shape) for place, each in enumerate(given)]
    value, other = (numerics.elementwise(record.name, each) for each in (given, moved))
    off = np.abs(other.astype(np.float64) - value)
    smooth = off <= 0.03 * sum(np.abs(np.asarray(each)) for each in record.slopes(given, value)) + 0.025
    if isinstance(record.jumps, Absent):
        assert smooth.all()
    else:
        reached = record.jumps(given, [np.full(each.shape, 0.016) for each in given])
        assert not smooth.all() and np.all(off[~smooth] <= reached[~smooth] + 0.1) and np.all(reached[~smooth] > 0)


@pytest.mark.parametrize("record", ROUNDED, ids=lambda each: str(each.name))
def test_what_an_operation_loses_is_said(record: Operation) -> None:
    narrow = [each.astype(np.float32) if each.dtype == np.float64 else each for each in operands(record, 100_000)]
    wide = [each.astype(np.float64) if each.dtype == np.float32 else each for each in narrow]
    want = numerics.elementwise(record.name, wide)
    errors = numerics.elementwise(record.name, narrow) - want
    # Not more than is said; and not far less, which would excuse what is wrong.
    assert 0.26 < np.sqrt(np.mean(np.square(errors / (unit(F32) * rounding_scale(record.name, wide, want))))) < 1


@pytest.mark.parametrize("name", [each.name for each in RECORDS if each.rounds == 0 and FUNCTIONS[each.name].gives == "same"])
def test_what_is_exact_loses_nothing(name: str) -> None:
    narrow = [each.astype(np.float32) for each in operands(OPERATIONS[name], 10_000)]
    want = numerics.elementwise(name, [each.astype(np.float64) for each in narrow])
    np.testing.assert_allclose(numerics.elementwise(name, narrow), want, rtol=1e-6, atol=1e-6)


def patterns(count: int, arity: int, element: ElementType) -> list[Array]:
    """Numbers of every exponent, infinities and NaN; whole numbers; or truth values."""
    rng = np.random.default_rng(1)
    if element == I32:
        return [rng.integers(-(2**31), 2**31, count).astype(np.int32) for _ in range(arity)]
    wild = rng.integers(0, 1 << 32, (arity, count), np.uint32).view(np.float32)
    usual = rng.standard_normal((arity, count)).astype(np.float32)
    special = rng.choice(np.array([0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 1e-45, 3e38], np.float32), (arity, count))
    return list(np.where(rng.random((arity, count)) < 0.1, special, np.where(rng.random((arity, count)) < 0.5, wild, usual)))


@pytest.mark.parametrize("element", [F32, BF16, I32], ids=str)
@pytest.mark.parametrize("name", EXPANDED)
def test_an_expansion_is_the_operation_to_the_bit(name: str, element: ElementType) -> None:
    function = FUNCTIONS[name]
    if function.gives == "integer" and element != I32:
        return
    axis = Axis("N", "N", whole=True)
    given = patterns(40_000, function.arity, element)
    if element == BF16:
        given = [numerics.rounded(each, BF16) for each in given]
    values: dict[Value, Array] = {}
    for each in given:
        values[Value("x", (axis,), element, SPAN)] = each
    want_type = result_type(function.gives, [element] * function.arity)
    op = Elementwise(Value("y", (axis,), want_type, SPAN), name, tuple(values))
    ops = in_program(op)
    assert ops
    with np.errstate(all="ignore"):
        for made in ops:
            values[made.result] = evaluate(made, values, {"N": (0, 40_000)}, {"N": 40_000}, {})
        want = numerics.elementwise(name, given)
    got = values[ops[-1].result]
    assert ops[-1].result.dtype == want_type and (got.dtype == want.dtype or want_type == BOOL)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", EXPANDED)
def test_expansions_end(name: str) -> None:
    """Expansions end: none comes back to its own operation."""
    seen: list[str] = []

    def writer(fn: str, *given: Any) -> Array:
        assert fn != name
        seen.append(fn)
        inner = OPERATIONS[fn].expansion
        return on_arrays(fn, *given) if isinstance(inner, Absent) else np.asarray(inner(writer, *given))

    expansion = OPERATIONS[name].expansion
    assert not isinstance(expansion, Absent)
    with np.errstate(all="ignore"):
        expansion(
            writer,
            *(np.ones(2, np.int32 if FUNCTIONS[name].gives == "integer" else np.float32) for _ in range(FUNCTIONS[name].arity)),
        )
    assert seen and all(OPERATIONS[fn].unit != "none" or not isinstance(OPERATIONS[fn].expansion, Absent) for fn in seen)


@pytest.mark.parametrize("record", RECORDS, ids=lambda each: str(each.name))
def test_names_are_expressions_of_all_operands(record: Operation) -> None:
    arity = FUNCTIONS[record.name].arity
    for each in (record.names.triton, record.names.pallas):
        if isinstance(each, str):
            names = [f"operand{place}" for place in range(arity)]
            tree = ast.parse(each.format(*names), mode="eval")
            assert {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} >= set(names)
    assert isinstance(record.names.nki, Absent) or record.names.nki.removeprefix("nl.").isidentifier()


def test_bits_of_an_uncertain_number_are_uncertain() -> None:
    """A float that is rounded elsewhere may be another whole number, of which every bit may differ."""
    text = """kernel f(a: f32[N], b: f32[N]) -> y: i32[N]:
    reference:
        y[N] = bit_and(i32(1000 * (a[N] + b[N])), 1)
    tile n of N:
        y[n] = bit_and(i32(1000 * (a[n] + b[n])), 1)
"""
    kernel = parse(text).kernels["f"].specialise({}, {})
    half = np.array([2.5 / 1000, 3.1 / 1000], np.float32)
    given: dict[str, Array | float] = {"a": half, "b": np.zeros(2, np.float32)}
    want = reference(kernel, {"N": 2}, given)
    wrong = [
        compare(kernel, {"N": 2}, {"y": np.array(got, np.int32)}, want, given).verdict == "wrong" for got in ((1, 1), (0, 0))
    ]
    assert wrong == [False, True]


def test_the_judges_know_every_operation() -> None:
    """With meanings of their own, in plain Python: for floats and for integers, wherever the language takes them."""
    of_numbers = {name for name, each in FUNCTIONS.items() if each.gives in ("same", "float")}
    assert of_numbers == set(numbers.OF_FLOATS)
    whole = {name for name, each in FUNCTIONS.items() if each.gives in ("same", "integer")}
    assert whole == set(numbers.OF_INTEGERS)
    assert set(FUNCTIONS) == {*numbers.OF_FLOATS, *numbers.OF_INTEGERS, *numbers.COMPARISONS, *numbers.LOGIC, "where"}


@pytest.mark.parametrize("name", [name for name, each in FUNCTIONS.items() if each.gives in ("same", "float")])
def test_the_judges_mean_the_same(name: str) -> None:
    """Infinities, NaN, zeros of both signs and numbers near the ends of f32 included, in both widths."""
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -2.0, 1e-45, -1e-45, 1e-38, 3e38, -3e38, 100.0]
    given = [each.ravel() for each in np.meshgrid(*[special] * FUNCTIONS[name].arity)]
    narrow = [each.astype(np.float32) for each in given]
    with np.errstate(all="ignore"):
        got = numerics.elementwise(name, [each.astype(np.float64) for each in narrow])
        want = np.array([numbers.OF_FLOATS[name](*map(float, each)) for each in zip(*narrow, strict=True)])
        if name == "floordiv":  # of the infinities by zero the sign is left open
            got, want = np.abs(got), np.abs(want)
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_reductions_and_scans_are_exactly_the_language() -> None:
    agree(REDUCTIONS, frozenset(functions.REDUCTIONS))
    with pytest.raises(TypeError, match="prod"):
        agree({name: each for name, each in REDUCTIONS.items() if name != "prod"}, frozenset(functions.REDUCTIONS))
    with pytest.raises(TypeError, match="cummean"):
        agree({**SCANS, "cummean": SCANS["cumsum"]}, functions.SCANS)
    with pytest.raises(TypeError, match="lacks a part"):
        replace(REDUCTIONS["sum"], gathers=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", REDUCTIONS)
def test_errors_of_elements_come_together_as_the_record_says(name: str) -> None:
    """Each element moved by one part in 1000, in a random direction: the result moves by what `gathers` says, not far more."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 1.5, 64)
    moved = [x * (1 + 1e-3 * rng.choice([-1, 1], 64)) for _ in range(200)]
    if REDUCTIONS[name].gathers == "place" or name in ("any", "all"):
        return
    reduced = np.array([numerics.reduce(name, each, (0,)) for each in moved])
    off = np.sqrt(np.mean((reduced - numerics.reduce(name, x, (0,))) ** 2))
    root = np.sqrt(np.sum((1e-3 * x) ** 2))
    says = {
        "sum": root,
        "mean": root / 64,
        "product": np.sqrt(64) * 1e-3 * np.prod(x),
        "extreme": 1e-3 * np.max(x),
        "one": 1e-3 * numerics.reduce(name, x, (0,)) if name in ("first", "last") else 0.0,
    }[REDUCTIONS[name].gathers]
    assert off <= 1.3 * says and (REDUCTIONS[name].gathers == "extreme" or off >= 0.7 * says)
