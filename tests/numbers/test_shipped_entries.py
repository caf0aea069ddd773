"""What the shipped results files say is what the model says: a change of the model tunes them again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.dsl import load
from tilery.dsl.types import ELEMENT_TYPES
from tilery.tuner.results.entry import Entry
from tilery.tuner.results.store import TunedFile

FOLDER = Path(__file__).parents[2] / "kernels"
ENTRIES = [(path, entry) for path in sorted(FOLDER.glob("*.tk")) for entry in TunedFile.beside(path).read()]


def test_every_shipped_kernel_has_entries() -> None:
    assert {path.stem for path, _ in ENTRIES} == {path.stem for path in FOLDER.glob("*.tk")}


@pytest.mark.parametrize(("path", "entry"), ENTRIES, ids=[f"{path.stem}-{entry.key.chip}" for path, entry in ENTRIES])
def test_a_shipped_entry_takes_as_long_as_it_says(path: Path, entry: Entry) -> None:
    types = {name: ELEMENT_TYPES[element] for name, element in entry.key.types.items()}
    kernel = load(path).kernels[entry.key.kernel].specialise(types, dict(entry.key.constants))
    chip = load_chip(entry.key.chip)
    found = engine.simulate(engine.lower(kernel, entry.key.dims, chip, entry.config))
    assert found.latency_us == pytest.approx(entry.latency_us, rel=1e-6)
    assert found.peak_share == pytest.approx(entry.peak_share, rel=1e-6)
    for other in entry.runners_up:
        again = engine.simulate(engine.lower(kernel, entry.key.dims, chip, other.config))
        assert again.latency_us == pytest.approx(other.latency_us, rel=1e-6)
