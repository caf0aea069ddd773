"""Which library an array comes from, told without importing any."""

from __future__ import annotations


def is_torch(value: object) -> bool:
    """A tensor of torch, or of a class made from its."""
    return any(each.__name__ == "Tensor" and _home(each) == "torch" for each in type(value).__mro__)


def is_jax(value: object) -> bool:
    """An array of JAX."""
    return _home(type(value)) in ("jax", "jaxlib")


def _home(kind: type) -> str:
    return kind.__module__.partition(".")[0]
