"""Operations on bits are instructions of the vector engine without arithmetic in them."""

from __future__ import annotations

import numpy as np
import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.trainium.lowering.select import BITS
from tilery.dsl import parse

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
