"""Scans on the chips: wherever their operands lie, the bits are those of the language, and what they cannot do they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.errors import CannotLower
from tilery.backends.machine.listing import print_engine_program
from tilery.backends.numbers.rounding import Array
from tilery.backends.operations import numerics
from tilery.dsl import parse

DIMS = {"M": 150, "N": 40, "K": 6}


def lowered(text: str, dims: dict[str, int], chip: str = "trn2") -> EngineProgram:
    (definition,) = parse(text).kernels.values()
    kernel, on = definition.specialise({}, {}), load_chip(chip)
    sizes = {each.name: dims[each.name.upper()] for each in engine.tunables(kernel, dims, on) if each.kind == "tile"}
    config = {each.name: sizes.get(each.name, each.values[0]) for each in engine.tunables(kernel, dims, on)}
    return engine.lower(kernel, dims, on, config)


def drawn(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("chip", ["trn1", "trn2", "trn3"])
@pytest.mark.parametrize("words", ["", ", exclusive", ", reverse", ", exclusive, reverse"])
def test_numbers_columns_and_rows_as_operands(words: str, chip: str) -> None:
    text = f"""kernel f(x: f32[M, N], w: f32[M], r: f32[N], s: f32) -> (a: f32[M, N], b: f32[M, N], c: f32[M, N]):
    tile m of M:
        a[m, N] = scan[N{words}](s, x[m, N], s)
        b[m, N] = scan[N{words}](w[m], x[m, N], w[m])
        c[m, N] = scan[N{words}](r[N], x[m, N])
"""
    x, w, r, s = drawn(150, 40), drawn(150, seed=1), drawn(40, seed=2), np.float32(0.75)
    got = engine.execute(lowered(text, DIMS, chip), {"x": x, "w": w, "r": r, "s": float(s)})
    exclusive, reverse = "exclusive" in words, "reverse" in words
    whole, start = np.full((1, 1), s), np.full((1, 1), s)
    np.testing.assert_array_equal(got["a"], numerics.scan("scan", [whole, x, start], 1, exclusive, reverse))
    np.testing.assert_array_equal(got["b"], numerics.scan("scan", [w[:, None], x, w[:, None]], 1, exclusive, reverse))
    np.testing.assert_array_equal(got["c"], numerics.scan("scan", [r[None], x], 1, exclusive, reverse))


def test_the_only_axis_lies_along_every_partition() -> None:
    """It was refused: there is no other axis to lie across the partitions."""
    program = lowered("kernel f(x: f32[N]) -> y: f32[N]:\n    y[N] = cumsum[N](x[N])\n", {"N": 300})
    x = drawn(300)
    np.testing.assert_array_equal(engine.execute(program, {"x": x})["y"], np.add.accumulate(x))


def test_of_two_products_one_is_read_from_sbuf() -> None:
    text = "kernel f(a: f32[M, K], b: f32[K, N], c: f32[K, N]) -> y: f32[M, N]:\n    tile m of M:\n"
    program = lowered(text + "        y[m, N] = scan[N](a[m, K] @ b[K, N], a[m, K] @ c[K, N])\n", DIMS)
    (scan,) = (node for _, node in program.structure.instructions() if node.form == "scan")
    assert sorted(buffer.memory for buffer in scan.reads) == ["psum", "sbuf"]
    a, b, c = drawn(150, 6), drawn(6, 40, seed=1), drawn(6, 40, seed=2)
    got = engine.execute(program, {"a": a, "b": b, "c": c})["y"]
    np.testing.assert_allclose(got, numerics.scan("scan", [a @ b, a @ c], 1), rtol=1e-3, atol=1e-3 * np.abs(got).max())


def test_an_exclusive_scan_does_not_write_over_what_it_has_to_read() -> None:
    text = """kernel f(x: f32[M, N], like: f32[K]) -> y: f32[M, N]:
    tile m of M:
        h = f32(x[m, N])
        for k of K by 1:
            h = cumsum[N, exclusive](h)
        y[m, N] = h
"""
    program = lowered(text, DIMS)
    assert "h = cumsum[N, exclusive](h)" not in print_engine_program(program)
    x, want = drawn(150, 40), drawn(150, 40)
    for _ in range(6):
        want = numerics.scan("cumsum", [want], 1, exclusive=True)
    np.testing.assert_array_equal(engine.execute(program, {"x": x, "like": drawn(6)})["y"], want)


def test_scans_along_both_axes_are_refused() -> None:
    with pytest.raises(CannotLower, match="scan along another axis"):
        lowered("kernel f(x: f32[M, N]) -> y: f32[M, N]:\n    y[M, N] = cumsum[M](cumsum[N](x[M, N]))\n", DIMS)


def test_a_selective_scan_is_many_times_quicker_than_its_steps() -> None:
    """As docs/machine.md says: by the instruction, and by a loop over positions."""
    head = "(a: f32[M, N], b: f32[M, N]) -> y: f32[M, N]:\n    tile m of M:\n"
    scanned = f"kernel f{head}        y[m, N] = scan[N](a[m, N], b[m, N])\n"
    loop = "        for n of N by 1:\n            h = a[m, n] * h + b[m, n]\n            y[m, n] = h\n"
    steps = f"kernel f{head}        h = zeros[m]\n{loop}"
    dims = {"M": 128, "N": 512}
    assert engine.simulate(lowered(steps, dims)).latency_us > 10 * engine.simulate(lowered(scanned, dims)).latency_us
