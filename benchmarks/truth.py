"""Does the model tell the truth? Every published measurement, predicted by the program that gave it.

    python benchmarks/truth.py

Rows marked `fit` were used to choose constants in the chip files; rows marked `report` were not. Buffers are those that a row
names, else as many as fit, up to three.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.engine_program import EngineProgram, Loop, Node, Stage, Structure
from tilery.backends.machine.time.resolving import FS_PER_S
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.tunable import Choice
from tilery.dsl import load, parse
from tilery.dsl.program import Program
from tilery.dsl.types import ELEMENT_TYPES

HERE = Path(__file__).parent
Config = Mapping[str, Choice]

LARGE = {"M": 4096, "K": 8192, "N": 8192}
SQUARE = {"M": 2048, "K": 2048, "N": 2048}
THREE: Config = {"buffers.a": 3, "buffers.b": 3, "buffers.c": 2}
TILED: Config = {"m": 128, "n": 512, "k": 128, **THREE}
HOISTED: Config = {**TILED, "hoist.a": "n", "buffers.a": 2}
BLOCKED: Config = {"m": 256, "n": 1024, "k": 128, **THREE}
FULL: Config = {"m": 2048, "n": 1024, "k": 1024, "accumulate.acc": "sbuf", "buffers.acc": 1, "buffers.c": 2}
RESIDENT: Config = {"m": 128, "n": 2048, "k": 2048, "hoist.a": "n", "hoist.b": "m"}

MATMULS: dict[str, tuple[Mapping[str, int], Config]] = {
    "trn1-mm-tiled": (LARGE, TILED),
    "trn1-mm-hoist": (LARGE, HOISTED),
    "trn1-mm-block2x2": (LARGE, BLOCKED),
    "trn1-mm-full": (LARGE, {**FULL, "buffers.a": 2, "buffers.b": 2}),
    "trn2-mm32-tiled": (LARGE, TILED),
    "trn2-mm32-hoist": (LARGE, HOISTED),
    "trn2-mm32-block2x2": (LARGE, BLOCKED),
    "trn2-mm32-full": (LARGE, {**FULL, "buffers.a": 1, "buffers.b": 2}),
    "trn2-mm2048-sunk": (
        SQUARE,
        {"m": 128, "n": 512, "k": 128, "buffers.a": 1, "buffers.b": 1, "buffers.c": 1, "buffers.acc": 1},
    ),
    "trn2-mm2048-drain1": (SQUARE, {**RESIDENT, "buffers.acc": 1}),
    "trn2-mm2048-drain2": (SQUARE, {**RESIDENT, "buffers.acc": 2}),
    # Halves of K summed in SBUF: each is gone through once, so that a block of `a` is kept for all of its columns.
    "trn2-mm2048-hand": (SQUARE, {"m": 512, "n": 512, "k": 1024, "accumulate.acc": "sbuf", "hoist.a": "n", **THREE}),
}
"""The rows that are matmul kernels, with the tile program that each describes."""

REPEATED = """
kernel repeated(a: T[R, K, M], b: T[R, K, N]) -> c: T[M, N]:
    tile m of M, n of N:
        acc = zeros[m, n]
        for r of R by 1:
            acc += dot[r, K](a[r, K, m], b[r, K, n])
        c[m, n] = acc
"""
"""A matmul again and again: for the rows that keep the tensor engine alone busy. Its loads are left out."""

COPY = """
kernel copy(x: T[M, N]) -> y: T[M, N]:
    tile m of M:
        y[m, N] = x[m, N]
"""
"""For the rows that only load; its stores are left out."""


@dataclass(frozen=True, slots=True)
class Row:
    """A published measurement."""

    id: str
    use: str
    chip: str
    dtype: str
    measured_us: float


def rows() -> Iterator[Row]:
    """The measurements, in the order of the file."""
    with (HERE / "data" / "trainium_measured.csv").open() as file:
        for each in csv.DictReader(file):
            yield Row(each["id"], each["use"], each["chip"], each["dtype"], float(each["latency_us"]))


def predicted_us(row: Row) -> float:
    """The model's latency for the program that gave a row."""
    return latency_fs(program(row)) / FS_PER_S * 1e6


