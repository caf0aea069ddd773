"""Tells which library an array comes from, without importing any."""

from __future__ import annotations


def is_torch(value: object) -> bool:
    """Whether a value is a torch tensor, or of a subclass."""
    return any(each.__name__ == "Tensor" and _home(each) == "torch" for each in type(value).__mro__)


def is_jax(value: object) -> bool:
    """Whether a value is a JAX array."""
    return _home(type(value)) in ("jax", "jaxlib")


def _home(kind: type) -> str:
    return kind.__module__.partition(".")[0]
