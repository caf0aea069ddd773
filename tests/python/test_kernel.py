"""Kernels as Python functions."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import tilery
import tilery.kernels
from tilery.kernel import Kernel

KERNELS = Path(__file__).parents[2] / "kernels"
SHAPE: dict[str, Any] = {"M": 200, "K": 130, "N": 260}


@pytest.fixture
def matmul(tmp_path: Path) -> Kernel:
    path = tmp_path / "matmul.tk"
    path.write_text((KERNELS / "matmul.tk").read_text())
    return tilery.load(path).matmul


def operands(kind: type[np.generic]) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.standard_normal((200, 130)).astype(kind), generator.standard_normal((130, 260)).astype(kind)


@pytest.mark.parametrize(("kind", "tolerance"), [(np.float32, 1e-5), (ml_dtypes.bfloat16, 5e-3)])
def test_numpy_in_numpy_out(matmul: Kernel, kind: type[np.generic], tolerance: float) -> None:
    a, b = operands(kind)
    c = matmul(a, b=b)
    assert isinstance(c, np.ndarray)
    assert c.dtype == kind
    want = a.astype(np.float64) @ b.astype(np.float64)
    assert np.abs(c.astype(np.float64) - want).max() <= tolerance * np.abs(want).max()


def test_an_untuned_call_says_so_once(matmul: Kernel, caplog: pytest.LogCaptureFixture) -> None:
    a, b = operands(np.float32)
    with caplog.at_level(logging.WARNING, "tilery"):
        matmul(a, b)
        matmul(a, b)
    (record,) = caplog.records
    assert "no tuned entry for this shape, so the emulator takes tile sizes of its own" in record.getMessage()
    assert "tilery autotune" in record.getMessage()
    assert "M=200 K=130 N=260 T=f32 --chip trn2" in record.getMessage()


def test_a_tuned_kernel_is_found_by_shape(matmul: Kernel, caplog: pytest.LogCaptureFixture) -> None:
    result = matmul.autotune(budget="1s", T="f32", **SHAPE)
    with caplog.at_level(logging.WARNING, "tilery"):
        matmul(*operands(np.float32))
        assert matmul.simulate(T="f32", **SHAPE).latency_us == result.latency_us
    assert caplog.records == []


def test_autotune_has_all_the_options(matmul: Kernel, tmp_path: Path) -> None:
    result = tilery.autotune(matmul, chip="trn1", shapes=SHAPE, budget=None, trials=4, output=tmp_path / "x.json")
    assert result.chip == "trn1"
    assert result.types == {"T": "bf16"}
    assert result.evaluated <= 4
    assert (tmp_path / "x.json").exists()
    assert not matmul.tuned.path.exists()


def test_overrides_are_choices(matmul: Kernel) -> None:
    report = tilery.simulate(matmul, "trn2", config={"m": 128}, **SHAPE)
    assert report.latency_us == matmul.simulate(config={"m": 128}, **SHAPE).latency_us


def test_shapes_that_disagree_are_told(matmul: Kernel) -> None:
    a, _ = operands(np.float32)
    with pytest.raises(tilery.UsageError, match="`K` is 130 in `a: T\\[M, K\\]` and 200 in `b: T\\[K, N\\]`"):
        matmul(a, a)


def test_shipped_kernels_are_listed_and_lazy() -> None:
    assert dir(tilery.kernels) == ["attention", "linear_gelu", "matmul", "matmul_kmajor", "rmsnorm", "softmax"]
    kernel = tilery.kernels.softmax
    assert kernel is tilery.kernels.softmax
    assert "a whole row stays on the chip" in kernel.doc
    assert kernel.source.startswith("kernel softmax(")
    assert repr(kernel).startswith("<tilery kernel softmax of ")
    with pytest.raises(AttributeError, match="there is no shipped kernel 'sotfmax'; there are attention"):
        tilery.kernels.sotfmax  # noqa: B018


def test_scalars_and_constants_are_arguments() -> None:
    from tilery.kernels import attention

    q = np.random.default_rng(0).standard_normal((2, 40, 16)).astype(np.float32)
    causal, full = attention(q, q, q, 0.25), attention(q, q, q, scale=0.25, causal=False)
    assert isinstance(causal, np.ndarray)
    assert isinstance(full, np.ndarray)
    assert np.allclose(causal[:, -1], full[:, -1], atol=1e-5)
    assert np.allclose(causal[:, 0], q[:, 0], atol=1e-5)
    assert not np.allclose(causal[:, 0], full[:, 0])


def test_a_library_holds_its_kernels(tmp_path: Path) -> None:
    path = tmp_path / "two.tk"
    texts = [(KERNELS / f"{name}.tk").read_text() for name in ("softmax", "rmsnorm")]
    path.write_text("\n".join(texts))
    library = tilery.load(path)
    assert list(library) == ["softmax", "rmsnorm"]
    assert library["softmax"] is library.softmax
    assert {"softmax", "rmsnorm"} <= set(dir(library))
    with pytest.raises(tilery.UsageError, match="has several kernels: say which"):
        library.only()
    with pytest.raises(AttributeError, match="has no kernel `sotfmax`; did you mean `softmax`"):
        library.sotfmax  # noqa: B018
