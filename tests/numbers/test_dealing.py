"""Which loops are divided among the cores, counted on paper; and which steps a guard lets through, counted one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilery.backends.machine.engine_program import EngineProgram, Loop, Node, Transfer
from tilery.backends.machine.time.dealing import busiest_share, busy_cores, cores_of, dealing, dealt_loops, repeated
from tilery.backends.machine.time.guards import (
    GuardedSteps,
    Guards,
    executed_steps,
    guard_axes,
    guarded_by,
    inner_guard_axes,
)
from tilery.dsl import parse

from .programs import elementwise, product, program

NEST = """kernel f(x: f32[B, G, M, N]) -> y: f32[B, G, M, N]:
    tile b of B by 1, g of G by 1, m of M:
        y[b, g, m, N] = exp(x[b, g, m, N])
"""
TWO = """kernel f(x: f32[M, N]) -> (y: f32[M, N], z: f32[M, N]):
    tile m of M:
        y[m, N] = exp(x[m, N])
    tile m of M, n of N:
        z[m, n] = x[m, n] + 1
"""


def dealt(made: EngineProgram) -> dict[str, tuple[int, int, int]]:
    """Steps, tile and cores by loop."""
    return {each.axis.name: (each.steps, each.tile, each.cores) for each in dealt_loops(made)}


def loops(nodes: tuple[Node, ...]) -> list[Loop]:
    return [found for each in nodes if isinstance(each, Loop) for found in (each, *loops(each.body))]


@pytest.mark.parametrize(
    ("extents", "cores", "wanted"),
    [
        ((1, 4, 6), 8, {"b": (1, 1, 1), "g": (4, 1, 4), "m": (6, 1, 2)}),
        ((16, 1, 1), 8, {"b": (16, 1, 8), "g": (1, 1, 1), "m": (1, 1, 1)}),
        ((3, 1, 1), 8, {"b": (3, 1, 3), "g": (1, 1, 1), "m": (1, 1, 1)}),  # five cores have nothing to do
        ((5, 1, 1), 4, {"b": (5, 1, 3), "g": (1, 1, 1), "m": (1, 1, 1)}),  # a fourth would not relieve the busiest
        ((2, 2, 2), 4, {"b": (2, 1, 2), "g": (2, 1, 2), "m": (2, 1, 1)}),  # of equal ways the outer loops
        ((3, 4, 1), 6, {"b": (3, 1, 3), "g": (4, 1, 2), "m": (1, 1, 1)}),
        ((7, 5, 3), 1, {"b": (7, 1, 1), "g": (5, 1, 1), "m": (3, 1, 1)}),
    ],
)
def test_loops_of_one_nest(extents: tuple[int, int, int], cores: int, wanted: dict[str, tuple[int, int, int]]) -> None:
    made = replace(program(NEST, dict(zip("BGM", extents, strict=True)) | {"N": 8}, {"m": 1}), cores=cores)
    assert dealt(made) == wanted
    assert busy_cores(made) == prod(over for _, _, over in wanted.values())
    for each in loops(made.structure.body):
        # A tile's blocks, and loops that only load, are for every core that has the tile.
        assert cores_of(made, each) == (wanted[each.axis.name][2] if each.parallel and each.limit is None else 1)


def test_tiles_are_no_longer_than_their_dimension_and_a_short_one_is_a_step() -> None:
    made = replace(program(elementwise("copy", "exp(x[m, N])"), {"M": 300, "N": 8}, {"m": 128}), cores=8)
    assert dealt(made) == {"m": (3, 128, 3)}
    made = replace(program(elementwise("copy", "exp(x[m, N])"), {"M": 100, "N": 8}, {"m": 128}), cores=8)
    assert dealt(made) == {"m": (1, 100, 1)}


def test_the_share_of_the_busiest_core() -> None:
    kernel = parse(NEST).kernels["f"].specialise({}, {})
    dims = {"B": 5, "G": 2, "M": 300, "N": 8}
    assert busiest_share(kernel, dims, {"m": 128}, 1) == 1
    assert busiest_share(kernel, dims, {"m": 128}, 5) == pytest.approx(1 / 5)
    assert busiest_share(kernel, dims, {"m": 128}, 8) == pytest.approx(5 * 1 * 1 / 30)
    assert busiest_share(kernel, {**dims, "B": 0}, {"m": 128}, 8) >= 0


def test_what_two_nests_share_is_divided_alike() -> None:
    made = replace(program(TWO, {"M": 4, "N": 6}, {"m": 1, "n": 1}), cores=8)
    # The first nest divides m over four cores; the second has two cores a step left, for n.
    assert dealt(made) == {"m": (4, 1, 4), "n": (6, 1, 2)}
    counts = repeated(made)
    # The first nest has no n: its instructions are on one core each, for its own loops alone count.
    assert set(counts.values()) == {1}


def test_what_stands_outside_a_divided_loop_is_repeated_on_every_core() -> None:
    made = program(product("matmul", "dot[K](a[K, m], b[K, n])"), {"M": 512, "N": 512, "K": 128}, {"m": 128, "hoist.b": "m"})
    shared = replace(made, cores=4)
    assert dealt(shared)["m"] == (4, 128, 4)
    counts = repeated(shared)
    loads = {each.action.tensor.name: many for each, many in counts.items() if isinstance(each.action, Transfer)}
    assert loads == {"a": 1, "b": 4, "c": 1}
    assert set(counts) == {each for _, each in made.structure.instructions()}
    assert repeated(made) == {}


@pytest.mark.parametrize(("order", "wanted"), [("m n", ["m", "n"]), ("n m", ["n", "m"])])
def test_of_equal_ways_the_outer_loop_of_the_program_is_divided(order: str, wanted: list[str]) -> None:
    config: dict[str, int | str] = {"m": 128, "n": 128, "order.m.n": order}
    made = program(product("matmul", "dot[K](a[K, m], b[K, n])"), {"M": 512, "N": 512, "K": 128}, config)
    shared = replace(made, cores=4)
    assert [(each.axis.name, each.cores) for each in dealt_loops(shared)] == [(wanted[0], 4), (wanted[1], 1)]
    both = replace(made, cores=2)
    outer = next(each for each in loops(made.structure.body) if each.axis.name == wanted[0] and each.parallel)
    assert cores_of(both, outer) == 2
    loads = {each.action.tensor.name: many for each, many in repeated(both).items() if isinstance(each.action, Transfer)}
    assert max(loads.values()) <= 2 and loads["c"] == 1


def test_what_stands_before_all_nests_is_repeated_on_every_core() -> None:
    text = """kernel f(x: f32[M, N], w: f32[N]) -> (y: f32[M, N], z: f32[M, N]):
    u = exp(w[N])
    tile m of M:
        y[m, N] = x[m, N] * u
    tile m of M:
        z[m, N] = x[m, N] + u
