"""`tilery calibrate`: a chip's constants from a table of measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .shared.parameters import debug_option, json_option, options

if TYPE_CHECKING:
    from tilery.tuner.calibration import Calibration


@click.command(epilog="\b\nExample:\n  tilery calibrate trn2 measured.csv -o mine.toml")
@click.argument("chip", metavar="CHIP|FILE.toml")
@click.argument("measured", metavar="MEASURED.csv")
@options(json_option, debug_option)
@click.option("-o", "--output", required=True, metavar="NEW.toml", help="Write the calibrated chip there.")
@click.option("--move", "names", multiple=True, metavar="SECTION.FIELD", help="Only this constant may move; may be given again.")
@click.option("--factor", type=float, default=4.0, show_default=True, help="By what factor a constant moves at most.")
@click.option("--launch", is_flag=True, help="The measurements include what starting a kernel takes.")
def calibrate(chip: str, measured: str, as_json: bool, output: str, names: tuple[str, ...], factor: float, launch: bool) -> None:
    """A chip's constants from measurements of your own."""
    from pathlib import Path

    from tilery.backends.chips import load_chip
    from tilery.backends.families import family_of
    from tilery.dsl.errors import UsageError
    from tilery.pages.calibration_page import figures, print_calibration
    from tilery.pages.console import console, print_json
    from tilery.tuner.calibration import CalibrationOptions, Problem
    from tilery.tuner.calibration import calibrate as found_by
    from tilery.tuner.calibration.problem import value_of

    from .calibrating.rows import measurements

    asked = CalibrationOptions(names=names, launch=launch, factor=factor)
    asked.check()
    known_chip = load_chip(chip)
    if launch:
        _ = known_chip.launch_us  # refused where the chip has none
    constants = (*family_of(known_chip).calibrated, *(("launch.us",) if launch else ()))
    free = asked.free([name for name in constants if value_of(known_chip, name) > 0])
    table = Path(measured)
    if not output.endswith(".toml"):
        raise UsageError(f"-o {output}: a chip file's name ends in .toml")
    runs = measurements(table, chip)
    asked.check_number(len(runs))
    found = found_by(Problem(known_chip, runs, free, launch, factor), asked)
    said = _write(chip, output, table, found, len(runs)) if found.moved else ""
    if as_json:
        print_json({**figures(found), "output": output if said else None})
    else:
        print_calibration(console(), known_chip, found, output if said else None)


def _write(chip: str, output: str, table: object, found: Calibration, runs: int) -> str:
    """Writes the new chip file; what its sources say."""
    from datetime import date
    from pathlib import Path

    from tilery.backends.chips import chip_text
    from tilery.writing import writing

    from .calibrating.chip_text import with_numbers

    said = f"calibrated with tilery on {runs} measurements of {table}, {date.today().isoformat()}"
    text = with_numbers(chip_text(chip), {each.name: each.after for each in found.moved}, said, chip)
    with writing(output):
        Path(output).write_text(text, encoding="utf-8")
    return said
