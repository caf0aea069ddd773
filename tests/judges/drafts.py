"""What several forms of random kernels begin and end with."""

from __future__ import annotations

from collections.abc import Sequence

from tilery.dsl.types import ELEMENT_TYPES

from .expressions import TYPES, Axis, Draft, Kind


def some_whole(d: Draft, axes: Sequence[Axis]) -> list[Axis]:
    """Some dimensions that no axis has, whole."""
    return [Axis(name) for name in free_dims(d, axes) if d.chance(0.3)]


def free_dims(d: Draft, axes: Sequence[Axis]) -> list[str]:
    """The dimensions that no axis has."""
    return [name for name in d.dims if name != "V" and name not in {axis.dim for axis in axes}]


def result(d: Draft, results: dict[str, str], kind: Kind, dims: Sequence[str], adding: bool = False) -> str:
    """A new result."""
    name = d.new("y")
    types = TYPES[kind] if not adding or kind != "float" else ("f32", "f32", "f32", "bf16")
    if d.chance(0.8):  # no chip stores the others
        types = tuple(each for each in types if not ELEMENT_TYPES[each].packed)
    results[name] = f"{d.draw.choice(types)}[{', '.join(dims)}]"
    return name
