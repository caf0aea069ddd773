"""Text of files and users as a terminal may be given it: what would steer the terminal is shown instead of obeyed."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

REPLACEMENT = "�"
KEPT = frozenset("\n\t\u200c\u200d")
"""Line breaks and tabs, and the joiners that some scripts are written with."""
STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of controls, of format characters (those that turn the direction of writing among them), of halves of
characters, and of separators that break lines."""


def visible(text: str) -> str:
    """`text` with every character that steers a terminal replaced by one that is seen, so that columns stay what they are.

    An escape becomes `␛`, a carriage return `␍`; what has no picture of its own becomes `�`.
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def steers(character: str) -> bool:
    """Whether a terminal may act on a character instead of showing it."""
    return character not in KEPT and unicodedata.category(character) in STEERING


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    if not steers(character):
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode's pictures of the controls stand in their order
    return "␡" if code == 0x7F else REPLACEMENT
