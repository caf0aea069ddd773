"""Does the model tell the truth? Every published measurement, predicted by the program that gave it.

    python -m benchmarks.truth

Rows marked `fit` were used to choose constants in the chip files (`fit.py` chooses them again); rows marked `report` were not.
Measurements that include the launch of the kernel are compared with the chip's `launch.us` added. `measured/table.py` says what
is known of each program, and what is assumed where its description says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations

from rich.console import Console
from rich.table import Table

from tilery.backends import engine
from tilery.backends.machine.engine_program import EngineProgram

from .measured import programs
from .measured.rows import Row, rows
from .measured.table import KNOWN

__all__ = ["Found", "Row", "found", "misordered", "predicted_us", "program", "rows"]

LADDERS = ("trn1-mm", "trn2-mm32", "trn2-mm2048")
"""Variants of one kernel at one shape: a tuner needs their order."""


@dataclass(frozen=True, slots=True)
class Found:
    """A measurement beside its prediction."""

    row: Row
    kernel_us: float
    """The model's latency of the kernel alone."""
    launch_us: float
    """What its launch takes, where the measurement includes it."""
    bound: str

    @property
    def predicted_us(self) -> float:
        """What the measurement is compared with."""
        return self.kernel_us + self.launch_us

    @property
    def error(self) -> float:
        """As a share of the measurement; positive where the model is too slow."""
        return self.predicted_us / self.row.measured_us - 1

    @property
    def error_without_launch(self) -> float:
        """The same of the kernel alone."""
        return self.kernel_us / self.row.measured_us - 1


def program(row: Row) -> EngineProgram:
    """The engine program of a row."""
    return programs.program(row, KNOWN[row.id])


def found(row: Row) -> Found:
    """A row, predicted."""
    report = engine.simulate(program(row))
    launch = KNOWN[row.id].launched
    chip = program(row).chip
    return Found(row, report.latency_us, chip.launch_us if launch else 0.0, report.bound)


def predicted_us(row: Row) -> float:
    """What the model says that the measurement shows."""
    return found(row).predicted_us


def misordered(measured: list[tuple[Row, float]]) -> list[str]:
    """Pairs of variants of one kernel that differ by over 5 % as measured and come out in the other order."""
    wrong = []
    for (a, x), (b, y) in combinations(measured, 2):
        same = any(a.id.rsplit("-", 1)[0] == b.id.rsplit("-", 1)[0] == ladder for ladder in LADDERS)
        apart = max(a.measured_us, b.measured_us) > 1.05 * min(a.measured_us, b.measured_us)
        if same and apart and (a.measured_us < b.measured_us) != (x < y):
            wrong.append(f"{a.id} and {b.id}")
    return wrong


def mean_error(all_found: Iterable[Found], of: Callable[[Found], float] = lambda each: each.error) -> str:
    """Mean and median absolute error, and of how many rows."""
    errors = sorted(abs(of(each)) for each in all_found)
    if not errors:
        return "no rows"
    middle = (errors[(len(errors) - 1) // 2] + errors[len(errors) // 2]) / 2
    return f"{sum(errors) / len(errors):.1%} mean, {middle:.1%} median of {len(errors)}"


def _rows_table(all_found: list[Found]) -> Table:
    table = Table("row", "use", "measured us", "predicted us", "error", "without launch", "bound")
    for each in all_found:
        without = f"{each.error_without_launch:+.1%}" if each.launch_us else ""
        numbers = (f"{each.row.measured_us:,.1f}", f"{each.predicted_us:,.1f}", f"{each.error:+.1%}", without)
        table.add_row(each.row.id, each.row.use, *numbers, each.bound)
    return table


def _means_table(all_found: list[Found]) -> Table:
    table = Table("absolute error", "fit", "report")
    launched = [each for each in all_found if each.launch_us]

    def add(name: str, some: list[Found], of: Callable[[Found], float] = lambda each: each.error) -> None:
        table.add_row(name, *(mean_error([each for each in some if each.row.use == use], of) for use in ("fit", "report")))

    add("all", all_found)
    add("measured with launch", launched)
    add("measured with launch, launch left out", launched, lambda each: each.error_without_launch)
    add("measured without launch", [each for each in all_found if not each.launch_us])
    for chip in dict.fromkeys(each.row.chip for each in all_found):
        add(chip, [each for each in all_found if each.row.chip == chip])
    for bound in dict.fromkeys(each.bound for each in all_found):
        add(f"bound: {bound}", [each for each in all_found if each.bound == bound])
    return table


def main() -> None:
    """Prints every row, the mean errors, and the pairs out of order."""
    all_found = [found(row) for row in rows()]
    console = Console(width=140)
    console.print(_rows_table(all_found))
    console.print(_means_table(all_found))
    wrong = misordered([(each.row, each.predicted_us) for each in all_found])
    console.print(f"variants over 5 % apart in the wrong order: {'; '.join(wrong) if wrong else 'none'}")


if __name__ == "__main__":
    main()
