"""The numbering of a space, and what lies around a configuration."""

from __future__ import annotations

import numpy as np
import pytest

from tilery.backends.tunable import Tunable
from tilery.dsl.errors import UsageError
from tilery.tuner.space.configurations import Space


@pytest.fixture
def space() -> Space:
    return Space(
        [
            Tunable("m", "tile", (64, 128, 256), 128, ()),
            Tunable("buffers.a", "knob", (1, 2, 3, 4), 2, (), slots=True),
            Tunable("order", "knob", ("mn", "nm", "blocked"), "mn", ()),
        ]
    )


def test_every_number_is_a_configuration_and_back(space: Space) -> None:
    assert space.size == 36
    configs = [space.config(index) for index in range(space.size)]
    assert len({tuple(config.values()) for config in configs}) == 36
    assert [space.index(config) for config in configs] == list(range(36))


def test_columns_are_choice_indices(space: Space) -> None:
    indices = np.arange(space.size)
    columns = space.columns(indices)
    for index in (0, 7, 35):
        config = space.config(index)
        assert {each.name: each.values[columns[each.name][index]] for each in space.tunables} == config
    assert np.array_equal(np.stack(list(columns.values()), axis=1), space.digits(indices))


def test_steps_change_one_tunable_by_one_step_and_names_by_any(space: Space) -> None:
    start: dict[str, int | str] = {"m": 64, "buffers.a": 2, "order": "mn"}
    around = [space.config(int(index)) for index in space.steps(space.index(start))]
    changes = [{name: config[name] for name in config if config[name] != start[name]} for config in around]
    assert changes == [{"m": 128}, {"buffers.a": 1}, {"buffers.a": 3}, {"order": "nm"}, {"order": "blocked"}]


def test_lines_go_as_far_as_the_domain(space: Space) -> None:
    assert len(space.lines(0)) == 2 + 3 + 2


def test_pairs_change_two_tunables(space: Space) -> None:
    start = space.index({"m": 64, "buffers.a": 2, "order": "mn"})
    configs = [space.config(int(index)) for index in space.pairs(start)]
    assert len(configs) == 1 * 2 + 1 * 2 + 2 * 2
    assert all(sum(config[name] != space.config(start)[name] for name in config) == 2 for config in configs)


def test_draws_are_distinct(space: Space) -> None:
    generator = np.random.default_rng(0)
    assert sorted(space.draw(generator, 100)) == list(range(36))
    large = Space([Tunable(f"t{place}", "knob", tuple(range(10)), 0, ()) for place in range(12)])
    drawn = large.draw(generator, 1000)
    assert len(set(drawn.tolist())) == len(drawn) > 990


def test_groups_are_structures(space: Space) -> None:
    groups = space.groups(np.random.default_rng(0), 10)
    assert [space.config(int(space.indices(group)))["order"] for group in groups] == ["mn", "nm", "blocked"]


def test_cells_are_what_differs_in_tiles() -> None:
    space = Space(
        [
            Tunable("m", "tile", (64, 128), 64, ()),
            Tunable("n", "tile", (1, 2, 3), 1, ()),
            Tunable("buffers.a", "knob", (1, 2, 3), 1, (), slots=True),
            Tunable("order", "knob", ("mn", "nm"), "mn", ()),
        ]
    )
    generator = np.random.default_rng(0)
    group = space.groups(generator, 10)[1]
    cells = space.cells(group, generator, 100)
    assert [tuple(space.config(int(each)).values()) for each in cells] == [(m, n, 1, "nm") for m in (64, 128) for n in (1, 2, 3)]
    assert space.tiles(cells)["n"].tolist() == [1, 2, 3, 1, 2, 3]
    assert len(space.cells(group, generator, 4)) <= 4
    full = space.with_slots(cells, np.full((6, 1), 2))
    assert {space.config(int(each))["buffers.a"] for each in full} == {3}
    assert np.array_equal(space.without_slots(full), cells)
    assert set(space.structure_of(full).tolist()) == {int(space.indices(group))}
    fewer = space.fewer_slots(int(full[0]))
    assert [space.config(int(each))["buffers.a"] for each in fewer] == [2]
    assert {tuple(each) for each in space.structures(group)} == {tuple(each) for each in space.groups(generator, 10)}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"m": 128, "buffer.a": 2, "order": "mn"}, "there is no tunable `buffer.a`; did you mean `buffers.a`?"),
        ({"m": 128, "order": "mn"}, "the configuration says nothing of `buffers.a`"),
        ({"m": 100, "buffers.a": 2, "order": "mn"}, "m=100 is not one of its choices: 64, 128, 256"),
    ],
)
def test_a_wrong_configuration_is_told_what_is_right(space: Space, config: dict[str, int | str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        space.index(config)
    assert str(error.value) == message
