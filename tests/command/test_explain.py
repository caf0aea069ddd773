"""`tilery explain`: the space, counted; and what is said where nothing fits."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

from click.testing import CliRunner, Result

from tilery.command.cli import main

KERNELS = Path(__file__).parents[2] / "kernels"


def invoked(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], env={"COLUMNS": "140"})


def test_every_rule_says_what_it_leaves() -> None:
    words = ("explain", KERNELS / "softmax.tk", "M=4096", "N=20000")
    found = json.loads(invoked(*words, "--json").stdout)
    assert found["space"] == found["tiles"] * found["structures"] * found["slots"] == found["screened"]
    assert found["space"] == math.prod(len(each["values"]) for each in found["tunables"])
    assert found["feasible"] + sum(found["ruled_out"].values()) == found["space"]
    assert 0 < found["worth_timing"] <= found["feasible"] < found["space"]
    page = invoked(*words).stdout
    lines = {line.split("  ")[0]: re.findall(r"(?<!\S)[\d,]+(?!\S)", line) for line in page.splitlines()}
    assert lines["the space"][0] == f"{found['space']:,}"
    assert lines["sbuf"][:2] == [f"{found['ruled_out']['sbuf']:,}", f"{found['feasible']:,}"]
    assert lines["worth timing"][1] == f"{found['worth_timing']:,}"
    assert "partitions of trn2: 128" in page


def test_where_nothing_fits_the_nearest_is_named_and_what_would_hold_it() -> None:
    shape = (KERNELS / "softmax.tk", "M=4096", "N=200000")
    for command in ("explain", "autotune", "simulate"):
        done = invoked(command, *shape)
        assert done.exit_code == 1, done.output
        assert "no configuration of softmax fits at this shape; the nearest is m=128: trn2 has" in done.stderr
    change = re.search(r"--what-if (\S+=\d+)", done.stderr)
    assert change
    assert invoked("simulate", *shape, "--what-if", change[1]).exit_code == 0
    assert invoked("simulate", *shape, "--what-if", f"{change[1][:-1]}").exit_code == 1
