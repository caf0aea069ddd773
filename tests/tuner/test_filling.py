"""Slots filled in one at a time come out maximal, and so among all that looking at each finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tilery.backends.tunable import Tunable
from tilery.tuner.space import slots
from tilery.tuner.space.configurations import Space
from tilery.tuner.space.numbering import MOST, numbered
from tilery.tuner.space.slots import fitting


@dataclass
class Memory:
    fixed: NDArray[np.float64]
    each: Mapping[str, NDArray[np.float64]]
    capacity: NDArray[np.float64]
    lower_bound_us: NDArray[np.float64]
    limits: tuple[str, ...] = ("sbuf", "psum")


@st.composite
def memories(draw: st.DrawFn) -> tuple[Memory, list[Tunable]]:
    kinds, rows = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    takes = st.lists(st.integers(0, 40), min_size=rows, max_size=rows)
    names = [f"buffers.{place}" for place in range(kinds)]
    tunables = [Tunable(name, "knob", (1, 2, 3)[: draw(st.integers(2, 3))], 1, (), slots=True) for name in names]
    here = [name for name in names if draw(st.booleans())]
    each = {name: np.array([draw(takes), draw(takes)], float) for name in here}
    fixed = np.array([draw(takes), draw(takes)], float)
    capacity = np.array([draw(st.integers(0, 300)), draw(st.integers(0, 300))], float)
    return Memory(fixed, each, capacity, np.ones(rows)), tunables


def found(memory: Memory, tunables: list[Tunable]) -> tuple[set[tuple[int, ...]], int, int]:
    fit = fitting(memory, tunables)
    rows, digits = np.concatenate(fit.rows), np.concatenate(fit.digits)
    pairs = np.concatenate([rows[:, None], digits], axis=1).tolist()
    assert len(pairs) == len({tuple(each) for each in pairs})
    return {tuple(each) for each in pairs}, fit.feasible, sum(fit.removed.values())


@given(memories())
def test_what_is_filled_is_maximal_and_every_row_that_fits_has_some(drawn: tuple[Memory, list[Tunable]]) -> None:
    memory, tunables = drawn
    exact, feasible, removed = found(memory, tunables)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slots, "GRID", 0)
        few, looked_at, out = found(memory, tunables)
    assert few <= exact
    assert {each[0] for each in few} == {each[0] for each in exact}
    assert looked_at <= feasible
    assert looked_at + out <= feasible + removed, "what was not looked at is not counted"


def test_a_space_beyond_64_bits_loses_third_slots_before_anything_else() -> None:
    tiles = [Tunable("m", "tile", (64, 128, 256), 64, ())]
    engines = [Tunable(f"engine.{place}", "knob", ("vector", "scalar"), "vector", ()) for place in range(20)]
    buffers = [Tunable(f"buffers.{place}", "knob", (1, 2, 3), 1, (), slots=True) for place in range(30)]
    kept = numbered([*tiles, *engines, *buffers])
    assert kept[:21] == (*tiles, *engines)
    assert {len(each.values) for each in kept[21:]} == {2, 3}
    assert 0 < Space(kept).size < MOST
    assert numbered([*tiles, *buffers[:5]]) == (*tiles, *buffers[:5])
    many = numbered(
        [*tiles, *engines, *(Tunable(f"buffers.{place}", "knob", (1, 2, 3), 3, (), slots=True) for place in range(90))]
    )
    assert Space(many).size < MOST
    assert many[0].values == (64, 128, 256)
