"""Texts to begin with: every kernel that there is, and every example of the docs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tilery.dsl import KernelDefinition, SourceErrors, UsageError, parse

from .torment import ROOT

FOLDERS = ("kernels", "tests/kernels", "tests/dsl/errors", "examples")


@cache
def texts() -> tuple[str, ...]:
    """All of them, right and wrong."""
    files = [each for folder in FOLDERS for each in sorted((ROOT / folder).glob("**/*.tk"))]
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    examples = [each for page in pages for each in blocks(page)]
    return tuple([each.read_text(encoding="utf-8") for each in files] + examples)


def blocks(page: Path) -> list[str]:
    """The kernels of a page of docs."""
    found = re.findall(r"^```\w*\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [each for each in found if re.search(r"^(kernel|fn) ", each, re.MULTILINE)]


@cache
def words() -> tuple[str, ...]:
    """The words of all texts."""
    return tuple(sorted({word for text in texts() for word in text.split()}))


@cache
def kernel_files() -> tuple[Path, ...]:
    """Files with kernels that are right."""
    return tuple(each for folder in FOLDERS[:2] for each in sorted((ROOT / folder).rglob("*.tk")))


@cache
def definitions() -> tuple[tuple[str, KernelDefinition], ...]:
    """Every kernel that is right, with its text."""
    found = []
    for text in texts():
        try:
            found += [(text, each) for each in parse(text).kernels.values()]
        except (SourceErrors, UsageError):
            continue
    return tuple(found)
