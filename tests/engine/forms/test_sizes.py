"""Kernels whose sizes come from constants, of one element or of axes that only some branches have, as chips execute them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tilery.backends import emulator, engine
from tilery.backends.chips import load_chip
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.data import random_arguments
from tilery.backends.truth.reference import reference
from tilery.dsl import UsageError, check_requirements, load, parse
from tilery.dsl.program import Program
from tilery.dsl.types import F32

FOLDER = Path(__file__).parents[2] / "kernels" / "sizes"


def held(kernel: Program, dims: dict[str, int], chip: str = "trn2") -> None:
    """The emulator and the model's pick on a chip, against the reference."""
    check_requirements(kernel, dims)
    arguments = random_arguments(kernel, dims, 1)
    wanted = reference(kernel, dims, arguments)
    tiles = {each.axis.name: each.by.choices[0] if each.by.choices else 5 for each in kernel.loop_variables}
    made = engine.lower(kernel, dims, load_chip(chip), engine.default_config(kernel, dims, load_chip(chip)))
    for results in (emulator.compile(kernel, dims, tiles)(arguments), engine.execute(made, arguments)):
        found = compare(kernel, dims, results, wanted, arguments)
        assert found.ok, f"{found} of {kernel.name} with {kernel.constants}"
    assert engine.simulate(made).latency_us > 0


@pytest.mark.parametrize("seed", range(4))
def test_convolutions_of_any_constants(seed: int) -> None:
    draw = random.Random(seed)
    constants = {name: draw.randint(1, 3) for name in ("stride", "dilation", "groups", "rows", "columns")}
    kernel = (
        load(FOLDER / "convolution.tk").kernels["convolution"].specialise({"T": F32}, constants | {"padding": draw.randint(0, 2)})
    )
    held(kernel, {"N": 2, "C": draw.randint(1, 40), "H": draw.randint(7, 9), "W": draw.randint(8, 23), "O": draw.randint(1, 9)})


@pytest.mark.parametrize("ones", [(), ("bias.M",), ("bias.N",), ("bias.M", "bias.N")])
def test_every_kind_of_bias(ones: tuple[str, ...]) -> None:
    kernel = load(FOLDER / "broadcast.tk").kernels["biased_matmul"].specialise({"T": F32}, dict.fromkeys(ones, 1))
    held(kernel, {"M": 37, "K": 70, "N": 29})


@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("ones", [(), ("target.M",)])
def test_one_number_of_a_matrix(kind: int, ones: tuple[str, ...]) -> None:
    kernel = load(FOLDER / "broadcast.tk").kernels["loss"].specialise({"T": F32}, {"kind": kind} | dict.fromkeys(ones, 1))
    held(kernel, {"M": 11, "N": 300})


BRANCHES = """
kernel branches(x: f32[M, N], mode: int) -> (y: f32[M, N], z: f32[M], w: f32[M, N]):
    reference:
        if mode == 0:
            a = 1.5
        elif mode == 1:
            a = x[M, N]
        elif mode == 2:
            a = sum[N](x[M, N])
        else:
            a = x[0, N] + 0
        y[M, N] = a
        z[M] = sum[N](a) + max[N](x[M, N])
        w[M, N] = cumsum[N](a) + x[M, N]
    tile m of M:
        if mode == 0:
            a = 1.5
        elif mode == 1:
            a = x[m, N]
        elif mode == 2:
            a = sum[N](x[m, N])
        else:
            a = x[0, N] + 0
        y[m, N] = a
        z[m] = sum[N](a) + max[N](x[m, N])
        w[m, N] = cumsum[N](a) + x[m, N]
"""


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
def test_branches_broadcast_along_each_others_axes(mode: int) -> None:
    held(parse(BRANCHES).kernels["branches"].specialise({}, {"mode": mode}), {"M": 37, "N": 50})


CARRIED = """
kernel carried(x: f32[M, N], start: f32[1 or M, N], scale: f32[1 or M]) -> (y: f32[M, N], z: f32[N, M]):
    reference:
        total = start[M, N] + cumsum[N](x[M, N])
        y[M, N] = total * scale[M]
        z[N, M] = start[M, N]
    tile m of M:
        row = start[m, N]
        before = 0.0 * row[m, 0]
        for n of N:
            y[m, n] = (row[m, n] + before + cumsum[n](x[m, n])) * scale[m]
            before += sum[n](x[m, n])
            z[n, m] = row[m, n]
"""


@pytest.mark.parametrize("ones", [(), ("start.M",), ("scale.M",), ("start.M", "scale.M")])
def test_tiles_of_one_row_in_brackets_and_in_loops(ones: tuple[str, ...]) -> None:
    kernel = parse(CARRIED).kernels["carried"].specialise({}, dict.fromkeys(ones, 1))
    dims = {"M": 21, "N": 26}
    arguments = random_arguments(kernel, dims, 1)
    wanted = reference(kernel, dims, arguments)
    for size in (1, 4, 30):
        got = emulator.compile(kernel, dims, {"m": size, "n": size})(arguments)
        assert compare(kernel, dims, got, wanted, arguments).ok


NUMBERED = """
kernel numbered(x: f32[M, 8], V: int = 6) -> (y: f32[M, 8], one_hot: f32[M, V], s: f32[M], t: f32[8]):
    reference:
        y[M, index[8]] = x[M, index[8]] * index[8]
        one_hot[M, V] = where(index[V] == index[M] % V, 1, 0)
        s[M] = sum[8](x[M, index[8]]) + V
        t[index[8]] = zeros[8] + index[8]
    tile m of M:
        y[m, index[8]] = x[m, index[8]] * index[8]
        one_hot[m, V] = where(index[V] == m % V, 1, 0)
        s[m] = sum[8](x[m, index[8]]) + V
    t[index[8]] = zeros[8] + index[8]
"""


def test_numbers_and_constants_as_axes() -> None:
    for v in (1, 6, 9):
        held(parse(NUMBERED).kernels["numbered"].specialise({}, {"V": v}), {"M": 37})


def test_a_number_found_at_run_time_fills_a_tile() -> None:
    text = "kernel f(x: T[1], z: T[3], like: T[M]) -> y: T[M]:\n    reference:\n        y[M] = full[M](x[0] + z[1])\n"
    text += "    tile m of M:\n        y[m] = full[m](x[0] + z[1])\n"
    held(parse(text).kernels["f"].specialise({"T": F32}, {}), {"M": 41})


def test_a_chip_has_nothing_to_do_without_elements() -> None:
    kernel = load(FOLDER / "moved.tk").kernels["padded"].specialise({"T": F32}, {"before": 0, "after": 0})
    for dims in ({"M": 0, "N": 3}, {"M": 3, "N": 0}):
        with pytest.raises(UsageError, match="is 0, and a chip has nothing to do"):
            engine.default_config(kernel, dims, load_chip("trn2"))
