"""Kernels of several phases on a chip: what waits for what, in whatever order the chip may take."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.capacity import usage
from tilery.backends.machine.engine_program import Instruction, Setting, Transfer
from tilery.backends.machine.segments import segments
from tilery.backends.machine.time.timing import latency_fs
from tilery.backends.trainium.chip_tables import trainium
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.data import random_arguments
from tilery.backends.truth.reference import reference
from tilery.dsl import load, parse
from tilery.dsl.program import Program
from tilery.dsl.types import F32
from tilery.tuner.model.engine_model import EngineModel
from tilery.tuner.space.configurations import Space

FOLDER = Path(__file__).parents[1] / "kernels"
CASES = {
    "phases/mlp": {"M": 41, "D": 75, "H": 67},
    "phases/batch_norm_training": {"N": 35, "C": 41},
    "in_place/adamw": {"N": 203},
    "in_place/decode": {"B": 3, "H": 5, "D": 37, "L": 41},
}
TEXTS = {
    # The phase that overwrites x comes after all of x is read; the last one reads what is left there.
    "turned": """
kernel f(x: inout f32[M, N]) -> y: f32[M, N]:
    reference:
        x[M, N] = x[M - 1 - index[M], N]
        y[M, N] = x[M - 1 - index[M], N] * 2
    temp h: f32[M, N]
    tile m of M, n of N:
        h[M - 1 - m, n] = x[m, n]
    tile m of M, n of N:
        x[m, n] = h[m, n]
    tile m of M, n of N:
        y[m, n] = x[m, n] * 2
""",
    # What is stored does not come from what is read there before.
    "kept": """
kernel f(x: inout f32[M, N], a: f32[M, N]) -> old: f32[M, N]:
    reference:
        old[M, N] = x[M, N]
        x[M, N] = a[M, N] * 3
    tile m of M, n of N:
        new = a[m, n] * 3
        before = x[m, n]
        x[m, n] = new
        old[m, n] = before
""",
    "added": """
kernel f(x: inout f32[M, N], a: f32[M, N]):
    reference:
        x[M, N] = (x[M, N] + a[M, N]) * 2
    tile m of M, n of N:
        x[m, n] += a[m, n]
    tile p of M, q of N:
        x[p, q] = x[p, q] * 2
""",
    "without a tile": """
kernel f(x: inout f32[N], g: f32[N], like: f32[M]) -> old: f32[N]:
    reference:
        old[N] = x[N]
        x[N] = x[N] - g[N]
    before = x[N]
    x[N] = before - g[N]
    old[N] = before
""",
    "again and again": """
kernel f(x: inout f32[M, N]):
    reference:
        x[M, N] = x[M, N] * 8 + 7
    for r in 0..3:
        tile m of M, n of N:
            x[m, n] = x[m, n] * 2 + 1
""",
    "rows by a matrix": """
kernel f(x: inout f32[M, N], w: f32[N, N]):
    require K == N
    reference:
        x[M, N] = sum[K](x[M, K] * w[K, N])
    tile m of M:
        x[m, N] = x[m, K] @ w[K, N]
""",
}


def of_text(text: str) -> Program:
    (definition,) = parse(text).kernels.values()
    return definition.specialise({}, {})


def of_file(name: str) -> Program:
    (definition,) = load(FOLDER / f"{name}.tk").kernels.values()
    return definition.specialise(dict.fromkeys(definition.signature.type_variables, F32), {})


KERNELS = [(of_file(name), dims) for name, dims in CASES.items()]
KERNELS += [(of_text(text), {"M": 41, "N": 53}) for text in TEXTS.values()]


def lowered(kernel: Program, dims: dict[str, int], tile: int = 16, cores: int = 1) -> engine.EngineProgram:
    chip = load_chip("trn2")
    tiles = {each.axis.name: tile for each in kernel.loop_variables if not each.axis.unit}
    return engine.lower(kernel, dims, chip, engine.default_config(kernel, dims, chip, tiles), cores)


@pytest.mark.parametrize(("kernel", "dims"), KERNELS, ids=[*CASES, *TEXTS])
def test_any_order_that_the_chip_may_take_gives_the_same(kernel: Program, dims: dict[str, int]) -> None:
    program, arguments = lowered(kernel, dims), random_arguments(kernel, dims, 0)
    wanted = reference(kernel, dims, arguments)
    for shuffle in (None, 1, 2, 3):
        found = compare(kernel, dims, engine.execute(program, arguments, shuffle), wanted, arguments)
        assert found.ok, f"{found} with {shuffle}"


@pytest.mark.parametrize(("kernel", "dims"), KERNELS, ids=[*CASES, *TEXTS])
def test_a_later_phase_begins_when_the_earlier_one_has_written(kernel: Program, dims: dict[str, int]) -> None:
    program = lowered(kernel, dims)
    written, read = dict[str, int](), dict[str, int]()

    def record(node: Instruction, start: int, end: int) -> None:
        if not isinstance(node.action, Transfer) or not node.action.tensor.phase:
            return
        tensor = node.action.tensor
        key = f"{tensor.name}.{tensor.phase}"
        if not node.action.store:
            read[key] = min(start, read.get(key, start))
        elif tensor.role != "result":
            written[key] = max(end, written.get(key, 0))

    assert latency_fs(program, record, jump=False) == latency_fs(program)
    assert all(written[key] <= start for key, start in read.items())


def test_several_cores_pay_for_their_barrier() -> None:
    kernel, dims = KERNELS[0][0], {"M": 256, "D": 128, "H": 256}
    alone, shared = lowered(kernel, dims, 128), lowered(kernel, dims, 128, cores=2)
    (barrier,) = (each for _, each in shared.structure.instructions() if each.form == "barrier")
    dma = trainium(shared.chip).dma
    costs = [
        each.family.duration_s(barrier, {}, Setting(each.structure, each.dims, each.tiles, each.cores))
        for each in (alone, shared)
    ]
    assert costs == [0, pytest.approx(1e-9 * (dma.floor_ns + dma.latency_ns))]
    assert latency_fs(shared) < latency_fs(alone)


def test_a_maximum_in_device_memory_is_refused() -> None:
    text = "kernel f(x: inout f32[M], ids: i32[N], v: f32[N]):\n    tile n of N:\n        x[ids[n]] max= v[n]\n"
    with pytest.raises(engine.CannotLower, match="take no maximum there"):
        lowered(of_text(text), {"M": 5, "N": 7})


def test_phases_share_the_memory_on_the_chip() -> None:
    kernel, dims = KERNELS[0]
    program = lowered(kernel, dims)
    one, other = segments(program.structure)
    assert one and other and not set(one) & set(other)
    psum = [sum(program.slots(each) for each in part if each.memory == "psum") for part in (one, other)]
    assert min(psum) > 0 and usage(program)["psum"] == max(psum)


def test_the_screen_counts_memory_as_the_program_does() -> None:
    kernel, chip = KERNELS[0][0], load_chip("trn2")
    dims = {"M": 300, "D": 500, "H": 700}
    model = EngineModel(kernel, dims, chip)
    space = Space(model.tunables)
    chosen = space.draw(np.random.default_rng(0), 60)
    found, _ = model.screen_all(space.columns(chosen))
    fits = list[bool]()
    for each in chosen:
        with suppress(engine.Infeasible):
            program = engine.lower(kernel, dims, chip, space.config(each))
            assert found.lower_bound_us[len(fits)] <= latency_fs(program) / 1e9 * (1 + 1e-9)
            fits.append(True)
            continue
        fits.append(False)
    assert (found.limit == 0).tolist() == fits and 0 < sum(fits) < len(fits)
