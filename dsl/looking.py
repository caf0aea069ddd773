"""What lies at a path that somebody gave.

A path that the system refuses (a name too long, a folder that may not be entered) leads to nothing; `pathlib` raises for it
where one only asks. Who reads or writes there afterwards is told why it cannot.
"""

import os


def is_file(path: str | os.PathLike[str]) -> bool:
    """True if there is an ordinary file, links followed."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: str | os.PathLike[str]) -> bool:
    """True if there is a folder, links followed."""
    return os.path.isdir(path)  # noqa: PTH112


def exists(path: str | os.PathLike[str]) -> bool:
    """True if there is anything, links followed."""
    return os.path.exists(path)  # noqa: PTH110