"""
    made = replace(program(text, {"M": 512, "N": 64}, {"m": 128}), cores=2)
    assert dealt(made) == {"m": (4, 128, 2)}
    names = {each.action.tensor.name: many for each, many in repeated(made).items() if isinstance(each.action, Transfer)}
    assert names == {"w": 2, "x": 1, "y": 1, "z": 1}


def test_loops_in_loops_are_one_nest() -> None:
    text = """kernel f(x: f32[M, N]) -> y: f32[M, N]:
    tile m of M:
        tile n of N:
            y[m, n] = exp(x[m, n])
"""
    made = replace(program(text, {"M": 2, "N": 4}, {"m": 1, "n": 1}), cores=8)
    assert dealt(made) == {"m": (2, 1, 2), "n": (4, 1, 4)}


def test_a_dimension_without_positions_keeps_one_core() -> None:
    made = program(NEST, {"B": 2, "G": 3, "M": 4, "N": 8}, {"m": 1})
    found = dealing(made.structure, {"B": 0, "G": 3, "M": 4, "N": 8}, {"m": 1}, 8)
    assert (found[0].steps, found[0].cores) == (0, 1)


def test_a_loop_in_order_is_not_divided() -> None:
    text = """kernel f(x: f32[M, K], w: f32[K, N]) -> y: f32[M, N]:
    tile m of M:
        s = zeros[m, N]
        for k of K:
            s += x[m, k] @ w[k, N]
        y[m, N] = s
"""
    made = replace(program(text, {"M": 256, "K": 512, "N": 64}, {"m": 128, "k": 128}), cores=8)
    assert dealt(made) == {"m": (2, 128, 2)}
    assert {each.axis.name: cores_of(made, each) for each in loops(made.structure.body)}.get("k", 1) == 1


GUARDED = """kernel f(q: f32[S, N], x: f32[L, N]) -> y: f32[S, N]:
    tile i of S:
        s = zeros[i, N]
        for j of L if any({condition}):
            s += where({condition}, dot[N](q[i, N], x[j, N]), 0.0) @ x[j, N]
        y[i, N] = s
