"""Against another simulator: a weight-stationary array without prefetch, on free memory, takes the cycles that SCALE-Sim prints.

SCALE-Sim 3.0.0 counts, for a GEMM of M x K by K x N on an R x C array, ceil(K/R) * ceil(N/C) * (2R + C + M - 2) cycles and
prints the number of the last one, counted from 0. Its stationary operand is K x N, and its M rows stream past.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.time.resolving import FS_PER_S
from tilery.backends.machine.time.timing import latency_fs

from ..specialised import specialised

ROWS = COLUMNS = 128
CLOCK_HZ = 1_000_000_000

CHIP = f"""
name = "array"
title = "a weight-stationary array on free memory"
[cores]
count = 1
source = "test"
[sbuf]
partitions = {ROWS}
bytes_per_partition = 1_000_000_000
source = "test: as much as is asked for"
[psum]
partitions = {ROWS}
banks = 1_000_000
bank_bytes = 65_536
source = "test"
[tensor]
clock_hz = {CLOCK_HZ}
rows = {ROWS}
columns = {COLUMNS}
moving_columns = 16_384
min_cycles = 0
fixed_cycles = {2 * ROWS + COLUMNS - 2}
peak_element = "bf16"
source = "test: weights are loaded (R), then rows stream in (M), through (R + C - 2), and nothing overlaps"
[tensor.cycles_per_column]
bf16 = 1
[vector]
clock_hz = 1e24
fixed_cycles = 0
lanes = {ROWS}
forms = ["tensor_scalar", "tensor_tensor", "reduce", "copy", "memset", "select"]
functions = []
source = "test: free"
[scalar]
clock_hz = 1e24
fixed_cycles = 0
lanes = {ROWS}
forms = ["activation", "copy"]
functions = []
source = "test: free"
[gpsimd]
clock_hz = 1e24
fixed_cycles = 0
lanes = {ROWS}
forms = ["copy", "memset"]
functions = []
source = "test: free"
[dma]
bytes_per_s = 1e30
floor_ns = 0
latency_ns = 0
run_bytes = 1
source = "test: free"
[hbm]
bytes_per_s = 1e30
source = "test: free"
"""

SHAPES = [
    (1024, 1024, 1024),
    (128, 128, 128),
    (1, 128, 128),
    (64, 128, 256),
    (512, 256, 128),
    (1000, 1000, 1000),
    (2048, 512, 768),
    (100, 300, 500),
    (4096, 128, 1024),
    (37, 129, 257),
    (777, 2048, 64),
    (16_384, 256, 256),
]
"""M, K, N as SCALE-Sim names them."""


def closed_form(m: int, k: int, n: int) -> int:
    return -(-k // ROWS) * -(-n // COLUMNS) * (2 * ROWS + COLUMNS + m - 2) - 1


def test_the_closed_form_itself() -> None:
    assert closed_form(1024, 1024, 1024) == 89_983


@pytest.mark.parametrize("tiles", [{"m": 128, "n": 16_384, "k": 128}, {"m": 256, "n": 16_384, "k": 512}])
@pytest.mark.parametrize(("m", "k", "n"), SHAPES)
def test_cycles_of_a_gemm(m: int, k: int, n: int, tiles: dict[str, int], tmp_path: Path) -> None:
    (tmp_path / "array.toml").write_text(CHIP)
    chip = load_chip(tmp_path / "array.toml")
    program = engine.lower(specialised("matmul_kmajor", "bf16"), {"M": n, "K": k, "N": m}, chip, tiles)
    cycles = latency_fs(program) * CLOCK_HZ / FS_PER_S
    assert cycles - 1 == closed_form(m, k, n)
