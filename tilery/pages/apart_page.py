"""The text about places in a kernel whose transfers move single elements."""

from __future__ import annotations

from rich.text import Text

from tilery.backends.machine.explain.elements import Apart

from .console import percent

LOST = 0.05
"""Transfers of single elements are shown if they cost at least this share of the latency."""


def apart_text(apart: Apart) -> Text:
    """A place that meets device memory an element at a time, what to write, and what it would gain."""
    bytes_at_a_time = f"{apart.run_bytes} byte{'s' if apart.run_bytes > 1 else ''} at a time"
    verb = "written" if apart.store else "read"
    text = Text(f"{apart.text} is {verb} {bytes_at_a_time}; together: {percent(apart.gain)} less time", "bold")
    return text.append(f"\n{apart.place}: {apart.why}: {apart.instead}", style="not bold dim")
