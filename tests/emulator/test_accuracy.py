"""Right programs are never rejected, wrong ones always: on many seeds, shapes and types."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tilery import dsl
from tilery.backends import emulator
from tilery.backends.truth import accuracy, data
from tilery.backends.truth.comparison import Comparison
from tilery.backends.truth.error_analysis import explained_errors
from tilery.backends.truth.reference import reference
from tilery.dsl import program
from tilery.dsl.types import BF16, F8E4M3, F16, F32, ElementType

KERNELS = Path(__file__).parents[2] / "kernels"

Dims = Mapping[str, int]

SHAPES: dict[str, list[dict[str, int]]] = {
    "matmul": [{"M": 1, "N": 1, "K": 1}, {"M": 1, "N": 1, "K": 300}, {"M": 65, "N": 33, "K": 500}],
    "matmul_kmajor": [{"M": 1, "N": 1, "K": 7}, {"M": 40, "N": 70, "K": 130}],
    "linear_gelu": [{"M": 1, "N": 1, "K": 1}, {"M": 1, "N": 1, "K": 64}, {"M": 70, "N": 65, "K": 90}],
    "rmsnorm": [{"M": 1, "N": 1}, {"M": 70, "N": 300}],
    "softmax": [{"M": 1, "N": 1}, {"M": 70, "N": 300}],
    "attention": [{"H": 1, "S": 1, "L": 1, "D": 1}, {"H": 2, "S": 70, "L": 70, "D": 64}, {"H": 1, "S": 200, "L": 200, "D": 128}],
}


def specialised(text: str | Path, kind: ElementType, constants: Mapping[str, int | bool] | None = None) -> program.Program:
    module = dsl.load(text) if isinstance(text, Path) else dsl.parse(text)
    (definition,) = module.kernels.values()
    types = dict.fromkeys(definition.signature.type_variables, kind)
    return definition.specialise(types, constants or {})


def tiles(kernel: program.Program, dims: Dims, wish: int = 32) -> dict[str, int]:
    sizes = {}
    for each in kernel.loop_variables:
        sizes[each.axis.name] = each.by.choices[0] if each.by.choices else wish
    return emulator.tile_sizes(kernel, dims, sizes)


def judged(kernel: program.Program, dims: Dims, seed: int, right: program.Program | None = None) -> Comparison:
    """What is said of `kernel`, by the reference of `right`."""
    arguments = data.random_arguments(kernel, dims, seed)
    got = emulator.compile(kernel, dims, tiles(kernel, dims))(arguments)
    return accuracy.compare(kernel, dims, got, reference(right or kernel, dims, arguments), arguments)


@pytest.mark.parametrize("kind", [F32, BF16, F16, F8E4M3], ids=str)
@pytest.mark.parametrize("name", SHAPES)
def test_right_programs_are_never_rejected(name: str, kind: ElementType) -> None:
    for constants in [{"causal": True}, {"causal": False}] if name == "attention" else [{}]:
        kernel = specialised(KERNELS / f"{name}.tk", kind, constants)
        for dims in SHAPES[name]:
            for seed in range(25 if dims.get("M") == 1 else 3):
                found = judged(kernel, dims, seed)
                # A single element may cancel to nothing, and then proves nothing; it is not called wrong.
                assert found.ok or (found.verdict == "unproven" and dims.get("M") == 1), f"{dims} {constants} {seed}: {found}"
                assert found.max_error <= found.tolerance


@pytest.mark.parametrize("seed", [20, 45])
def test_the_tail_of_gelu_alone(seed: int) -> None:
    """Where 1 + erf(x) cancels, f32 itself is off by a thousandth of the result; among others the element would not be seen."""
    kernel, dims = specialised(KERNELS / "linear_gelu.tk", F32), {"M": 1, "N": 1, "K": 64}
    arguments = data.random_arguments(kernel, dims, seed)
    got = emulator.compile(kernel, dims, tiles(kernel, dims))(arguments)
    want = reference(kernel, dims, arguments)
    assert not accuracy.compare(kernel, dims, got, want).ok
    assert accuracy.compare(kernel, dims, got, want, arguments).ok
    off = {"y": (got["y"] * np.float32(1.02)).astype(np.float32)}
    assert not accuracy.compare(kernel, dims, off, want, arguments).ok


def test_rows_of_few_terms_beside_rows_of_many() -> None:
    """The first rows of causal attention are sums of a few rounded terms which may cancel."""
    kernel, dims = specialised(KERNELS / "attention.tk", BF16, {"causal": True}), {"H": 2, "S": 160, "L": 160, "D": 64}
    arguments = data.random_arguments(kernel, dims, 0)
    got = emulator.compile(kernel, dims, tiles(kernel, dims))(arguments)
    want = reference(kernel, dims, arguments)
    everywhere = {"o": np.ones(want["o"].shape, bool)}
    explained = explained_errors(kernel, dims, arguments, everywhere)["o"] + 2.0**-8 * np.abs(want["o"])
    off = np.abs(got["o"].astype(np.float64) - want["o"])
    assert (off <= explained).all()
    # It is a bound worth having: typical errors are within an order of magnitude of it, and late rows have a smaller one.
    assert np.median(off / explained) > 0.02
    assert np.median(explained[:, 100:]) < np.median(explained[:, 1:8]) / 3


SABOTAGE = {
    "matmul": ("acc += a[m, k] @ b[k, n]", "acc = f32(a[m, k] @ b[k, n])"),  # only the last k step counts
    "matmul_kmajor": ("acc += a[k, m] @ b[k, n]", "acc += T(where(k < 32, 0, a[k, m])) @ b[k, n]"),  # one k step dropped
    "linear_gelu": ("gelu(acc + bias[n])", "gelu_tanh(1.1 * acc + bias[n])"),
    "rmsnorm": ("sum[N](row * row) / N", "sum[N](row * row) / (N - 12)"),
    "softmax": ("e / sum[N](e)", "e / (sum[N](e) + 0.2 * max[N](e) + 1)"),
    "attention": ("acc = acc * fade +", "acc = acc +"),
}


@pytest.mark.parametrize("kind", [F32, BF16, F16], ids=str)
@pytest.mark.parametrize("name", SABOTAGE)
def test_sabotaged_programs_always_are(name: str, kind: ElementType) -> None:
    text = (KERNELS / f"{name}.tk").read_text()
    before, after = SABOTAGE[name]
    assert before in text
    right, wrong = specialised(text, kind), specialised(text.replace(before, after), kind)
    for dims in SHAPES[name][-1:]:
        for seed in range(4):
            assert not judged(wrong, dims, seed, right).ok, f"{dims} seed {seed}"


@pytest.mark.parametrize("kind", [F32, BF16, F16, F8E4M3], ids=str)
@pytest.mark.parametrize("name", SHAPES)
def test_a_tile_that_is_missing_is_seen(name: str, kind: ElementType) -> None:
    kernel, dims = specialised(KERNELS / f"{name}.tk", kind), SHAPES[name][-1]
    arguments = data.random_arguments(kernel, dims, 1)
    got = emulator.compile(kernel, dims, tiles(kernel, dims))(arguments)
    want = reference(kernel, dims, arguments)
    (result,) = got
    for fill in (0.0, np.nan):
        torn = got[result].copy()
        torn[..., 32:64, 32:64] = fill
        found = accuracy.compare(kernel, dims, {result: torn}, want, arguments)
        assert not found.ok
        assert all(32 <= place < 64 for place in found.worst_index[-2:])
