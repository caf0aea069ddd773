"""Each pass: a program before, and what is left of it."""

from __future__ import annotations

import logging

import pytest

from tilery.backends.simplify.hoist import hoist
from tilery.backends.simplify.inline import inline
from tilery.backends.simplify.passes import Pass, run
from tilery.backends.simplify.prune import prune
from tilery.backends.simplify.rewriter import Body
from tilery.backends.simplify.share import share
from tilery.backends.trainium.fusion.early import early
from tilery.dsl import parse
from tilery.dsl.program import Call, Elementwise, ForLoop, Load, Op, Reduce, Scan, Statement, TileLoop, walk


def body_of(arguments: str, *lines: str) -> Body:
    """The body of a kernel over rows, specialised."""
    text = f"kernel k({arguments}) -> y: f32[M, N]:\n    tile m of M:\n" + "".join(f"        {each}\n" for each in lines)
    return parse(text).kernels["k"].specialise({}, {}).body


def count(body: Body, kind: type[Op], fn: str = "") -> int:
    return sum(isinstance(each, kind) and (not fn or getattr(each, "fn", "") == fn) for each in walk(body))


def steps(body: Body) -> tuple[Statement, ...]:
    """The body of the loop over rows."""
    (loop,) = (each for each in body if isinstance(each, TileLoop))
    return loop.body


def test_inline_opens_up_calls_in_calls() -> None:
    body = body_of("x: f32[M, N]", "y[m, N] = hardswish(x[m, N])")
    assert count(body, Call) == 2
    assert count(inline(body), Call) == 0
    assert count(inline(body, frozenset({"hardswish"})), Call) == 2


@pytest.mark.parametrize(
    ("expression", "left"),
    [
        ("exp(x[m, N]) + exp(x[m, N])", 1),
        ("exp(x[m, N] * 2) + exp(2 * x[m, N])", 1),
        ("exp(x[m, N] - 2) + exp(2 - x[m, N])", 2),
        ("exp(x[m, N] * 0.0) + exp(x[m, N] * -0.0)", 2),
    ],
)
def test_share_computes_equal_values_once(expression: str, left: int) -> None:
    assert count(share(body_of("x: f32[M, N]", f"y[m, N] = {expression}")), Elementwise, "exp") == left


def test_share_reaches_into_loops_and_not_from_one_to_the_next() -> None:
    lines = ("a = sum[N](x[m, N])", "for n of N:", "    y[m, n] = x[m, n] * sum[N](x[m, N])")
    assert count(share(body_of("x: f32[M, N]", *lines)), Reduce) == 1
    first = ("a = zeros[m]", "for k of K:", "    a += sum[k](w[m, k]) + sum[N](x[m, N])")
    then = ("for n of N:", "    y[m, n] = x[m, n] * sum[N](x[m, N]) + a")
    assert count(share(body_of("x: f32[M, N], w: f32[M, K]", *first, *then)), Reduce) == 3


def test_share_keeps_loads_apart_and_what_reads_them_together() -> None:
    body = body_of("x: f32[M, N]", "y[m, N] = exp(x[m, N]) + exp(x[m, N]) * x[m, N]")
    apart = prune(share(body, apart=lambda op: isinstance(op, Load)))
    assert (count(apart, Load), count(apart, Elementwise, "exp")) == (2, 1)


def test_hoist_moves_what_no_step_changes() -> None:
    body = hoist(body_of("x: f32[M, N], w: f32[M, K]", "for n of N:", "    y[m, n] = x[m, n] * sum[K](exp(w[m, K]))"))
    assert sum(isinstance(each, Reduce) for each in steps(body)) == 1
    (inner,) = (each for each in steps(body) if isinstance(each, ForLoop))
    assert count(inner.body, Load) == 1


def test_hoist_leaves_a_load_that_data_choose() -> None:
    """Its positions may lie outside where the guard leaves every step out."""
    lines = ("acc = zeros[m]", "for k of K if any(k < m):", "    acc += sum[k](w[m, k]) * t[ids[m]]", "y[m, N] = x[m, N] + acc")
    body = hoist(body_of("x: f32[M, N], w: f32[M, K], t: f32[L], ids: i32[M]", *lines))
    (inner,) = (each for each in steps(body) if isinstance(each, ForLoop))
    assert [each.tensor.name for each in inner.body if isinstance(each, Load)] == ["w", "t"]


def test_a_load_moves_only_with_its_reader() -> None:
    lines = ("for n of N:", "    y[m, n] = x[m, n] * w[m] + exp(v[m])")
    body = hoist(body_of("x: f32[M, N], w: f32[M], v: f32[M]", *lines), follows=lambda op: isinstance(op, Load))
    assert [each.tensor.name for each in steps(body) if isinstance(each, Load)] == ["v"]


def test_a_run_says_what_changed(caplog: pytest.LogCaptureFixture) -> None:
    body = body_of("x: f32[M, N]", "y[m, N] = exp(x[m, N]) + exp(x[m, N])")
    with caplog.at_level(logging.DEBUG, "tilery"):
        first, second = run((Pass("share", "", share), Pass("hoist", "", hoist)), body)
    assert first.changed
    assert not second.changed
    assert [each.getMessage().split(":")[0] for each in caplog.records] == ["share"]


def test_scans_are_shared_that_say_the_same() -> None:
    lines = ["a = x[m, N]", "b = scan[N](a, a) + scan[N](a, a) + scan[N](a, a, first[N](a))"]
    lines += ["y[m, N] = b + scan[N, reverse](a, a) + scan[N, exclusive](a, a)"]
    assert count(share(body_of("x: f32[M, N]", *lines)), Scan) == 4


def test_random_numbers_of_one_seed_are_the_same_numbers() -> None:
    """The seed and the stream say which numbers: those of another stream are others."""
    body = body_of("x: f32[M, N], s: i32", "y[m, N] = rand[m, N](s) + rand[m, N](s) + rand[m, N](s, 1) + x[m, N]")
    assert count(share(body), Elementwise, "random_bits") == 2


def test_an_old_column_is_read_before_what_need_not_hurry() -> None:
    """`fade` is all that still needs the old `top`: it comes before the tile, and not before what it is computed from."""
    written = (
        "new = max(top, max[n](x[m, n]))",
        "p = exp(x[m, n] - new)",
        "fade = exp(top - new)",
        "total = total * fade + sum[n](p)",
    )
    lines = ("top = full[m](-inf)", "total = zeros[m]", "for n of N:", *(f"    {each}" for each in (*written, "top = new")))
    swapped = tuple(lines[place] for place in (0, 1, 2, 3, 5, 4, 6, 7))
    orders = []
    for each in (lines, swapped):
        (loop,) = (
            one for one in steps(early(body_of("x: f32[M, N]", *each, "y[m, N] = x[m, N] * total"))) if isinstance(one, ForLoop)
        )
        orders.append(
            [op.result.name if op.result.name.isidentifier() else type(op).__name__ for op in loop.body if isinstance(op, Op)]
        )
        assert [name for name in orders[-1] if name in ("new", "fade", "p", "total")] == ["new", "fade", "p", "total"]
    assert orders[0] == orders[1]


def test_what_the_new_column_is_computed_from_stays() -> None:
    lines = ("a = zeros[m]", "for n of N:", "    p = exp(x[m, n])", "    a = a * 0.5 + sum[n](p)", "y[m, N] = x[m, N] * a")
    body = body_of("x: f32[M, N]", *lines)
    assert early(body) == body
