"""Small kernels, each with something that a pass could get wrong, in every configuration that a dice finds."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.machine.time.timing import latency_fs
from tilery.dsl import load, parse
from tilery.dsl.types import ELEMENT_TYPES

from .test_exact import check

MODULE = load(Path(__file__).parent / "programs" / "various.tk")


@pytest.mark.parametrize("element", ["f32", "bf16"])
@pytest.mark.parametrize("name", sorted(MODULE.kernels))
def test_exact_execution_in_drawn_configurations(name: str, element: str) -> None:
    kernel = MODULE.kernels[name].specialise({"T": ELEMENT_TYPES[element]}, {})
    dims = dict(zip(kernel.signature.dimensions, (131, 67, 143, 75), strict=False))
    chip, generator = load_chip("trn2"), random.Random(name)
    tried = 0
    while tried < 4:
        config = {
            each.name: generator.choice([30, 64, 128, 200]) if each.kind == "tile" else generator.choice(each.values)
            for each in engine.tunables(kernel, dims, chip)
        }
        try:
            program = engine.lower(kernel, dims, chip, config)
        except engine.Infeasible:
            continue
        tried += 1
        check(kernel, dims, program, tried)
        assert latency_fs(program) == latency_fs(program, jump=False)


REFUSED = {
    "a maximum across the partitions": (
        """
kernel columns(x: f32[M, N]) -> y: f32[N]:
    tile n of N:
        top = full[n](-inf)
        for m of M:
            top = max(top, max[m](x[m, n] + x[m, n] * f32(m)))
        y[n] = top
""",
        None,
    ),
    "a carried number": (
        """
kernel count(x: f32[M, N]) -> y: f32[M, N]:
    tile m of M:
        steps = 0
        for n of N:
            steps = steps + 1
            y[m, n] = x[m, n] + steps
""",
        "a single number that a loop changes",
    ),
    "integers on the tensor engine": (
        """
kernel product(a: i8[M, K], b: i8[K, N]) -> c: i32[M, N]:
    tile m of M, n of N:
        acc = zeros[m, n]
        for k of K:
            acc = acc + (a[m, k] @ b[k, n])
        c[m, n] = acc
""",
        "does not multiply i8",
    ),
}


@pytest.mark.parametrize("what", sorted(REFUSED))
def test_what_a_chip_cannot_do_is_said_or_done(what: str) -> None:
    text, said = REFUSED[what]
    ((_, definition),) = parse(text).kernels.items()
    kernel = definition.specialise({}, {})
    dims = dict(zip(kernel.signature.dimensions, (70, 50, 30), strict=False))
    if said is None:
        engine.lower(kernel, dims, load_chip("trn2"), {})
        return
    with pytest.raises(engine.CannotLower) as caught:
        engine.lower(kernel, dims, load_chip("trn2"), {})
    assert said in str(caught.value)
    assert "trn2" in str(caught.value)
    assert "help:" in str(caught.value)
