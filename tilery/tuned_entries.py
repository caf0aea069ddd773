"""The tuned entries of a folder: which are valid, which are stale and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tilery.dsl.looking import exists, is_file, is_folder

from . import dsl
from .dsl.errors import TileryError, UsageError
from .pages.console import echo, microseconds
from .pipeline import Pipeline
from .request import Given
from .tuner.options import Options
from .tuner.results.entry import Entry, prints_of
from .tuner.results.store import ResultsError, TunedFile


@dataclass(frozen=True, slots=True)
class Row:
    """One entry and its state."""

    file: Path
    """The results file."""
    entry: Entry
    stale: str
    """Why the entry is stale; empty if it is not."""
    pipeline: Pipeline | None
    """The kernel at the entry's shape; None if it no longer accepts it."""


def rows_below(place: Path) -> Iterator[Row]:
    """Every entry below a folder, or of one file."""
    if not exists(place):
        raise UsageError(f"there is no file or folder {place}")
    files = sorted(place.rglob("*.tuned.json")) if is_folder(place) else [place]
    for file in files:
        path = file.with_name(file.name.removesuffix(".tuned.json").removesuffix(".tk") + ".tk")
        results = file if file.name.endswith(".tuned.json") else TunedFile.beside(path).path
        module = _module(path)
        for entry in _read(TunedFile(results)):
            yield _row(results, entry, module)


def _read(results: TunedFile) -> list[Entry]:
    """The entries of a file. For a file that cannot be read, none, and an error is printed: the folder may hold others."""
    try:
        return results.read()
    except ResultsError as error:
        echo(f"error: {error}", error=True)
        return []


def _module(path: Path) -> dsl.Module | str:
    """The kernels of a results file, or why there are none."""
    if not is_file(path):
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


def retuned(row: Row, budget_s: float) -> bool:
    """Tunes an entry again. If that fails, prints the reason and returns False."""
    if row.pipeline is None:
        echo(f"not retuned: {row.entry.key}: {row.stale}", error=True)
        return False
    if row.entry.measured:
        echo(f"not retuned: {row.entry.key}: it was measured; `tilery autotune --measure` measures it anew", error=True)
        return False
    entry = row.entry
    result = row.pipeline.tune(Options(budget_s=budget_s, objective=entry.objective, max_error=entry.max_error_allowed))
    row.pipeline.save(result)
    echo(f"retuned: {row.entry.key}: {microseconds(result.latency_us)}", error=True)
    if result.stop == "interrupted":
        raise KeyboardInterrupt  # this entry's result is kept; the others are not started
    return True


def remove(stale: Sequence[Row]) -> None:
    """Removes entries from their files."""
    for file in dict.fromkeys(row.file for row in stale):
        gone = [row.entry for row in stale if row.file == file]
        TunedFile(file).remove(gone)
        echo(f"removed from {file}: {', '.join(str(each.key) for each in gone)}", error=True)
