"""Writes entries to a results file, one after the other, until it is killed: `writes FILE ENTRY FIRST`.

Prints a line for each that is written: what has been promised to be there from then on.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import msgspec

from tilery.tuner.results.entry import Entry
from tilery.tuner.results.store import TunedFile


def main(path: str, model: str, first: str) -> None:
    """Entries of M = first, first + 2, ..."""
    entry = msgspec.json.decode(Path(model).read_bytes(), type=Entry)
    for m in itertools.count(int(first), 2):
        key = msgspec.structs.replace(entry.key, dims={"M": m, "N": 64})
        TunedFile(path).write(msgspec.structs.replace(entry, key=key))
        print(m, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
