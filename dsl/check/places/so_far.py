"""What of a tile is written, as long as not all of it is: `row[m, n] = ...` in the steps of `for n of N`.

A region is a tile's axes, some replaced by variables of open loops: of a tile over `[m, N]` the region `[m, n]` is what this
step of `n` covers. At the end of the loop it has become `[m, N]`.

A step may read what an earlier one wrote, `row[m, n - 1, else 0]`. That every step has written its part is known at its end only,
so that it is owed until then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tilery.dsl.program import AffineIndex, Axis, AxisIndex, Index, LoopVariable
from tilery.dsl.spans import Span
from tilery.dsl.types import AnyType

Region = tuple[Axis, ...]
Parent = Callable[[str], Axis | None]
"""The axis of an open loop, by its name."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A tile that the body of a loop writes in parts, so that it has to begin before the loop."""

    loop: str
    """The variable of the loop."""
    axes: tuple[Axis, ...]
    dtype: AnyType
    span: Span


@dataclass(frozen=True, slots=True)
class Owed:
    """A place read that a step of a loop before this one must have written."""

    axis: Axis
    """The loop's variable, by which the place lies back."""
    position: int
    """The axis of the tile along which it does."""
    index: tuple[Index, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Filling:
    """What is written of a tile."""

    axes: tuple[Axis, ...]
    span: Span
    """Where it is written first."""
    regions: frozenset[Region] = frozenset()
    owed: frozenset[Owed] = frozenset()
    guarded: bool = False
    """Whether a loop that may leave steps out has written some of it, which counts for nothing."""

    @property
    def complete(self) -> bool:
        """Whether all of it is written."""
        return self.axes in self.regions

    def written(self, index: tuple[Index, ...]) -> Filling:
        """With the part at an index written too; of places made of several variables nothing is said."""
        region = [each.axis for each in index if isinstance(each, AxisIndex)]
        if len(region) < len(index):
            return self
        whole = (own if each.whole else each for each, own in zip(region, self.axes, strict=True))
        return replace(self, regions=self.regions | {tuple(whole)})

    def covers(self, index: tuple[Index, ...], parent: Parent) -> bool:
        """Whether all places at an index are written."""
        return any(self._inside(index, region, parent) for region in self.regions)

    def _inside(self, index: tuple[Index, ...], region: Region, parent: Parent) -> bool:
        parts = zip(index, region, self.axes, strict=True)
        return all(there == own or _cuts(each, there, parent) for each, there, own in parts)

    def reading(self, index: tuple[Index, ...], span: Span, loops: Iterable[LoopVariable]) -> Filling | None:
        """With what reading at an index owes to earlier steps of open `loops`; None where no earlier step writes it."""
        for variable in loops:
            for position, each in enumerate(index):
                if _lies_back(each, variable.axis, self.axes[position]):
                    return replace(self, owed=self.owed | {Owed(variable.axis, position, index, span)})
        return None

    def after(self, variable: LoopVariable, before: Filling, guarded: bool, parent: Parent) -> Filling:
        """At the end of a loop: a part that every step has written is a whole axis. `before` is what it was before the loop."""
        axis = variable.axis
        outer = parent(axis.parent) if axis.parent else None
        done = {
            tuple((outer or own) if each == axis else each for each, own in zip(region, self.axes, strict=True))
            for region in self.regions
            if axis in region and not guarded
        }
        left = frozenset(each for each in self.owed if each.axis != axis)
        lost = guarded and any(axis in region for region in self.regions)
        return replace(self, regions=before.regions | done, owed=left, guarded=self.guarded or lost)

    def broken(self, variable: LoopVariable, guarded: bool, parent: Parent) -> list[Owed]:
        """What is owed to the steps of a loop, and what no step of it writes."""
        return [each for each in self.owed if each.axis == variable.axis and (guarded or not self._paid(each, parent))]

    def _paid(self, owed: Owed, parent: Parent) -> bool:
        this_step = (*owed.index[: owed.position], AxisIndex(owed.axis), *owed.index[owed.position + 1 :])
        return self.covers(this_step, parent)


def _cuts(index: Index, axis: Axis, parent: Parent) -> bool:
    """Whether an index stays within what an axis covers in this step."""
    if not isinstance(index, AxisIndex):
        return False
    inner: Axis | None = index.axis
    while inner is not None and inner != axis:
        inner = parent(inner.parent) if inner.parent else None
    return inner is not None


def _lies_back(index: Index, axis: Axis, own: Axis) -> bool:
    """Whether an index is the place of an earlier step of a loop `by 1`, `n - 1`: steps go up from the first place of `own`."""
    if not isinstance(index, AffineIndex) or not axis.unit or not own.whole or axis.size != own.size or axis.parent:
        return False
    return index.terms == ((axis, 1),) and isinstance(index.offset, int) and index.offset < 0


def perhaps_none(after: Filling | None, before: Filling | None) -> Filling | None:
    """After a loop that may take no step: what was written before it, and what its steps owe."""
    return None if before is None else replace(before, owed=before.owed | (after.owed if after else frozenset()))


def both(a: Filling | None, b: Filling | None) -> Filling | None:
    """What is written on either way through an `if`; None is all of it."""
    if a is None or b is None:
        return b if a is None else a
    return replace(a, regions=a.regions & b.regions, owed=a.owed | b.owed)
