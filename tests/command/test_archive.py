"""`run --save` and `--data`: what is written reads back, and what does not fit is one message."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tilery.command.cli import main
from tilery.command.running.archive import BadData, read_call
from tilery.library import load

TEXT = "kernel f(x: T[N], s: f32) -> y: T[N]:\n    reference:\n        y[N] = x[N] * s\n    y[N] = x[N] * s\n"


@pytest.mark.parametrize("t", ["f32", "bf16", "f8e4m3"])
def test_a_run_reads_back(tmp_path: Path, t: str) -> None:
    (tmp_path / "f.tk").write_text(TEXT, encoding="utf-8")
    made = CliRunner().invoke(main, ["run", str(tmp_path / "f.tk"), "N=9", f"T={t}", "--save", str(tmp_path / "o.npz")])
    assert made.exit_code == 0 and "drawn" not in made.output
    call = read_call(load(tmp_path / "f.tk").only().definition, tmp_path / "o.npz", {})
    assert call.dims == {"N": 9} and str(call.types["T"]) == t


def test_what_does_not_fit(tmp_path: Path) -> None:
    (tmp_path / "f.tk").write_text(TEXT, encoding="utf-8")
    definition = load(tmp_path / "f.tk").only().definition
    np.savez(tmp_path / "p.npz", x=np.array([None], object), s=1.0)
    np.savez(tmp_path / "m.npz", s=1.0)
    np.savez(tmp_path / "e.npz", x=np.ones(3, np.float32), s=1.0, z=1)
    for name, message in (("p", "cannot be read as a plain array"), ("m", "needs the argument `x`"), ("e", "no argument `z`")):
        with pytest.raises(BadData, match=message):
            read_call(definition, tmp_path / f"{name}.npz", {})
