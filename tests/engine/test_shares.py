"""No share is over 1: of the peak, of the bandwidth, of an engine's time, on the roofline, with any types, on any chip."""

from __future__ import annotations

import random

import pytest

from tilery.backends import engine
from tilery.backends.chips import chip_names, load_chip
from tilery.backends.machine.choosing.assemble import lowering
from tilery.backends.machine.engine_program import EngineProgram
from tilery.backends.machine.time.run_traffic import traffic
from tilery.backends.trainium.chip_tables import trainium
from tilery.dsl import parse

from .drawn import drawn_config, drawn_kernel
from .sweep import shares_hold

PRODUCTS = """
kernel f(a: {0}[K, M], b: {0}[K, N], d: {1}[K, M], e: {1}[K, N]) -> c: bf16[M, N]:
    tile m of M, n of N:
        s = zeros[m, n]
        for k of K:
            s += dot[k](a[k, m], b[k, n])
        for l of K:
            s += dot[l](d[l, m], e[l, n])
        c[m, n] = s
"""
DIMS = {"M": 2048, "N": 2048, "K": 2048}
TILES = {"m": 1024, "n": 1024, "k": 1024, "l": 1024}


def products(first: str, second: str, chip: str) -> EngineProgram:
    kernel = parse(PRODUCTS.format(first, second)).kernels["f"].specialise({}, {})
    structure = lowering(kernel, load_chip(chip)).structure({})
    slots = {each.slots: 3 for each in structure.buffers if isinstance(each.slots, str)}
    return EngineProgram(structure, DIMS, {**TILES, **slots})


@pytest.mark.parametrize("chip", ["trn1", "trn2", "trn3"])
@pytest.mark.parametrize("types", [("f8e4m3", "f8e5m2"), ("f8e4m3", "bf16"), ("f32", "f8e4m3"), ("bf16", "f16")])
def test_the_peak_is_that_of_the_types_used(types: tuple[str, str], chip: str) -> None:
    """Two rows of fp8 go in at once on trn2 and trn3: the share was 1.5 of the bf16 peak."""
    program = products(*types, chip)
    shares_hold(program)
    report, unit = engine.simulate(program), trainium(program.chip).tensor
    assert 2 / report.peak_flops == pytest.approx(sum(0.5 / unit.macs_per_s(each) for each in types))
    assert report.peak_share == pytest.approx(report.engines["tensor"].busy_share, abs=0.15)


def test_two_rows_at_once_write_their_sums_once() -> None:
    fp8, bf16 = (traffic(products(each, each, "trn2")).moved["psum"] for each in ("f8e4m3", "bf16"))
    assert float(fp8) < 0.75 * float(bf16)


@pytest.mark.parametrize("seed", range(0, 300, 3))
def test_of_drawn_kernels(seed: int) -> None:
    kernel, draw = drawn_kernel(seed), random.Random(seed)
    chip = draw.choice(chip_names())
    dims = {name: draw.choice([draw.randint(1, 40), draw.randint(41, 3000)]) for name in kernel.signature.dimensions}
    config = drawn_config(kernel, dims, chip, draw, 5)
    structure = lowering(kernel, load_chip(chip)).structure(config)
    shares_hold(EngineProgram(structure, dims, config, cores=draw.randint(1, load_chip(chip).cores.count)))