def program(row: Row) -> EngineProgram:
    """The engine program of a row."""
    if row.id in MATMULS:
        dims, config = MATMULS[row.id]
        kernel = load(HERE.parent / "kernels" / "matmul_kmajor.tk").kernels["matmul_kmajor"]
        return engine.lower(_bound(kernel, row), dims, load_chip(row.chip), config)
    if row.id.startswith("trn2-dma"):
        columns = {"trn2-dma-1k": 512, "trn2-dma-4k": 2048}[row.id]
        # 4.1 and 16.6 MB of [128, columns] tiles: 31 or 32 of them.
        return only(_lowered(COPY, row, {"M": 128 * 32, "N": columns}, {"m": 128, "buffers.x": 3}), "load")
    repeats = {"trn2-pe-bf16": 2048, "trn2-pe-f32": 1}[row.id]
    shape = {"R": repeats, "K": 128, "M": 128, "N": 512}
    # Both were taken on an engine that had been at work: one of them is a single instruction out of a longer profile.
    return warm(_lowered(REPEATED, row, shape, {"m": 128, "n": 512}))


def _bound(definition: object, row: Row) -> Program:
    return definition.specialise({"T": ELEMENT_TYPES[row.dtype]}, {})  # type: ignore[attr-defined,no-any-return]


def _lowered(text: str, row: Row, dims: Mapping[str, int], config: Config) -> EngineProgram:
    ((_, definition),) = parse(text).kernels.items()
    return engine.lower(_bound(definition, row), dims, load_chip(row.chip), config)


def only(whole: EngineProgram, form: str) -> EngineProgram:
    """The program with the instructions of one form alone: what a micro-benchmark measures."""

    def kept(body: tuple[Node, ...]) -> tuple[Node, ...]:
        nodes: list[Node] = []
        for node in body:
            if isinstance(node, Loop):
                stages = tuple(Stage(stage.allocates, kept(stage.body)) for stage in node.stages)
                nodes += [replace(node, stages=stages)] if any(stage.body for stage in stages) else []
            elif node.form == form:
                nodes.append(node)
        return tuple(nodes)

    structure: Structure = replace(whole.structure, body=kept(whole.structure.body))
    return replace(whole, structure=structure)


def warm(program: EngineProgram) -> EngineProgram:
    """The tensor engine's part of a program, on one that has been at work before."""
    alone = only(program, "matmul")
    unit = msgspec.structs.replace(trainium(program.chip).tensor, warm_up_ns=0)
    chip = msgspec.structs.replace(program.chip, tensor=unit)
    return replace(alone, structure=replace(alone.structure, chip=chip))


def misordered(found: list[tuple[Row, float]]) -> list[str]:
    """Pairs of variants of one kernel that differ by over 5 % as measured and come out in the other order."""
    wrong = []
    for (a, x), (b, y) in combinations(found, 2):
        same = a.id.rsplit("-", 1)[0] == b.id.rsplit("-", 1)[0] and a.id in MATMULS
        apart = max(a.measured_us, b.measured_us) > 1.05 * min(a.measured_us, b.measured_us)
        if same and apart and (a.measured_us < b.measured_us) != (x < y):
            wrong.append(f"{a.id} and {b.id}")
    return wrong


def main() -> None:
    """Prints every row, the mean errors, and the pairs out of order."""
    found = [(row, predicted_us(row)) for row in rows()]
    table = Table("row", "use", "measured us", "predicted us", "error")
    for row, us in found:
        table.add_row(row.id, row.use, f"{row.measured_us:,.1f}", f"{us:,.1f}", f"{us / row.measured_us - 1:+.1%}")
    console = Console(width=100)
    console.print(table)
    for use in ("fit", "report"):
        errors = [abs(us / row.measured_us - 1) for row, us in found if row.use == use]
        console.print(f"mean absolute error on {use}: {sum(errors) / len(errors):.1%} of {len(errors)} rows")
    wrong = misordered(found)
    console.print(f"variants over 5 % apart in the wrong order: {'; '.join(wrong) if wrong else 'none'}")


if __name__ == "__main__":
    main()
