"""Sizes at which a guard would be decided for ever: one message, at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from tilery.command.cli import main

ATTENTION = Path(__file__).parents[2] / "kernels" / "attention.tk"


@pytest.mark.parametrize("command", ["simulate", "explain", "autotune"])
@pytest.mark.parametrize("sizes", [["S=2147483647", "L=2147483647"], ["S=2147483647", "L=128"]])
def test_too_many_steps_under_a_guard_are_told_at_once(command: str, sizes: list[str]) -> None:
    """It took minutes, and with both sizes for ever."""
    began_s = time.process_time()
    done = CliRunner().invoke(main, [command, str(ATTENTION), "H=8", "D=64", *sizes])
    assert time.process_time() - began_s < 10
    assert done.exit_code == 2
    assert "steps of `for j`" in done.stderr
    assert "Traceback" not in done.stderr


def test_long_contexts_and_loops_without_a_guard_are_not_refused() -> None:
    from tilery import dsl
    from tilery.backends import engine
    from tilery.backends.chips import load_chip
    from tilery.dsl.types import BF16

    definition = dsl.load(ATTENTION).kernels["attention"]
    for causal, size in ((True, 1 << 20), (False, 2**31 - 1)):
        kernel = definition.specialise({"T": BF16}, {"causal": causal})
        assert engine.tunables(kernel, {"H": 8, "S": size, "L": size, "D": 64}, load_chip("trn2"))
