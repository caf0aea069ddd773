"""The page of every kind of mistake: what it means, and an example of it wrong and right."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from .errors import UsageError
from .report import nearest

PAGES = Path(__file__).with_name("explanations.toml")


@dataclass(frozen=True, slots=True)
class Explanation:
    """One kind of mistake."""

    title: str
    text: str
    wrong: str
    """A whole file that has this mistake and no other."""
    right: str
    """A file without mistakes."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Other files beside it, by name without `.tk`."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """The sizes at which the mistake shows; empty if it does at once."""
    also: tuple[str, ...] = ()
    """Codes that are reported with it."""
    sketch: bool = False
    """Whether `wrong` is too long to be written out."""
    chip: str = ""
    """The chip on which the mistake shows, by name or file; empty for a mistake in the text itself."""
    config: Mapping[str, int | str] = field(default_factory=dict)
    """The configuration with which it shows; empty: the one that is chosen untuned."""

    @property
    def where(self) -> str:
        """Where a mistake of a chip shows, as a line; empty for a mistake in the text itself."""
        if not self.chip:
            return ""
        words = " ".join(f"{name}={size}" for name, size in self.sizes.items())
        choices = "".join(f" --set {name}={value}" for name, value in self.config.items())
        return f"With `{words} --chip {self.chip}{choices}`:\n\n"


def read_pages(path: Path) -> Mapping[str, Explanation]:
    """The pages of a file by their codes, in order."""
    pages: dict[str, dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return {code: Explanation(**{**page, "also": tuple(page.get("also", ()))}) for code, page in pages.items()}


@cache
def explanations() -> Mapping[str, Explanation]:
    """Every page of the language by its code, in order."""
    return read_pages(PAGES)


def explain_error(code: str, others: Mapping[str, Explanation] | None = None) -> str:
    """The page of a code of the language, or of `others`, as Markdown; `UsageError` if there is no such code."""
    pages = {**explanations(), **(others or {})}
    found = pages.get(code.strip().upper())
    if found is None:
        near = nearest(code.upper(), pages)
        raise UsageError(f"there is no error `{code}`; " + (f"did you mean `{near}`?" if near else "they run from TK101"))
    beside = "".join(f"\nbeside `{name}.tk`:\n\n```tk\n{text.strip()}\n```\n" for name, text in found.files.items())
    return (
        f"# {code.strip().upper()}: {found.title}\n\n{found.text}\n\n"
        f"## Wrong\n\n{found.where}```tk\n{found.wrong.strip(chr(10))}\n```\n{beside}\n"
        f"## Right\n\n```tk\n{found.right.strip(chr(10))}\n```\n"
    )
