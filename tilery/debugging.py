"""The debugger at a line of a kernel: Python's own, showing the text of the kernel, with its tiles as numpy arrays."""

from __future__ import annotations

from pathlib import Path
from pdb import Pdb
from typing import Any

import numpy as np

from .backends.emulator import Names, Stop


def debugger_at(path: Path, line: int) -> Stop:
    """Stops after the line each time. `c` goes on to the next time, `q` to the end; `s * 2` computes with a tile."""
    # A program that does nothing, in the place of the line, so that the debugger shows the kernel's text.
    place = compile("\n" * (line - 1) + "pass", str(path), "exec")
    finished = False

    def act(names: Names) -> None:
        nonlocal finished
        if finished:
            return
        debugger = Pdb(nosigint=True, readrc=False)
        debugger.prompt = f"({path.stem}:{line}) "
        namespace: dict[str, Any] = {"np": np, **names}
        debugger.run(place, namespace)
        finished = bool(getattr(debugger, "quitting", False))

    return Stop(line, act)
