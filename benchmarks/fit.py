"""The constants of the chip files that are fitted on measurements, fitted again.

    python -m benchmarks.fit

Least squares of the logarithm of predicted over measured latency, over rows marked `fit` alone. A constant is fitted on the rows
whose latency it decides: others would only be bent by what is wrong elsewhere. Printed beside each: what the chip file has,
whether the rows tell the constants apart, and what is left. `tilery calibrate` fits a chip to a person's own measurements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import least_squares

from tilery.backends.chips import Chip, changed, load_chip
from tilery.backends.chips.chip import tables
from tilery.backends.machine.time.resolving import FS_PER_S
from tilery.backends.machine.time.timing import latency_fs

from .measured.programs import program
from .measured.rows import Row, rows
from .measured.table import KNOWN

STEP = 0.01
"""Of a constant's logarithm, to see how the latencies change."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Constants of one chip and the rows that they are fitted on."""

    chip: str
    constants: tuple[str, ...]
    rows: tuple[str, ...]
    why: str


FITS = (
    Fit("trn1", ("dma.bytes_per_s", "dma.floor_ns"), ("trn1-silu-best", "trn1-bmm"), "moving data is all that they wait for"),
    Fit("trn2", ("dma.floor_ns", "dma.descriptor_ns"), ("trn2-dma-1k", "trn2-dma-4k"), "transfers alone"),
    Fit("trn2", ("tensor.fixed_cycles",), ("trn2-pe-bf16", "trn2-pe-f32"), "matmuls alone"),
)


def fitted(fit: Fit) -> tuple[dict[str, float], NDArray[np.float64]]:
    """The constants that fit best, and how the rows' logarithms change with theirs, a row each."""
    chip = load_chip(fit.chip)
    measured = [row for row in rows() if row.id in fit.rows]
    assert len(measured) == len(fit.rows) and all(row.use == "fit" for row in measured)
    start = np.log([value_of(chip, name) for name in fit.constants])

    def wrong(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        return _errors(chip, fit.constants, logs, measured)

    solved = least_squares(wrong, start, diff_step=np.full(len(start), STEP), x_scale=1.0)
    jacobian: NDArray[np.float64] = np.asarray(solved.jac, dtype=np.float64)
    return dict(zip(fit.constants, np.exp(solved.x).tolist(), strict=True)), jacobian


def value_of(chip: Chip, name: str) -> float:
    """A number of a chip, by its path."""
    section, _, field = name.partition(".")
    return float(tables(chip)[section][field])


def _errors(chip: Chip, names: Sequence[str], logs: NDArray[np.float64], measured: Sequence[Row]) -> NDArray[np.float64]:
    """log(predicted / measured) of each row."""
    return np.array([np.log(_predicted_us(_with(chip, names, logs), row) / row.measured_us) for row in measured])


def _with(chip: Chip, names: Sequence[str], logs: NDArray[np.float64]) -> Chip:
    return changed(chip, [f"{name}={value:.9g}" for name, value in zip(names, np.exp(logs), strict=True)])


def _predicted_us(chip: Chip, row: Row) -> float:
    return latency_fs(program(row, KNOWN[row.id], chip)) / FS_PER_S * 1e6


def _apart(fit: Fit, slopes: NDArray[np.float64]) -> str:
    """Whether the rows tell the constants apart."""
    sizes = np.linalg.svd(slopes, compute_uv=False)
    if len(slopes) < len(fit.constants):
        return "no"
    if sizes[-1] < 0.01:
        return "hardly: 1 % of a latency is all of one"
    return "yes" if len(slopes) > len(fit.constants) else "yes, with no row to spare"


def _left(fit: Fit, best: Mapping[str, float]) -> str:
    chip = load_chip(fit.chip)
    measured = [row for row in rows() if row.id in fit.rows]
    errors = np.exp(_errors(chip, tuple(best), np.log(list(best.values())), measured)) - 1
    return ", ".join(f"{row.id} {error:+.1%}" for row, error in zip(measured, errors, strict=True))


def main() -> None:
    """Prints the constants as fitted beside those of the chip files."""
    table = Table("constant", "chip file", "fitted", "told apart", "what is left", "why these rows")
    for fit in FITS:
        best, slopes = fitted(fit)
        for name, value in best.items():
            has = value_of(load_chip(fit.chip), name)
            first = name == fit.constants[0]
            notes = (_apart(fit, slopes), _left(fit, best), fit.why) if first else ("", "", "")
            table.add_row(f"{fit.chip} {name}", f"{has:.4g}", f"{value:.4g}", *notes)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
