"""`tilery`, and `python -m tilery`, the same."""

from __future__ import annotations

import gc
import signal
import sys


def run() -> None:
    """Runs the command line. Ctrl-C during its import, or at its end, prints a word and no traceback."""
    try:
        from .command.cli import main

        main(prog_name="tilery")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        gc.freeze()  # else Python looks through all objects for cycles before it ends, for up to 0.4 s


if __name__ == "__main__":
    run()
