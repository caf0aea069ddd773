"""Errors of results files."""

from __future__ import annotations

from tilery.dsl.errors import TileryError


class ResultsError(TileryError):
    """A results file that cannot be read or written; the message says what to do."""
