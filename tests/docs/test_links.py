"""Links of the README and of docs/*.md lead to files and headings that exist, and every page can be found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .blocks import PAGES, ROOT

LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")


def prose(page: Path) -> str:
    """A page without its blocks and code, in which brackets mean something else."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE))


def links(page: Path) -> list[tuple[Path, str]]:
    """The files and headings that a page leads to."""
    return [((page.parent / name).resolve() if name else page, heading or "") for name, heading in LINK.findall(prose(page))]


def anchors(page: Path) -> set[str]:
    """The headings of a page, as a link names them: small letters, digits, and `-` for blanks."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, heading in links(page):
        assert target.exists(), f"{page.name} leads to {target}, which is not there"
        assert not heading or heading in anchors(target), f"{page.name} leads to `{heading}` of {target.name}, which is not there"


def test_the_readme_leads_to_every_page() -> None:
    assert {target for target, _ in links(ROOT / "README.md")} >= {*PAGES[1:]}
