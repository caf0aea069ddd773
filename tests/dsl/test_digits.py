"""`//` and `%` of positions: read in place where they are proved to be digits, gathered where they are not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilery.dsl import parse, sizes
from tilery.dsl.program import AffineIndex, AxisIndex, GatherIndex, Load, Size, size_value, walk

NAMES = ("G", "P", "Q")


@pytest.mark.parametrize(
    ("index", "kind"),
    [
        ("(g * P + p) % P", GatherIndex),
        ("(g * P + p) % (G * P)", AffineIndex),
        ("(g * P + p) % (P + 1)", GatherIndex),
        ("(g * P + p + 1) % P", GatherIndex),
        ("p % G", GatherIndex),
        ("p % P", AxisIndex),
        ("(2 * p + 1) % 2", GatherIndex),
        ("(2 * p + 1) % (2 * P)", AffineIndex),
        ("(2 * p + 1) // 2", AxisIndex),
        ("(g * P + p) // P", GatherIndex),
        ("(g * P + p - 1) // P", GatherIndex),
    ],
)
def test_what_is_proved_is_no_gather(index: str, kind: type) -> None:
    body = f"    tile g of G, p of P:\n        y[g, p] = t[{index}, else 0] + u[g]\n"
    text = f"kernel f(t: f32[P], u: f32[G], v: f32[Q]) -> y: f32[G, P]:\n{body}"
    (definition,) = parse(text).kernels.values()
    (load,) = [each for each in walk(definition.specialise({}, {}).body) if isinstance(each, Load) and each.tensor.name == "t"]
    assert isinstance(load.index[0], kind)


SIZES = st.recursive(
    st.one_of(st.integers(-6, 6), st.sampled_from(NAMES)),
    lambda inner: st.tuples(st.sampled_from([sizes.plus, sizes.minus, sizes.times]), inner, inner).map(
        lambda x: x[0](x[1], x[2])
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(SIZES, SIZES, st.fixed_dictionaries({name: st.integers(1, 9) for name in NAMES}))
def test_parts_add_up(a: Size, b: Size, dims: dict[str, int]) -> None:
    first, second = sizes.parted(a, b)
    assert size_value(a, dims) == size_value(first, dims) * size_value(b, dims) + size_value(second, dims)
