"""A kernel is a Python function to Python's own tools: signature, documentation, named results, options by name."""

from __future__ import annotations

import inspect
import pickle
import pydoc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tilery
import tilery.kernels
from tilery.kernel import Kernel

TEXT = """
kernel moments(x: T[M, N], shift: f32 = 0.5, twice: bool = false) -> (mean: f32[M], class: f32[M]):
    \"\"\"Mean and sum of rows.

    Of each row.
    \"\"\"
    tune K in {8, 16} = 16
    tile m of M:
        s = zeros[m]
        for n of N by K:
            s += sum[n](f32(x[m, n]))
        mean[m] = s / N + shift
        class[m] = s
"""
ODD = """
kernel odd(gain: f32, x: T[N], out: i32, config: f32) -> y: T[N]:
    tile n of N:
        y[n] = x[n] * gain * out * config
"""
X = np.arange(12, dtype=np.float32).reshape(2, 6)


def made(tmp_path: Path, text: str) -> Kernel:
    (tmp_path / "made.tk").write_text(text)
    return tilery.load(tmp_path / "made.tk").only()


@pytest.fixture
def moments(tmp_path: Path) -> Kernel:
    return made(tmp_path, TEXT)


def test_the_signature_is_the_text_s(moments: Kernel) -> None:
    signature = inspect.signature(moments)
    assert list(signature.parameters) == ["x", "shift", "twice", "out", "config"]
    assert [each.default for each in signature.parameters.values()] == [inspect.Parameter.empty, 0.5, False, None, None]
    assert signature.parameters["x"].annotation == "T[M, N]" and signature.parameters["shift"].annotation == "f32"
    assert [name for name, each in signature.parameters.items() if each.kind == each.KEYWORD_ONLY] == ["out", "config"]
    bound = signature.bind(X, 1.0, out=None)
    assert moments(*bound.args, **bound.kwargs)[0].tolist() == [3.5, 9.5]


def test_every_shipped_kernel_has_one() -> None:
    for name in dir(tilery.kernels):
        kernel = getattr(tilery.kernels, name)
        assert next(iter(inspect.signature(kernel).parameters)) == kernel.definition.signature.parameters[0].name


def test_a_class_is_no_function() -> None:
    assert list(inspect.signature(Kernel).parameters) == ["path", "name", "definition", "tuned"]
    assert str(Kernel.__doc__).startswith("A tile kernel that is called like a function.")


def test_documentation(moments: Kernel) -> None:
    lines = str(moments.__doc__).splitlines()
    assert lines[0].startswith("moments(x: T[M, N], shift: f32 = 0.5, twice: bool = ")
    assert lines[0].endswith(" -> (mean: f32[M], class: f32[M])")
    assert lines[1:] == ["", "Mean and sum of rows.", "", "Of each row."]
    assert moments.__name__ == moments.__qualname__ == "moments"
    assert "Mean and sum of rows." in pydoc.render_doc(moments)
    assert "Mean and sum" in str(inspect.getdoc(moments))


def test_a_shipped_kernel_is_not_read_for_its_name() -> None:
    kernel = Kernel(tilery.kernels.softmax.path, "softmax")
    assert kernel.__name__ == "softmax" and "definition" not in kernel.__dict__


def test_several_results_are_a_named_tuple(moments: Kernel) -> None:
    results: Any = moments(X)
    assert type(results).__name__ == "moments" and results._fields == ("mean", "_1")
    assert results.mean.tolist() == [3.0, 9.0] and results[1].tolist() == [15.0, 51.0]
    mean, total = results
    again = pickle.loads(pickle.dumps(results))
    assert again.mean.tolist() == mean.tolist() and again._fields == results._fields and type(again) is type(results)
    out = {"class": total.copy(), "mean": mean.copy()}
    assert moments(X, out=out).mean is out["mean"]


def test_a_kernel_s_own_arguments_go_first(tmp_path: Path) -> None:
    odd, x = made(tmp_path, ODD), X[0]
    assert odd(2.0, x, 3, 0.5).tolist() == odd(x=x, gain=2.0, out=3, config=0.5).tolist() == (3 * x).tolist()
    assert list(inspect.signature(odd).parameters) == ["gain", "x", "out", "config"]


def test_config_chooses_tiles_and_what_the_text_leaves_open(moments: Kernel) -> None:
    assert moments(X, config={"K": 8, "m": 1, "order.m": "whatever"}).mean.tolist() == [3.0, 9.0]
    assert moments.pipeline({"M": 2, "N": 6}, config={"K": 8}).tiles["n"] == 8
    for config, message in [
        ([1], "a mapping of names to values is expected"),
        ({"n": None}, "n is None, and a choice is"),
        ({"mm": 1}, "the kernel has no `mm` to choose"),
        ({"K": 9}, "one of 8, 16, and 9 is not"),
        ({"m": 0}, "m needs a size of 1 or more"),
    ]:
        with pytest.raises(tilery.UsageError, match=message):
            moments(X, config=config)
