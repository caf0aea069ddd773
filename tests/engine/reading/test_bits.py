"""Operations on bits are the vector engine's, without arithmetic in them; arithmetic of 32-bit integers is GpSimd's."""

from __future__ import annotations

import numpy as np
import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.trainium.lowering.select import BITS
from tilery.dsl import parse
from tilery.dsl.types import I32

TEXT = """
kernel mixed(x: i32[M, N], z: i32[M, N]) -> (y: i32[M, N], f: bf16[M, N]):
    tile m of M, n of N:
        low = bit_and(x[m, n] * 3, 15)
        y[m, n] = shift_left(bit_xor(low, 5), 2) + bit_or(x[m, n], z[m, n])
        f[m, n] = bf16(bit_and(z[m, n], 7))
"""


@pytest.mark.parametrize("chip", ["trn1", "trn2", "trn3"])
def test_bits_and_arithmetic_share_no_instruction(chip: str) -> None:
    (definition,) = parse(TEXT).kernels.values()
    kernel, dims = definition.specialise({}, {}), {"M": 70, "N": 50}
    program = engine.lower(kernel, dims, load_chip(chip), engine.default_config(kernel, dims, load_chip(chip)))
    met = set()
    for _, node in program.structure.instructions():
        steps = [getattr(node.action, name, None) for name in ("first", "second")]
        fns = {str(each.fn) for each in [node.action, *steps] if each is not None and hasattr(each, "fn")}
        if fns & BITS:
            assert fns <= BITS and node.engine == "vector", node
            met |= fns
    assert met == {"bit_and", "bit_xor", "bit_or", "shift_left"}
    rng = np.random.default_rng(0)
    x, z = (rng.integers(-1000, 1000, (70, 50)).astype(np.int32) for _ in range(2))
    got = engine.execute(program, {"x": x, "z": z})
    assert np.array_equal(got["y"], ((x * 3 & 15 ^ 5) << 2) + (x | z)) and np.array_equal(got["f"].astype(np.int32), z & 7)


WHOLE = """
kernel whole(x: i32[M, N], z: i32[M, N], w: i32[M]) -> (y: i32[M, N], f: f32[M, N], r: f32[M, N]):
    tile m of M, n of N:
        p = (x[m, n] * 1000003 + z[m, n]) * 7 - 1
        y[m, n] = max(p + w[m], 5) - M
        f[m, n] = f32(x[m, n] + z[m, n])
        r[m, n] = rand[m, n](3)
"""


@pytest.mark.parametrize("chip", ["trn1", "trn2", "trn3"])
def test_arithmetic_of_32_bit_integers_is_gpsimd_s_between_two_tiles(chip: str) -> None:
    """NKI computes in f32 everywhere else. Numbers are columns for it, and neither a cast nor a second operation goes with it."""
    (definition,) = parse(WHOLE).kernels.values()
    kernel, dims = definition.specialise({}, {}), {"M": 70, "N": 50}
    program = engine.lower(kernel, dims, load_chip(chip), engine.default_config(kernel, dims, load_chip(chip)))
    found = 0
    for _, node in program.structure.instructions():
        tiles = [*node.reads, *node.writes]
        if node.form not in ("tensor_scalar", "tensor_tensor") or any(each.element != I32 for each in tiles):
            assert node.engine != "gpsimd" or node.form not in ("tensor_scalar", "tensor_tensor"), node
            continue
        fns = {str(getattr(each, "fn", "")) for each in (node.action, getattr(node.action, "first", None)) if each is not None}
        if not fns & BITS:
            assert (node.engine, node.form) == ("gpsimd", "tensor_tensor"), node
            found += 1
    assert found >= 6
    rng = np.random.default_rng(0)
    x, z = (rng.integers(-1000, 1000, (70, 50)).astype(np.int32) for _ in range(2))
    w = rng.integers(-(2**30), 2**30, 70).astype(np.int32)
    got = engine.execute(program, {"x": x, "z": z, "w": w})
    with np.errstate(over="ignore"):
        expected = np.maximum((x * np.int32(1000003) + z) * np.int32(7) - np.int32(1) + w[:, None], np.int32(5)) - np.int32(70)
    assert np.array_equal(got["y"], expected)
    assert np.array_equal(got["f"], (x + z).astype(np.float32))
