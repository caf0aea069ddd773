"""`tilery tuned`: what has been tuned in a folder, and what of it no longer holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from tilery import dsl
from tilery.dsl.errors import TileryError, UsageError
from tilery.dsl.visible import visible
from tilery.pages.console import echo, microseconds, print_json
from tilery.pages.front_page import figure_text
from tilery.pipeline import Pipeline
from tilery.request import Given
from tilery.tuner.results.entry import Entry, prints_of
from tilery.tuner.results.store import ResultsError, TunedFile

from .shared.duration import seconds


@dataclass(frozen=True, slots=True)
class Row:
    """One entry and what has become of it."""

    file: Path
    """The results file."""
    entry: Entry
    stale: str
    """Why the entry is not used any more; empty if it is."""
    pipeline: Pipeline | None
    """The kernel at the entry's shape, where it still takes it."""


def tuned(folder: str, prune: bool, retune: bool, budget: str, as_json: bool) -> None:
    """Lists the entries below a folder, or of one file; removes the stale ones or tunes them anew."""
    limit_s = seconds(budget)
    rows = list(_rows(Path(folder)))
    if as_json:
        print_json([_plain(row) for row in rows])
    else:
        _print(rows)
    stale = [row for row in rows if row.stale]
    if retune:
        stale = [row for row in stale if not _retuned(row, limit_s)]
    if prune:
        _prune(stale)
    elif stale and not (retune or as_json):
        echo(f"{len(stale)} of {len(rows)} stale: `--retune` tunes them anew, `--prune` removes them", error=True)


def _rows(place: Path) -> Iterator[Row]:
    if not place.exists():
        raise UsageError(f"there is no file or folder {place}")
    files = sorted(place.rglob("*.tuned.json")) if place.is_dir() else [place]
    for file in files:
        path = file.with_name(file.name.removesuffix(".tuned.json").removesuffix(".tk") + ".tk")
        results = file if file.name.endswith(".tuned.json") else TunedFile.beside(path).path
        module = _module(path)
        for entry in _read(TunedFile(results)):
            yield _row(results, entry, module)


def _read(results: TunedFile) -> list[Entry]:
    """Its entries; of one that cannot be read none, with a word: there may be others in the folder."""
    try:
        return results.read()
    except ResultsError as error:
        echo(f"error: {error}", error=True)
        return []


def _module(path: Path) -> dsl.Module | str:
    """The kernels of a results file, or why there are none."""
    if not path.is_file():
        return f"there is no {path.name}"
    try:
        return dsl.load(path)
    except TileryError:
        return f"{path.name} has mistakes"


def _row(file: Path, entry: Entry, module: dsl.Module | str) -> Row:
    if isinstance(module, str):
        return Row(file, entry, module, None)
    if entry.key.kernel not in module.kernels:
        return Row(file, entry, f"there is no kernel {entry.key.kernel}", None)
    given: Mapping[str, Given] = {**entry.key.dims, **entry.key.types, **entry.key.constants}
    pipeline = Pipeline(module.kernels[entry.key.kernel], given, entry.key.chip, TunedFile(file), cores=entry.key.cores)
    try:
        now = prints_of(pipeline.program, pipeline.chip)
    except TileryError as error:
        return Row(file, entry, str(error).splitlines()[0], None)
    if now.program != entry.prints.program:
        return Row(file, entry, "the kernel has changed", pipeline)
    if now.chip != entry.prints.chip:
        return Row(file, entry, "the chip has changed", pipeline)
    return Row(file, entry, "", pipeline)


def _print(rows: list[Row]) -> None:
    """A line an entry, however long: it names what `autotune` takes, and is made to be copied."""
    for file in dict.fromkeys(row.file for row in rows):
        click.secho(visible(str(file)), bold=True)
        for row in (each for each in rows if each.file == file):
            state = click.style(visible(f"stale: {row.stale}"), "yellow") if row.stale else click.style("fine", "green")
            click.echo(visible(f"  {row.entry.key}  {_figures(row.entry)}  ") + state)
    if not rows:
        echo("nothing has been tuned here")


def _figures(entry: Entry) -> str:
    """The latency and the gain over the default: the measured ones, where there are any."""
    found = entry.measured or entry
    gain = f", {found.default_latency_us / found.latency_us:.2f}x the default" if found.default_latency_us else ""
    return f"{microseconds(found.latency_us)}{' measured' if entry.measured else ''}{gain}{_objective(entry)}"


def _objective(entry: Entry) -> str:
    """What it was tuned for, where that is not the latency alone."""
    if not entry.values:
        return ""
    values = ", ".join(figure_text(name, value) for name, value in entry.values.items() if name != "latency_us")
    front = f", a front of {len(entry.front)}" if entry.front else ""
    return f"; for {entry.objective}: {values}{front}"


def _plain(row: Row) -> dict[str, object]:
    entry = row.entry
    return {
        "file": str(row.file),
        "entry": str(entry.key),
        "objective": entry.objective,
        "latency_us": entry.latency_us,
        "measured": entry.measured,
        "stale": row.stale,
    }


def _retuned(row: Row, budget_s: float) -> bool:
    """Tunes an entry anew; False, with a word, where that cannot be done."""
    if row.pipeline is None:
        echo(f"not retuned: {row.entry.key}: {row.stale}", error=True)
        return False
    if row.entry.measured:
        echo(f"not retuned: {row.entry.key}: it was measured; `tilery autotune --measure` measures it anew", error=True)
        return False
    result = row.pipeline.tune(budget_s=budget_s, objective=row.entry.objective, max_error=row.entry.max_error_allowed)
    row.pipeline.save(result)
    echo(f"retuned: {row.entry.key}: {microseconds(result.latency_us)}", error=True)
    if result.stop == "interrupted":
        raise KeyboardInterrupt  # what was found for this entry is kept; the others are not begun
    return True


def _prune(stale: list[Row]) -> None:
    for file in dict.fromkeys(row.file for row in stale):
        gone = [row.entry for row in stale if row.file == file]
        TunedFile(file).remove(gone)
        echo(f"removed from {file}: {', '.join(str(each.key) for each in gone)}", error=True)
