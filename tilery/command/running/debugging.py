"""Python's debugger at a line of a kernel: it shows the kernel's text, and its tiles as numpy arrays."""

from __future__ import annotations

from pathlib import Path
from pdb import Pdb
from typing import Any

import numpy as np

from tilery.backends.emulator import Names, Stop


class Debugger(Pdb):
    """Python's debugger, which records whether the user has quit it."""

    left = False

    def do_quit(self, arg: str) -> bool | None:
        """Leaves it."""
        self.left = True
        return super().do_quit(arg)

    do_q = do_exit = do_EOF = do_quit


def debugger_at(path: Path, line: int) -> Stop:
    """Stops after the line each time. `c` goes on to the next time, `q` to the end; `s * 2` computes with a tile."""
    # A program that does nothing, in the place of the line, so that the debugger shows the kernel's text.
    place = compile("\n" * (line - 1) + "pass", str(path), "exec")
    left = False

    def act(names: Names) -> None:
        nonlocal left
        if left:
            return
        debugger = Debugger(nosigint=True, readrc=False)
        debugger.prompt = f"({path.stem}:{line}) "
        namespace: dict[str, Any] = {"np": np, **names}
        debugger.run(place, namespace)
        left = debugger.left

    return Stop(line, act)
