"""The results file beside a kernel, `matmul.tk` -> `matmul.tuned.json`: read with care, written whole or not at all.

Two tuners on one file lose nothing: each writes under a lock, onto what the other wrote, through a file that is renamed
into place. One entry that is wrong is left out and its text kept; a file that cannot be understood is never written over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from tilery.dsl import fingerprint
from tilery.dsl.program import Program

from ..space.tile_choices import missing_sizes
from . import disk
from .contents import FORMAT, Bad, Contents, contents_of
from .entry import Entry
from .errors import ResultsError
from .json_text import text_of

__all__ = ["ResultsError", "TunedFile"]

log = logging.getLogger("tilery")

MEND = "mend it, or tune the same again"

_told: set[tuple[Path, str]] = set()
"""What has been said of results files: once is enough."""


class TunedFile:
    """The tuned entries of one `.tk` file."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @classmethod
    def beside(cls, source: str | Path) -> TunedFile:
        """The results file of `source`, whether it exists or not."""
        return cls(Path(source).with_suffix(".tuned.json"))

    def read(self) -> list[Entry]:
        """Every entry that holds; none if there is no file. What is wrong in it is said once, through the logger `tilery`.

        `ResultsError` if nothing in it can be read, or it is of a newer tilery.
        """
        contents = self._contents()
        if contents.damage and not contents.entries:
            raise ResultsError(self._damaged(contents.damage))
        if contents.damage:
            self._tell(f"{self._damaged(contents.damage)}; until then {_count(contents.entries)} that can be read will do")
        for each in contents.bad:
            self._tell(f"{self.path}: {each.title} is left out: {each.problem}\nhelp: {MEND}")
        return list(contents.entries)

    def read_for(self, kernel: Program) -> list[Entry]:
        """The same, but for those of this very kernel, specialised, that lack the size of one of its tiles."""
        entries, now = self.read(), fingerprint(kernel)
        return [each for each in entries if each.prints.program != now or self._sized(kernel, each)]

    def _sized(self, kernel: Program, entry: Entry) -> bool:
        missing = missing_sizes(kernel, entry.config)
        if missing:
            names = " and ".join(missing)
            self._tell(f"{self.path}: the entry {entry.key} is left out: it has no size for {names}\nhelp: {MEND}")
        return not missing

    def check(self) -> None:
        """`ResultsError` if the file is there and cannot be added to: said before a search, not after it."""
        self._understood()

    def write(self, entry: Entry) -> None:
        """Adds an entry, or replaces the one of the same key and objective; every other entry stays as it is."""
        name = (entry.key, entry.objective)
        self._change(
            lambda entries: [*(each for each in entries if (each.key, each.objective) != name), entry],
            lambda bad: [each for each in bad if each.name != name],
        )

    def remove(self, gone: Sequence[Entry]) -> None:
        """Takes entries out; one that another tuner has replaced meanwhile stays."""
        self._change(lambda entries: [each for each in entries if each not in gone], list)

    def _change(self, entries: Callable[[Sequence[Entry]], list[Entry]], bad: Callable[[Sequence[Bad]], list[Bad]]) -> None:
        self._understood()  # first: no lock is put beside what will not be written
        with disk.writing(self.path) as target:
            now = self._understood()
            disk.replace(target, self._checked(entries(now.entries), bad(now.bad)))

    def _checked(self, entries: Sequence[Entry], bad: Sequence[Bad]) -> bytes:
        """The text, once it has been read back: what nobody could read must not replace what everybody can."""
        text = text_of(entries, bad)
        back = contents_of(text)
        for each in back.bad[: len(back.bad) - len(bad)]:
            raise ResultsError(f"{self.path}: nothing was written, because {each.title} could not be read again: {each.problem}")
        if back.damage or len(back.entries) != len(entries) or any(each not in entries for each in back.entries):
            raise ResultsError(f"{self.path}: nothing was written, because it could not be read again: {back.damage}")
        return text

    def _contents(self) -> Contents:
        text = disk.read(self.path)
        contents = Contents() if text is None else contents_of(text)
        if contents.newer is not None:
            raise ResultsError(
                f"{self.path}: written by a newer tilery (format {contents.newer}, this one knows {FORMAT})\n"
                "help: upgrade tilery, or name another file with --output FILE"
            )
        return contents

    def _understood(self) -> Contents:
        contents = self._contents()
        if contents.damage:
            raise ResultsError(self._damaged(contents.damage))
        return contents

    def _damaged(self, damage: str) -> str:
        return (
            f"{self.path}: damaged: {damage}\n"
            "help: mend it or take it back from version control; or move it away, and `tilery autotune` writes a new one"
        )

    def _tell(self, message: str) -> None:
        if (self.path, message) not in _told:
            _told.add((self.path, message))
            log.warning(message)


def _count(entries: Sequence[Entry]) -> str:
    return "the one entry" if len(entries) == 1 else f"the {len(entries)} entries"
