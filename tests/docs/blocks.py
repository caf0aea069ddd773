"""The fenced blocks of the README and of docs/*.md.

A comment directly above a block, which no reader sees, says what is done with it:

- `<!-- not run: the reason -->`;
- `<!-- file: mykernels/blend.tk -->`: what the text around it tells the reader to save under that name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN = ("python", "sh")
"""The languages of blocks that a reader runs."""

_BLOCK = re.compile(r"(?:^<!-- (?P<comment>[^\n]*) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    """Where in the page its text begins, counted from 1."""
    language: str
    text: str
    comment: str
    """What the comment directly above it says; empty if there is none."""

    @property
    def not_run(self) -> str:
        """The reason why nobody runs it; empty if it is run."""
        return self._noted("not run")

    @property
    def file(self) -> str:
        """The name under which a reader saves it; empty if he does not."""
        return self._noted("file")

    @property
    def followed(self) -> bool:
        """Whether a reader does something with it: runs it, or saves it."""
        return not self.not_run and (bool(self.file) or self.language in RUN)

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    def _noted(self, key: str) -> str:
        found, _, rest = self.comment.partition(": ")
        return rest if found == key else ""


def blocks_of(page: Path, *languages: str) -> list[Block]:
    """The blocks of a page, of some languages or of all, in order."""
    text = page.read_text(encoding="utf-8")
    found = [
        Block(page, text.count("\n", 0, match.start("text")) + 1, match["language"], match["text"], match["comment"] or "")
        for match in _BLOCK.finditer(text)
    ]
    return [each for each in found if not languages or each.language in languages]
