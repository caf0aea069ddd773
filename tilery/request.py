"""From names and values (`M=2048 T=bf16 causal=false`) to a specialised kernel, its dimensions and a chip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .backends.chips import Chip, changed, load_chip
from .dsl import KernelDefinition, check_requirements, program
from .dsl.errors import UsageError
from .dsl.report import did_you_mean
from .dsl.types import ELEMENT_TYPES, ElementType
from .python.checks import shown

DEFAULT_CHIP = "trn2"
DEFAULT_TYPE = "bf16"
"""What an element type that is not given is taken to be: what matrix units are made for."""

LARGEST_EXTENT = 2**31 - 1
"""The most elements along one dimension: a position is a whole number of 32 bits."""

Given = int | float | bool | str
"""A value as given: Python's own, or the text of the command line."""


@dataclass(frozen=True, slots=True)
class Names:
    """Given values, sorted by what they name in a signature."""

    dims: Mapping[str, int]
    types: Mapping[str, ElementType]
    constants: Mapping[str, int | bool]
    scalars: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Request:
    """A specialised kernel, every dimension's extent, and a chip."""

    kernel: program.Program
    dims: Mapping[str, int]
    chip: Chip
    scalars: Mapping[str, float]

    @property
    def arguments(self) -> str:
        """The request as it is typed: `M=2048 K=4096 N=14336 T=bf16`."""
        types = {name: str(kind) for name, kind in self.kernel.types.items()}
        return " ".join(_typed(name, value) for name, value in (dict(self.dims) | types | dict(self.kernel.constants)).items())

    @property
    def title(self) -> str:
        """The request in one line, for a person."""
        return f"{self.kernel.name} {self.arguments} on {self.chip.name}"


def make_request(
    definition: KernelDefinition, given: Mapping[str, Given], chip: str = DEFAULT_CHIP, what_if: Sequence[str] = ()
) -> Request:
    """Specialises a kernel to what is given; types left out are bf16, constants left out take their defaults.

    `what_if` holds changes to the chip, as `sbuf.bytes_per_partition=*2`.

    Raises `UsageError` that names what is unknown (and what it may have been meant for), missing, or not of its kind.
    """
    names = sort_names(definition.signature, given)
    _need_dimensions(definition, names)
    types = {each: names.types.get(each, ELEMENT_TYPES[DEFAULT_TYPE]) for each in definition.signature.type_variables}
    kernel = definition.specialise(types, names.constants)
    dims = {each: names.dims[each] for each in definition.signature.dimensions}
    check_requirements(kernel, dims)
    return Request(kernel, dims, changed(load_chip(chip), what_if), names.scalars)


def sort_names(signature: program.Signature, given: Mapping[str, Given]) -> Names:
    """Tells dimensions, types, constants and scalars apart by the signature, and reads their values."""
    dims: dict[str, int] = {}
    types: dict[str, ElementType] = {}
    constants: dict[str, int | bool] = {}
    scalars: dict[str, float] = {}
    ones: dict[str, int] = {}
    kinds = {each.name: each.kind for each in signature.constants}
    for name, value in given.items():
        if name in signature.dimensions:
            dims[name] = _extent(name, value)
        elif name in signature.type_variables:
            types[name] = _element(name, value)
        elif name in kinds:
            constants[name] = _truth(name, value) if kinds[name] == "bool" else _whole(name, value)
        elif name in signature.ones:
            ones[name] = _whole(name, value)
        elif any(each.name == name for each in signature.scalars):
            scalars[name] = _number(name, value)
        else:
            raise UsageError(_unknown(signature, name))
    return Names(dims, types, constants | _only_ones(ones, dims), scalars)


def _only_ones(ones: Mapping[str, int], dims: Mapping[str, int]) -> dict[str, int]:
    """The dimensions `1 or M` that have one element and not M."""
    for name, value in ones.items():
        whole = dims.get(name.partition(".")[2])
        if value not in (1, whole):
            raise UsageError(f"{name}={value}: it is 1, or it is left out")
    return {name: 1 for name, value in ones.items() if value == 1 and dims.get(name.partition(".")[2]) != 1}


def _unknown(signature: program.Signature, name: str) -> str:
    if any(each.name == name for each in signature.tensors):
        return f"`{name}` is a tensor; give its dimensions instead: {', '.join(signature.dimensions)}"
    known = known_names(signature)
    return f"the kernel has nothing called `{name}`; {did_you_mean(name, known) or 'it has ' + ', '.join(known)}"


def known_names(signature: program.Signature) -> list[str]:
    """What of a kernel is given by name."""
    named = [each.name for each in signature.constants] + [each.name for each in signature.scalars]
    return [*signature.dimensions, *signature.type_variables, *named, *signature.ones]


def _need_dimensions(definition: KernelDefinition, names: Names) -> None:
    signature = definition.signature
    missing = [each for each in signature.dimensions if each not in names.dims]
    if missing:
        what = f"dimension{'s' * (len(missing) > 1)} {', '.join(missing)}"
        raise UsageError(f"{definition.name} needs {what}{_example(definition, names)}")


def _example(definition: KernelDefinition, names: Names) -> str:
    """Sizes that the kernel allows, as they are typed; empty if none are found."""
    from .tuner.verify.small_shape import example_dims

    types = {each: names.types.get(each, ELEMENT_TYPES[DEFAULT_TYPE]) for each in definition.signature.type_variables}
    try:
        found = example_dims(definition.specialise(types, names.constants), names.dims)
    except UsageError:  # a constant that has no default is missing, too, and is told next
        return ""
    return f"\nhelp: say, for example, {' '.join(f'{name}={extent}' for name, extent in found.items())}" if found else ""


def _typed(name: str, value: Given) -> str:
    return f"{name}={str(value).lower() if isinstance(value, bool) else value}"


def _extent(name: str, value: Given) -> int:
    number = _whole(name, value)
    if number < 0:
        raise UsageError(f"{name}={shown(value)}: a dimension cannot be negative")
    if number > LARGEST_EXTENT:
        raise UsageError(f"{name}={shown(value)}: a dimension has at most {LARGEST_EXTENT:,} elements, since positions are i32")
    return number


def _whole(name: str, value: Given) -> int:
    try:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError
        return int(value)
    except (ValueError, TypeError, OverflowError):
        raise UsageError(f"{name}={shown(value)}: a whole number is expected, as in {name}=1024") from None


def _number(name: str, value: Given) -> float:
    try:
        return float(value)
    except (ValueError, TypeError, OverflowError):
        raise UsageError(f"{name}={shown(value)}: a number is expected") from None


def _truth(name: str, value: Given) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in words:
        raise UsageError(f"{name}={shown(value)}: true or false is expected")
    return words[str(value).lower()]


def _element(name: str, value: Given) -> ElementType:
    if str(value) not in ELEMENT_TYPES:
        hint = did_you_mean(str(value), ELEMENT_TYPES) or f"there are {', '.join(ELEMENT_TYPES)}"
        raise UsageError(f"{name}={shown(value)}: there is no such element type; {hint}")
    return ELEMENT_TYPES[str(value)]
