"""A table of measurements, as engine programs: `kernel,shape,configuration,microseconds`, a line a run."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tilery.backends.machine.errors import CannotLower, Infeasible
from tilery.backends.tunable import Choice
from tilery.dsl.errors import TileryError
from tilery.dsl.looking import exists
from tilery.dsl.reading import read_bytes
from tilery.dsl.report import did_you_mean
from tilery.tuner.calibration import Measurement, MeasurementsError

from ..shared.opening import open_pipeline

COLUMNS = ("kernel", "shape", "configuration", "microseconds")
"""What a table has to hold; other columns are left alone."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table."""

    place: str
    kernel: str
    shape: str
    configuration: str
    microseconds: float


def measurements(path: Path, chip: str) -> list[Measurement]:
    """The runs of a table, lowered for a chip. `MeasurementsError` names the line that cannot be."""
    return [_measurement(row, path.parent, chip) for row in rows(path)]


def rows(path: Path) -> Iterator[Row]:
    """The lines of a table."""
    try:
        text = read_bytes(path, "the table ").decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise MeasurementsError(f"{path} is no table: it is not written in UTF-8") from problem
    table = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    _check_columns(path, table.fieldnames or ())
    for each in table:
        place = f"{path}:{table.line_num}"
        if None in each or None in each.values():
            raise MeasurementsError(f"{place}: it has not as many fields as the first line; a field with commas goes into quotes")
        words = {name: each[name].strip() for name in COLUMNS}
        if any(words.values()):
            yield Row(place, words["kernel"], words["shape"], words["configuration"], _microseconds(place, words["microseconds"]))


def _check_columns(path: Path, found: Sequence[str]) -> None:
    for name in COLUMNS:
        if name not in found:
            near = did_you_mean(name, list(found)) if found else ""
            raise MeasurementsError(
                f"{path}: there is no column `{name}`; the first line is to be {','.join(COLUMNS)}"
                + (f" ({near})" if near else "")
            )


def _microseconds(place: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise MeasurementsError(f"{place}: microseconds is `{text}`; a number over 0 is expected")
    return value


def _measurement(row: Row, home: Path, chip: str) -> Measurement:
    try:
        pipeline = open_pipeline(_kernel(row, home), row.shape.split(), chip, row.configuration.split())
        return Measurement(f"{pipeline.program.name} {row.shape}{_brief(pipeline.overrides)}", pipeline.lowered, row.microseconds)
    except (Infeasible, CannotLower) as problem:
        raise MeasurementsError(f"{row.place}: this configuration does not run on {chip}\n{problem}") from problem
    except TileryError as problem:
        raise MeasurementsError(f"{row.place}: {problem}") from problem


def _kernel(row: Row, home: Path) -> str:
    """The kernel's file, beside the table if it stands there, and its name."""
    if not row.kernel:
        raise MeasurementsError("kernel is empty; write FILE.tk or FILE.tk:KERNEL")
    file, colon, name = row.kernel.rpartition(":")
    path, kernel = (file, f"{colon}{name}") if colon and name.isidentifier() else (row.kernel, "")
    beside = home / path
    return f"{beside if exists(beside) else path}{kernel}"


def _brief(config: Mapping[str, Choice]) -> str:
    return "".join(f" {name}={value}" for name, value in config.items())
