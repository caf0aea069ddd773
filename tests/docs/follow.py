"""Does what a page says, as a newcomer would, in the folder that it is started in: saves files, runs shell and Python blocks.

Started as a program, it reads the blocks as JSON from its standard input. Python blocks share their names, as if they were
typed one after the other; their tracebacks show the lines of the page. It stops at the first block that fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def follow(block: dict[str, Any], names: dict[str, object]) -> None:
    """One block, in its turn."""
    print(f"--- {block['page']}:{block['line']}", flush=True)
    if block["file"]:
        Path(block["file"]).parent.mkdir(parents=True, exist_ok=True)
        Path(block["file"]).write_text(block["text"], encoding="utf-8")
    elif block["language"] == "python":
        # Blank lines before it, so that the lines of its tracebacks are the page's.
        exec(compile("\n" * (block["line"] - 1) + block["text"], block["page"], "exec"), names)
        sys.stdout.flush()
    else:
        subprocess.run(["bash", "-euo", "pipefail", "-c", block["text"]], check=True)


def main() -> None:
    """All blocks, in one folder and one set of names."""
    sys.path[0] = ""  # as in Python's own prompt: what lies in the folder can be imported
    names: dict[str, object] = {"__name__": "__main__"}
    for block in json.load(sys.stdin):
        follow(block, names)


if __name__ == "__main__":
    main()
