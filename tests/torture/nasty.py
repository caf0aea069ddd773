"""Values that nobody expects."""

from __future__ import annotations

import os
import random
import stat
from contextlib import suppress
from pathlib import Path

NUMBERS = [
    "0", "-0", "-1", "1", "2", "3", "0.5", "-0.5", "1e-308", "5e-324", "1e308", "1e400", "inf", "-inf", "nan", "-nan",
    "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551616",
    "10000000000000000000", "1e19", "1_000", "0x10", "0b1", "١٢", "1.", ".5", "+5", " 7", "7 ", "1e", "--1", "1/3", "9" * 5000,
]  # fmt: skip
"""As a user may type them."""

WORDS = [
    "", " ", "x", "None", "true", "True", "bf16", "f32", "f8e4m3", "i8", "fp16", "T", "M", "\x1b[31mred", "\u202eabc", "é",
    "😀", "a" * 10_000, "../x", "null", "%s", "{}", "{0.__class__}", "$(id)", "`id`", "'", '"', "\\", "\n", "-", "--", "-x",
    "*2", "=", "a=b", "1,2", "null",
]  # fmt: skip


def number(choose: random.Random) -> str:
    """A number, or what looks like one."""
    return choose.choice(NUMBERS) if choose.random() < 0.8 else str(choose.randint(-(2**70), 2**70))


def word(choose: random.Random) -> str:
    """A word or a number."""
    return number(choose) if choose.random() < 0.6 else choose.choice(WORDS)


def size(choose: random.Random) -> str:
    """A dimension: mostly one that works, small, or beyond all measure."""
    if choose.random() < 0.6:
        return str(choose.choice([1, 2, 3, choose.randint(1, 300)]))
    return choose.choice([number(choose), "0", "-1", str(10**19), str(10 ** choose.randint(9, 40))])


def json_value(choose: random.Random) -> object:
    """Anything that JSON can say."""
    return choose.choice(
        [
            None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 0.5, -0.5, 1e308, 5e-324, "",
            "x", "\x1b[2J", "\u202e", "9" * 5000, "a" * 10_000, [], {}, [[]], {"": {}}, [None], {"x": -1}, [1, 2], 10**400,
        ]
    )  # fmt: skip


def devices(folder: Path) -> None:
    """`null` and `full` in a folder: devices that may come to harm, where this user may make any."""
    for name, minor in (("null", 3), ("full", 7)):
        with suppress(PermissionError):
            os.mknod(folder / name, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
    with suppress(OSError):
        os.mkfifo(folder / "fifo")
