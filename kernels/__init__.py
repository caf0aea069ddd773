"""The shipped kernels: `from tilery.kernels import matmul`. Each is read from its `.tk` file when it is first used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilery.kernel import Kernel

_HERE = Path(__file__).parent


def __getattr__(name: str) -> Kernel:
    path = _HERE / f"{name}.tk"
    if name.startswith("_") or not os.path.isfile(path):  # noqa: PTH113 -- false, not an error, for a name too long
        raise AttributeError(f"there is no shipped kernel {name!r}; there are {', '.join(_names())}")
    from tilery.kernel import Kernel

    kernel = Kernel(path, name)
    globals()[name] = kernel
    return kernel


def __dir__() -> list[str]:
    return _names()


def _names() -> list[str]:
    return sorted(path.stem for path in _HERE.glob("*.tk"))
