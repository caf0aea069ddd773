"""What a chip file holds. Every number is per core; units stand in the names; `source` says where a section's come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec

from tilery.dsl.errors import UsageError

from ..families import DEFAULT

Count = Annotated[int, msgspec.Meta(ge=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]

NOT_TIMED = ("title", "launch", "price", "power", "energy", "references")
"""Fields that no kernel's own latency depends on."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of a chip file."""

    source: str
    """Where its numbers are published."""
    assumed: tuple[str, ...] = ()
    """Its numbers that nobody has published or measured for this chip; `source` says what they were taken from."""


class Cores(Section, frozen=True, kw_only=True):
    """The cores that share a chip."""

    count: Count


class Hbm(Section, frozen=True, kw_only=True):
    """Device memory."""

    bytes_per_s: Positive


class Launch(Section, frozen=True, kw_only=True):
    """Starting a kernel, which is no part of its own latency."""

    us: Positive
    """What a measurement from outside has on top of the kernel, in microseconds."""


class Price(Section, frozen=True, kw_only=True):
    """What renting the chip costs."""

    instance: str
    """The machine that is rented."""
    usd_per_hour: Positive
    """For the whole machine."""
    chips: Count
    """Chips in it."""
    date: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """When the price was read, as 2025-11-30."""

    @property
    def usd_per_chip_hour(self) -> float:
        """The machine's price over its chips."""
        return self.usd_per_hour / self.chips

    def __str__(self) -> str:
        return f"{self.usd_per_chip_hour:.3f} USD/h a chip, {self.instance}, read {self.date}"


class Power(Section, frozen=True, kw_only=True):
    """The chip's published power."""

    tdp_w: Positive


class Energy(Section, frozen=True, kw_only=True):
    """What one access or operation takes, in picojoules; leakage, clocks and control are not in it."""

    pj_per_mac: dict[str, Positive]
    """One multiplication and addition, by element type of its operands."""
    pj_per_operation: Positive
    """One element through an engine that makes no products."""
    pj_per_hbm_byte: Positive

    def pj_per_byte(self, memory: str) -> float:
        """Reading or writing a byte of a memory: the number called `pj_per_MEMORY_byte`, 0 where the file has none."""
        return float(getattr(self, f"pj_per_{memory}_byte", 0.0))


class Chip(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One core of a chip, and what it shares: what the chips of every family have. A family's own type adds its tables.

    It also says how much its products and its transfers can do at most: the properties below are for it to define.
    """

    family: ClassVar[str]
    """The family's name, as the registry knows it (`backends.families`)."""

    name: str
    title: str
    cores: Cores
    hbm: Hbm
    launch: Launch | None = None
    price: Price | None = None
    power: Power | None = None
    energy: Energy | None = None
    references: dict[str, str] = {}
    """What the abbreviations in the sources stand for."""

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change with any number that a configuration could depend on: prices and sources are none."""
        fields = {name: _timed(value) for name, value in msgspec.to_builtins(self).items() if name not in NOT_TIMED}
        if self.family != DEFAULT:  # whose fingerprints are older than the name
            fields["family"] = self.family
        return hashlib.sha256(msgspec.json.encode(fields, order="deterministic")).hexdigest()[:16]

    @property
    def peak_flops(self) -> float:
        """Floating-point operations a second of one core at most, for `peak_element`; 0 if it makes no products."""
        raise NotImplementedError

    @property
    def peak_element(self) -> str:
        """The element type that the peak is quoted for."""
        raise NotImplementedError

    def least_s(self, macs: Mapping[str, float]) -> float:
        """Seconds that products take at least: `macs` holds multiplications and additions, by the operands' element type."""
        raise NotImplementedError

    @property
    def launch_us(self) -> float:
        """Microseconds that starting a kernel takes. `UsageError` where the chip's file does not say."""
        if self.launch is None:
            raise UsageError(
                f"--launch: nothing is published of what starting a kernel takes on {self.name}\n"
                "help: a chip file of your own says it: [launch] with us = 15 and its source, see docs/own_chip.md"
            )
        return self.launch.us

    @property
    def memory_bytes_per_s(self) -> float:
        """What one core can move to and from device memory."""
        return self.hbm.bytes_per_s


def tables(chip: Chip) -> dict[str, Any]:
    """What a chip file holds, in the order in which it is shown: the family's own tables stand between the common ones."""
    fields = msgspec.to_builtins(chip)
    named = {} if chip.family == DEFAULT else {"family": chip.family}
    return named | {name: fields[name] for name in section_names(type(chip))}


def section_names(kind: type[Chip]) -> list[str]:
    """The fields of a chip file, in the order in which they are shown."""
    common = [each.name for each in msgspec.structs.fields(Chip)]
    own = [each.name for each in msgspec.structs.fields(kind) if each.name not in common]
    return [*common[:3], *own, *common[3:]]


def _timed(value: Any) -> Any:
    """A field without where it comes from, every number as a float: 0 and 0.0 are the same chip."""
    if isinstance(value, dict):
        return {name: _timed(each) for name, each in value.items() if name not in ("source", "assumed")}
    return float(value) if isinstance(value, int) else value
