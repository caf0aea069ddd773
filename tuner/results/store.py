"""The results file beside a kernel, `matmul.tk` -> `matmul.tuned.json`.

It is written whole or not at all. Two tuners on one file lose nothing: each locks it, reads what the other wrote, adds its
entry to that, and renames a new file into place. An invalid entry is skipped and its text kept. A file that cannot be read is
never overwritten.
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
"""Warnings about results files that were logged already; each is logged once."""


class TunedFile:
    """The tuned entries of one `.tk` file."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @classmethod
    def beside(cls, source: str | Path) -> TunedFile:
        """The results file of the kernel file `source`; it need not exist."""
        return cls(Path(source).with_suffix(".tuned.json"))

    def read(self) -> list[Entry]:
        """Every valid entry; none if there is no file. What is invalid is logged once, by the logger `tilery`. Raises
        `ResultsError` if nothing can be read, or if a newer tilery wrote the file."""
        contents = self._contents()
        if contents.damage and not contents.entries:
            raise ResultsError(self._damaged(contents.damage))
        if contents.damage:
            self._tell(f"{self._damaged(contents.damage)}; until then {_count(contents.entries)} that can be read will do")
        for each in contents.bad:
            self._tell(f"{self.path}: {each.title} is left out: {each.problem}\nhelp: {MEND}")
        return list(contents.entries)

    def read_for(self, kernel: Program) -> list[Entry]:
        """The same without entries of this specialised kernel that lack one of its tile sizes."""
        entries, now = self.read(), fingerprint(kernel)
        return [each for each in entries if each.prints.program != now or self._sized(kernel, each)]

    def _sized(self, kernel: Program, entry: Entry) -> bool:
        missing = missing_sizes(kernel, entry.config)
        if missing:
            names = " and ".join(missing)
            self._tell(f"{self.path}: the entry {entry.key} is left out: it has no size for {names}\nhelp: {MEND}")
        return not missing

    def check(self) -> None:
        """Raises `ResultsError` if the file exists and cannot be added to. Called before a search, so that no search is lost."""
        self._understood()

    def write(self, entry: Entry) -> None:
        """Adds an entry, or replaces the one with the same key and objective. All other entries stay unchanged."""
        name = (entry.key, entry.objective)
        self._change(
            lambda entries: [*(each for each in entries if (each.key, each.objective) != name), entry],
            lambda bad: [each for each in bad if each.name != name],
        )

    def remove(self, gone: Sequence[Entry]) -> None:
        """Removes entries, but not one that another tuner has replaced meanwhile."""
        self._change(lambda entries: [each for each in entries if each not in gone], list)

    def _change(self, entries: Callable[[Sequence[Entry]], list[Entry]], bad: Callable[[Sequence[Bad]], list[Bad]]) -> None:
        self._understood()  # first, so that no lock file is made for a file that will not be written
        with disk.writing(self.path) as target:
            now = self._understood()
            disk.replace(target, self._checked(entries(now.entries), bad(now.bad)))

    def _checked(self, entries: Sequence[Entry], bad: Sequence[Bad]) -> bytes:
        """The text, after reading it back: an unreadable text must not replace a readable file."""
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
