"""Broken texts until it is stopped: `python tests/dsl/fuzz_forever.py [SECONDS]`.

Each text is one of the kernels with pieces cut out, put in, doubled or exchanged, or any characters at all. It ends with exit
code 1, and leaves the text in `fuzz-failure.tk`, if anything but a mistake of the text is raised or a text takes too long.
"""

from __future__ import annotations

import random
import sys
import time
import traceback
from pathlib import Path

from tilery.dsl import SourceErrors, UsageError, check_requirements, fingerprint, parse
from tilery.dsl.formatter import format_text
from tilery.dsl.types import ELEMENT_TYPES

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "kernels", ROOT / "tests" / "kernels", ROOT / "tests" / "dsl" / "errors")
SLOWEST_S = 5.0
SIGNS = [
    *"()[]{}:,=+-*/@%<>!.#\"'\\\t\n \x00",
    "**",
    "//",
    "->",
    "..",
    "+=",
    "\n    ",
    "99999999999",
    "1e400",
    "e",
    "\u00e9",
]


def check(text: str, choose: random.Random) -> None:
    """Everything that reads a text; raises whatever is not a mistake of the text."""
    try:
        tidy = format_text(text)
        assert format_text(tidy) == tidy, "the formatter is not idempotent"
    except SourceErrors as error:
        assert str(error)
    try:
        for each in parse(text).kernels.values():
            types = {name: choose.choice(list(ELEMENT_TYPES.values())) for name in each.signature.type_variables}
            constants = {one.name: one.kind == "bool" or choose.randint(0, 9) for one in each.signature.constants}
            kernel = each.specialise(types, constants)
            fingerprint(kernel)
            check_requirements(kernel, {name: choose.randint(1, 9) for name in kernel.signature.dimensions})
    except (SourceErrors, UsageError) as error:
        assert str(error)


def broken(texts: list[str], words: list[str], choose: random.Random) -> str:
    """A text that is probably wrong."""
    if choose.random() < 0.05:
        return "".join(choose.choices(SIGNS + words, k=choose.randint(0, 200)))
    text = choose.choice(texts)
    for _ in range(choose.randint(1, 6)):
        at, size = choose.randrange(len(text) + 1), choose.choice((0, 0, 1, 3, 10, 40))
        other = choose.choice(texts)
        start = choose.randrange(len(other) + 1)
        piece = choose.choice(
            (choose.choice(SIGNS), choose.choice(words), other[start : start + size], text[at : at + size] * 2, "")
        )
        text = text[:at] + piece + text[at + size :]
    return text


def main(seconds: float) -> int:
    """0 once the time is over, 1 after a failure."""
    texts = [each.read_text(encoding="utf-8") for folder in FOLDERS for each in sorted(folder.glob("*.tk"))]
    words = sorted({word for text in texts for word in text.split()})
    seed = random.randrange(2**32)
    choose = random.Random(seed)
    start, count = time.monotonic(), 0
    print(f"seed {seed}")
    while time.monotonic() - start < seconds:
        text = broken(texts, words, choose)
        began = time.monotonic()
        try:
            check(text, choose)
        except Exception:
            traceback.print_exc()
        else:
            if time.monotonic() - began < SLOWEST_S:
                count += 1
                continue
        Path("fuzz-failure.tk").write_text(text, encoding="utf-8")
        print(f"text {count} failed or took {time.monotonic() - began:.1f} s; it is in fuzz-failure.tk")
        return 1
    print(f"{count} texts, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else float("inf")))
