"""What `print(tile)` in a kernel says: where in the text, in which step, and the tile's elements as numpy sums them up.

attention.tk:17 at h=0, i=0..127, j=512..1023: s is f32[h, i, j], 1 x 128 x 512
    [[[-0.1218  0.8642 ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tilery.dsl import program

from .operations.numerics import Array

Show = Callable[[str], object]
"""Takes what is to be shown, a tile at a time."""

EDGE, MOST_ELEMENTS = 3, 48
"""Elements shown at either end of an axis, and those of a tile that is shown whole."""


def shown(statement: program.Print, array: Array, spans: Mapping[str, slice], order: Sequence[str]) -> str:
    """The text for one tile: `array` with the value's axes, in the step of `spans`; `order` has the tile variables' names."""
    value = statement.value
    step = ", ".join(_covered(name, spans[name]) for name in order if name in spans)
    place = f"{Path(value.span.source.name).name}:{statement.span.line}" + (f" at {step}" if step else "")
    text = f"{statement.text}: " if statement.text else ""
    axes = ", ".join(axis.name for axis in value.axes)
    form = f"{value.dtype}[{axes}], {' x '.join(map(str, array.shape))}" if axes else str(value.dtype)
    elements = np.array2string(array, precision=5, threshold=MOST_ELEMENTS, edgeitems=EDGE, max_line_width=110)
    indented = "\n".join(f"    {line}" for line in elements.split("\n") if line)
    return f"{place}: {text}{statement.what} is {form}\n{indented}"


def _covered(name: str, span: slice) -> str:
    return f"{name}={span.start}" if span.stop - span.start == 1 else f"{name}={span.start}..{span.stop - 1}"
