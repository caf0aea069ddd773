"""Dimensions' sizes from the shapes of arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType

from .. import sizes
from ..check.shapes import solved
from ..errors import UsageError
from ..program import LEADING, Signature, Size, Tensor, size_value
from ..report import did_you_mean, listed

NO_CONSTANTS: Mapping[str, int | bool] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Bound:
    """What the shapes of a call say."""

    dims: Mapping[str, int]
    """The size of each dimension, in elements."""
    leading: tuple[int, ...] = ()
    """The extents that `...` stands for; its size is their product."""
    ones: Mapping[str, int] = field(default_factory=dict)
    """1 for each `bias.M`: a dimension `1 or M` that has one element where M is larger."""


def bind_dimensions(
    signature: Signature, shapes: Mapping[str, tuple[int, ...]], constants: Mapping[str, int | bool] = NO_CONSTANTS
) -> dict[str, int]:
    """The size of each dimension, in elements, as `bind_shapes` finds it."""
    return dict(bind_shapes(signature, shapes, constants).dims)


def bind_shapes(
    signature: Signature, shapes: Mapping[str, tuple[int, ...]], constants: Mapping[str, int | bool] = NO_CONSTANTS
) -> Bound:
    """What `shapes` say, the shape of every tensor argument (results may be given too).

    A dimension that is an expression, `G * R`, is solved where one of its names is left open by the others. `constants` are the
    `int` constants' values; one that is not given has its default. Raises UsageError where a tensor is missing or unknown, has
    another number of dimensions, disagrees with another one, or nothing fits.
    """
    tensors = {each.name: each for each in (*signature.tensors, *signature.results)}
    for name in shapes:
        if name not in tensors:
            raise UsageError(f"there is no tensor `{name}`; {did_you_mean(name, tensors) or f'there are {listed(tensors)}'}")
    missing = [each.name for each in signature.tensors if each.name not in shapes]
    if missing:
        raise UsageError(f"no shape is given for {listed(missing)}")
    binding = _Binding()
    for each in signature.constants:
        value = constants.get(each.name, each.default)
        if each.kind == "int" and value is not None:
            binding.dims[each.name], binding.source[each.name] = int(value), f"{each.name}={value}"
    for name, tensor in tensors.items():
        if name in shapes:
            binding.bind(tensor, shapes[name])
    binding.solve()
    dims = {name: binding.dims[name] for name in signature.dimensions if name in binding.dims}
    return Bound(dims, binding.leading or (), binding.ones())


def with_leading(tensor: Tensor, shape: Sequence[int], leading: Sequence[int]) -> tuple[int, ...]:
    """The shape of an array for a tensor whose extents are `shape`: `...` is what a call had there."""
    if LEADING not in tensor.written:
        return tuple(shape)
    at = tensor.written.index(LEADING)
    found = (1,) * len(leading) if shape[at] == 1 and tensor.shape[at] == 1 else tuple(leading)
    return (*shape[:at], *found, *shape[at + 1 :])


def _text(tensor: Tensor) -> str:
    return f"{tensor.name}: {tensor.dtype}[{tensor.dimensions_text}]"


@dataclass(slots=True)
class _Binding:
    """Dimensions while they are being bound."""

    dims: dict[str, int] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)
    """Where each was bound, as messages say it."""
    leading: tuple[int, ...] | None = None
    waiting: list[tuple[Tensor, Size, int]] = field(default_factory=list)
    """The tensors' dimensions that are not plain names, and their extents."""
    either: list[tuple[Tensor, Size, tuple[int, ...]]] = field(default_factory=list)
    """The dimensions that may have one element instead, and their extents."""

    def bind(self, tensor: Tensor, shape: tuple[int, ...]) -> None:
        """Takes what the plain names of one tensor are."""
        for position, (size, extents) in enumerate(zip(tensor.written, _parts(tensor, shape), strict=True)):
            if position in tensor.either:
                self.either.append((tensor, size, extents))
                continue
            if size == LEADING:
                self._bind_leading(tensor, extents)
            extent = prod(extents)
            if not isinstance(size, str):
                self.waiting.append((tensor, size, extent))
            elif self.dims.setdefault(size, extent) != extent:
                text = _text(tensor)
                raise UsageError(f"`{size}` is {self.dims[size]} in `{self.source[size]}` and {extent} in `{text}`")
            else:
                self.source.setdefault(size, _text(tensor))

    def _bind_leading(self, tensor: Tensor, extents: tuple[int, ...]) -> None:
        if self.leading is not None and self.leading != extents:
            where = self.source[LEADING]
            raise UsageError(f"`...` is {list(self.leading)} in `{where}` and {list(extents)} in `{_text(tensor)}`")
        self.leading = extents

    def solve(self) -> None:
        """Binds what stands only in expressions, and compares every expression with the extent it was given."""
        while ready := [each for each in self.waiting if self._unknown(each[1]) < 2]:
            self.waiting = [each for each in self.waiting if each not in ready]
            for tensor, size, extent in ready:
                text = _text(tensor)
                if self._unknown(size) == 1:
                    found = solved(size, extent, self.dims)
                    if found is None or found[1] < 0:
                        raise UsageError(f"no whole number makes `{size}` in `{text}` come to {extent}{self._where(size)}")
                    self.dims[found[0]], self.source[found[0]] = found[1], text
                elif (value := self._value(size)) != extent:
                    raise UsageError(f"`{size}` is {value}{self._where(size)}, and `{text}` was given {extent}")

    def ones(self) -> dict[str, int]:
        """The dimensions `1 or M` that have one element; raises UsageError where one has neither."""
        found: dict[str, int] = {}
        for tensor, size, extents in self.either:
            whole = self.leading or () if size == LEADING else (self._value(size),)
            if extents == whole:
                continue
            if prod(extents) != 1 or min(extents, default=1) < 1:
                said = list(extents) if size == LEADING else extents[0]
                raise UsageError(f"`1 or {size}` in `{_text(tensor)}` was given {said}{self._where(size)}")
            if prod(whole) != 1:
                found[f"{tensor.name}.{size}"] = 1
        return found

    def _unknown(self, size: Size) -> int:
        return sum(name not in self.dims for name in sizes.names_in(size))

    def _value(self, size: Size) -> int:
        return size_value(size, self.dims)

    def _where(self, size: Size) -> str:
        known = dict.fromkeys(name for name in sizes.names_in(size) if name in self.dims)
        return f" with {', '.join(f'{name} = {self.dims[name]}' for name in known)}" if known else ""


def _parts(tensor: Tensor, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The extents of each dimension: one, but for `...`."""
    count = len(tensor.written)
    if LEADING not in tensor.written:
        if len(shape) != count:
            raise UsageError(f"`{_text(tensor)}` has {count} dimensions, and the shape given is {list(shape)}")
        return [(each,) for each in shape]
    more = len(shape) - count + 1
    if more < 0:
        raise UsageError(f"`{_text(tensor)}` has {count - 1} dimensions or more, and the shape given is {list(shape)}")
    at = tensor.written.index(LEADING)
    return [*((each,) for each in shape[:at]), tuple(shape[at : at + more]), *((each,) for each in shape[at + more :])]