"""
CONDITIONS: dict[str, Callable[[int, int], bool]] = {
    "j <= i": lambda i, j: j <= i,
    "j + 30 > i and j <= i": lambda i, j: j + 30 > i and j <= i,
    "j < 50": lambda i, j: j < 50,
    "j == i": lambda i, j: j == i,
}


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(CONDITIONS)),
    st.integers(1, 130),
    st.integers(1, 130),
    st.sampled_from([1, 16, 40, 64]),
    st.sampled_from([1, 16, 40, 64]),
    st.integers(1, 4),
)
def test_a_guard_lets_through_what_it_holds_for(
    condition: str, rows: int, keys: int, tile_i: int, tile_j: int, cores: int
) -> None:
    made = program(GUARDED.format(condition=condition), {"S": rows, "L": keys, "N": 4}, {"i": tile_i, "j": tile_j})
    (loop,) = (each for each in loops(made.structure.body) if each.guard is not None)
    test, known = CONDITIONS[condition], Guards(made)
    reads_i = "i" in condition
    assert guard_axes(loop) == ({"i", "j"} if reads_i else {"j"})
    assert known.reads(loop) == ({"i"} if reads_i else set())
    outer = [(start, min(rows, start + tile_i)) for start in range(0, rows, tile_i)]
    inner = [(start, min(keys, start + tile_j)) for start in range(0, keys, tile_j)]
    wanted = {
        here: tuple(step for step, there in enumerate(inner) if any(test(i, j) for i in range(*here) for j in range(*there)))
        for here in outer
    }
    for _ in range(2):  # the second time from memory
        for here in outer:
            assert known.steps(loop, {"i": here}) == wanted[here]
    # The closed form counts the same steps, by whether the tiles are short; of several cores, those of the last step's core.
    assert loop.guard
    dealt_out = outer[::-1][::cores]
    asked = [("i", rows, tile_i)] * reads_i + [("j", keys, tile_j)]
    counts = executed_steps(GuardedSteps(loop.guard, tuple(asked), made.dims, ((cores,) if reads_i else ()) + (1,)))
    plain: dict[tuple[bool, ...], int] = {}
    for here in dealt_out if reads_i else outer[:1]:
        for step in wanted[here]:
            short = (here[1] - here[0] < tile_i,) * reads_i + (inner[step][1] - inner[step][0] < tile_j,)
            plain[short] = plain.get(short, 0) + 1
    assert counts == plain


def test_guards_inside_guards_are_found() -> None:
    made = program(GUARDED.format(condition="j <= i"), {"S": 64, "L": 64, "N": 4}, {"i": 16, "j": 16})
    outer = next(each for each in loops(made.structure.body) if each.axis.name == "i")
    (inner,) = (each for each in loops(made.structure.body) if each.guard is not None)
    assert guard_axes(outer) == set() and inner_guard_axes((outer,)) == inner_guard_axes(outer.body) == {"i", "j"}
    assert guarded_by(outer, "i") == guarded_by(outer, "j") == (inner,)
    assert guarded_by(outer, "n") == () == guarded_by(inner, "i")
    around = replace(outer, stages=(replace(outer.stages[0], body=(outer,)),))
    assert guarded_by(around, "i") == (inner,)


def test_equal_questions_are_one() -> None:
    made = program(GUARDED.format(condition="j <= i"), {"S": 64, "L": 64, "N": 4}, {"i": 16, "j": 16})
    (guard,) = (each.guard for each in loops(made.structure.body) if each.guard is not None)
    tiles = (("i", 64, 16), ("j", 64, 16))
    one = GuardedSteps(guard, tiles, {"S": 64}, (1, 1))
    assert one == GuardedSteps(guard, tiles, {"S": 64}, (1, 1)) and hash(one) == hash(
        GuardedSteps(guard, tiles, {"S": 64}, (1, 1))
    )
    others = [
        GuardedSteps(replace(guard), tiles, {"S": 64}, (1, 1)),
        GuardedSteps(guard, tiles[::-1], {"S": 64}, (1, 1)),
        GuardedSteps(guard, tiles, {"S": 65}, (1, 1)),
        GuardedSteps(guard, tiles, {"S": 64}, (1, 2)),
    ]
    assert all(one != each for each in (*others, guard))
