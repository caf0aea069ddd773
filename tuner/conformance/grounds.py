"""The spaces that a strategy is tried on: tiny ones, rough ones, huge ones, and a made-up machine with lower bounds."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..space.given import Value

Space = Mapping[str, list[Value]]
Config = Mapping[str, Value]


@dataclass(frozen=True)
class Ground:
    """A space to search, and what its configurations are worth."""

    name: str
    space: Space
    allowed: Callable[[Config], bool] = lambda config: True
    size: int | None = None
    """How many configurations are feasible, where that is few."""


def _fits(config: Config) -> bool:
    """A limit as of memory: large tiles and deep buffers do not go together."""
    block, depth = config["block"], config["depth"]
    assert isinstance(block, int)
    assert isinstance(depth, int)
    return block * depth <= 512


def _apart(config: Config) -> bool:
    """Few, and far from each other: none is the neighbour of another one."""
    return config["a"] == config["b"] == config["c"]


ROUGH: Space = {
    "block": [16, 32, 64, 128, 256],
    "depth": [1, 2, 3, 4, 6, 8],
    "staged": [False, True],
    "order": ["rows", "columns", "blocks"],
    "unroll": [1, 2, 4],
    "fixed": [7],
}
GROUNDS = (
    Ground("one configuration", {"a": [1]}, size=1),
    Ground("parameters of one value", {"a": [1], "b": ["x"], "c": [None]}, size=1),
    Ground("two configurations", {"a": [1, 2]}, size=2),
    Ground("one parameter that varies among some that do not", {"a": [0], "b": [1, 2, 3], "c": ["x"]}, size=3),
    Ground("names only", {"a": ["x", "y", "z"], "b": ["on", "off"]}, size=6),
    Ground("a few feasible ones far apart", {name: [1, 2, 3, 4] for name in "abc"}, _apart, size=4),
    Ground("mixed values and a limit", ROUGH, _fits),
    Ground("numbers of any sign and size", {"a": [-4.5, 0, 3], "b": [1, 10**6, 10**12], "c": [0.001, 0.1]}, size=18),
    Ground("a space too large to list", {f"p{place}": list(range(1, 11)) for place in range(9)}),
)
LARGEST = GROUNDS[-1]
USUAL = next(each for each in GROUNDS if each.space is ROUGH)


def worth(config: Config) -> float:
    """What a configuration is worth: smooth in its numbers, and rough by a tenth; the same on every machine."""
    digest = hashlib.sha256(repr(sorted(config.items())).encode()).digest()
    numbers = [float(each) for each in config.values() if isinstance(each, int | float)]
    return 100 + sum(abs(math.log1p(abs(each)) - 3) for each in numbers) + 10 * digest[0] / 255
