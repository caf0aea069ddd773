"""Small kernels of which every instruction's cost, traffic and wait can be worked out on paper."""

from __future__ import annotations

from collections.abc import Mapping

from tilery.backends import engine
from tilery.backends.chips import changed, load_chip
from tilery.backends.machine.engine_program import EngineProgram
from tilery.dsl import parse
from tilery.dsl.program import size_value

HEADS = {
    "copy": "(x: {t}[M, N]) -> y: {t}[M, N]",
    "column": "(x: {t}[M, N]) -> y: {t}[M]",
    "two": "(x: {t}[M, N], z: {t}[M, N]) -> y: {t}[M, N]",
    "row": "(x: {t}[M, N], w: {t}[N]) -> y: {t}[M, N]",
    "scales": "(x: {t}[M, N], w: {t}[M]) -> y: {t}[M, N]",
    "matmul": "(a: {t}[K, M], b: {t}[K, N]) -> c: f32[M, N]",
    "row_major": "(a: {t}[M, K], b: {t}[K, N]) -> c: f32[M, N]",
    "batched": "(a: {t}[B, K, M], w: {t}[B, K, N]) -> c: f32[B, M, N]",
}


def elementwise(head: str, formula: str, element: str = "f32") -> str:
    """A kernel over tiles of rows."""
    result = "y[m]" if head == "column" else "y[m, N]"
    return f"kernel f{HEADS[head].format(t=element)}:\n    tile m of M:\n        {result} = {formula}\n"


def blocks(formula: str, element: str = "f32") -> str:
    """A kernel over tiles of rows and columns."""
    return f"kernel f{HEADS['copy'].format(t=element)}:\n    tile m of M, n of N:\n        y[m, n] = {formula}\n"


def product(head: str, formula: str, element: str = "bf16") -> str:
    """A matmul over tiles of its result."""
    tiles, result = ("b of B, m of M, n of N", "c[b, m, n]") if head == "batched" else ("m of M, n of N", "c[m, n]")
    return f"kernel f{HEADS[head].format(t=element)}:\n    tile {tiles}:\n        {result} = {formula}\n"


def program(
    text: str,
    dims: Mapping[str, int],
    config: Mapping[str, int | str] | None = None,
    chip: str = "trn2",
    what_if: tuple[str, ...] = (),
) -> EngineProgram:
    """The engine program of the one kernel of a text; every tile is as long as its dimension where `config` is silent."""
    ((_, definition),) = parse(text).kernels.items()
    kernel = definition.specialise({}, {})
    tiles = {each.axis.name: size_value(each.axis.size, dims) for each in kernel.loop_variables if not each.axis.unit}
    return engine.lower(kernel, dims, changed(load_chip(chip), what_if), {**tiles, **(config or {})})


DMA_FLOOR_NS = 467.0
"""From one DMA instruction of Trainium 2 to the next, at least."""


def dma_ns(row_bytes: float, runs: float = 1, rows: int = 128) -> float:
    """A transfer of Trainium 2 whose rows are read or written in so many runs of consecutive bytes each."""
    folds = [128] * (rows // 128) + [rows % 128]
    return max(DMA_FLOOR_NS, sum(data_ns(row_bytes, runs, fold) for fold in folds))


def data_ns(row_bytes: float, runs: float, rows: int) -> float:
    """An engine of 16 has eight of the partitions and moves 23 bytes a ns; a run takes 1.4 ns, and as if it had 256 bytes."""
    return max(min(rows, 8) * runs * (1.4 + max(256, row_bytes / runs) / 23), rows * row_bytes / 375)


def busy_ns(made: EngineProgram) -> dict[str, float]:
    """Nanoseconds of work of each engine that has any."""
    return {name: share.busy_us * 1e3 for name, share in engine.simulate(made).engines.items() if share.busy_us}
