"""Published measurements, as the files in `data/` have them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
FILES = ("trainium_measured.csv", "trainium_found.csv")


@dataclass(frozen=True, slots=True)
class Row:
    """A published measurement."""

    id: str
    use: str
    """`fit`: constants of the chip files were fitted on it; `report`: they were not."""
    chip: str
    dtype: str
    measured_us: float
    source: str


def rows() -> Iterator[Row]:
    """The measurements, in the order of the files."""
    for name in FILES:
        with (DATA / name).open() as file:
            for each in csv.DictReader(file):
                yield Row(each["id"], each["use"], each["chip"], each["dtype"], float(each["latency_us"]), each["source"])
