"""Where nothing fits: the kernel is helped first, then its sizes, then the chip; and every help that is a number holds."""

from __future__ import annotations

import re

import pytest

from tilery.backends import engine
from tilery.backends.chips import changed, load_chip
from tilery.backends.machine.errors import Infeasible
from tilery.dsl import parse
from tilery.dsl.program import Program
from tilery.dsl.types import ELEMENT_TYPES

WHOLE = """\
kernel whole(x: T[M, N]) -> y: T[M, N]:
    tile m of M:
        row = x[m, N]
        y[m, N] = row / sum[N](row)
"""
REQUIRED = WHOLE.replace("    tile", "    require N % 512 == 0\n    tile")
FIXED = """\
kernel fixed(x: T[M, K], w: T[K, N]) -> y: f32[M, N]:
    tile m of M, n of N by 40000:
        y[m, n] = x[m, K] @ w[K, n]
"""
CHIP = load_chip("trn2")


def kernel_of(text: str) -> Program:
    (definition,) = parse(text).kernels.values()
    return definition.specialise({"T": ELEMENT_TYPES["f32"]}, {})


def helps(text: str, **dims: int) -> list[str]:
    with pytest.raises(Infeasible) as error:
        engine.default_config(kernel_of(text), dims, CHIP)
    message = str(error.value)
    assert message.count("\nhelp: ") == 1
    assert "take smaller tiles" not in message, "there are none"
    return [each.strip() for each in message.split("\nhelp: ")[1].split("\n")]


def test_the_first_help_is_the_kernel_then_a_size_then_a_chip() -> None:
    kernel, size, chip = helps(WHOLE, M=4096, N=100_000)
    assert kernel.startswith("loop over N in tiles, `n of N`, which ")
    assert re.fullmatch(r"or take a smaller dimension: N=\d+ fits", size)
    assert chip.startswith("or a chip with sbuf.bytes_per_partition of ")


@pytest.mark.parametrize("text", [WHOLE, REQUIRED])
def test_the_size_that_is_named_fits_and_satisfies_the_text(text: str) -> None:
    _, size, chip = helps(text, M=4096, N=102_400)
    named = re.search(r"N=(\d+)", size)
    change = re.search(r"--what-if (\S+)\)", chip)
    assert named
    assert change
    dims = {"M": 4096, "N": int(named[1])}
    engine.lower(kernel_of(text), dims, CHIP, engine.default_config(kernel_of(text), dims, CHIP))
    assert int(named[1]) > 10_000
    assert text is WHOLE or int(named[1]) % 512 == 0
    engine.default_config(kernel_of(text), {"M": 4096, "N": 102_400}, changed(CHIP, (change[1],)))


def test_a_tile_that_the_text_fixes_is_named() -> None:
    found = helps(FIXED, M=256, K=512, N=80_000)
    assert "give n smaller tiles than its `by`" in " ".join(found[:2])
    assert found[-1].startswith("or a chip with ")
