"""Writing a file that the user named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .dsl.errors import UsageError


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """What writes the file; raises UsageError with the system's reason where it cannot be written."""
    try:
        yield
    except (OSError, ValueError) as problem:  # ValueError: a name with a zero byte, a picture of no known kind
        why = (isinstance(problem, OSError) and problem.strerror) or problem
        raise UsageError(f"cannot write {path}: {why}") from problem
