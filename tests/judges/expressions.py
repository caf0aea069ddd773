"""Random expressions over named axes, each as the text of a tile and as the text over whole dimensions.

An expression has exactly the axes that it was asked for. What it is made of is drawn: tensors read at their axes in any order, at
shifted, strided and gathered places; arithmetic, comparisons and casts; reductions, scans, and contractions of computed operands.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["float", "int", "bool"]

TYPES: dict[Kind, tuple[str, ...]] = {
    "float": ("f32", "f32", "f32", "bf16", "f16", "f8e4m3", "f8e5m2"),
    "int": ("i32", "i32", "i16", "i8", "u8", "u16", "i4", "u4"),
    "bool": ("bool",),
}


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of tiles: a dimension, and the tile variable that cuts it if one does."""

    dim: str
    variable: str | None = None
    unit: bool = False
    """Its tiles are of one position."""

    @property
    def tile(self) -> str:
        """In brackets, in the tile text."""
        return self.variable or self.dim

    @property
    def positions(self) -> str:
        """As a value, in the tile text."""
        return self.variable or f"index[{self.dim}]"


@dataclass(frozen=True, slots=True)
class Part:
    """A value: its text in the tiles, and in the reference."""

    text: str
    whole: str


@dataclass(slots=True)
class Draft:
    """A kernel while it is drawn."""

    draw: random.Random
    smooth: bool
    """No comparisons, casts to integers and the like, which turn a rounding into another number altogether."""
    dims: dict[str, int]
    inputs: dict[str, str] = field(default_factory=dict)
    """The type of each argument, as written."""
    places: dict[str, str] = field(default_factory=dict)
    """Of arguments that hold positions: how many positions there are."""
    body: list[str] = field(default_factory=list)
    reference: list[str] = field(default_factory=list)
    axes: list[str] = field(default_factory=list)
    """The lines that give axes other names."""
    referenced: bool = True
    """The kernel's reference can be written."""
    names: int = 0

    def new(self, prefix: str) -> str:
        """A name that is not taken."""
        self.names += 1
        return f"{prefix}{self.names}"

    def chance(self, share: float) -> bool:
        """True in that share of cases."""
        return self.draw.random() < share

    def let(self, part: Part) -> Part:
        """Names a value, so that it may be read several times."""
        name, known = self.new("v"), self.new("r")
        self.body.append(f"        {name} = {part.text}")
        self.reference.append(f"        {known} = {part.whole}")
        return Part(name, known)


def joined(form: str, *parts: Part) -> Part:
    """A form filled in with the texts of values."""
    return Part(form.format(*(each.text for each in parts)), form.format(*(each.whole for each in parts)))


# --- reading ----------------------------------------------------------------------------------------------------------


def load(d: Draft, kind: Kind, axes: Sequence[Axis]) -> Part:
    """A new tensor, read at these axes in any order, perhaps at shifted places along one of them, perhaps gathered."""
    order = list(axes)
    d.draw.shuffle(order)
    name = d.new("x")
    dims, places, wholes = [], [], []
    fill = ""
    for axis in order:
        dim, place, whole = axis.dim, axis.tile, axis.dim
        form = d.draw.random()
        if form < 0.08:  # beyond the end
            dim, place, whole = f"{axis.dim} + 2", f"{axis.positions} + 1", f"index[{axis.dim}] + 1"
        elif form < 0.14:  # every other
            dim, place, whole = f"2 * {axis.dim}", f"2 * {axis.positions}", f"2 * index[{axis.dim}]"
        elif form < 0.2:  # backwards
            place, whole = f"{axis.dim} - 1 - {axis.positions}", f"{axis.dim} - 1 - index[{axis.dim}]"
        elif form < 0.3:  # outside
            shift = d.draw.choice(["- 1", "+ 1", "- 2", "+ 3"])
            place, whole = f"{axis.positions} {shift}", f"index[{axis.dim}] {shift}"
            fill = ", else " + ("true" if kind == "bool" else d.draw.choice(["0", "1", "3"]))
        elif form < 0.38:
            place, whole = gathered(d, axis)
            dim = "V"
        dims.append(dim)
        places.append(place)
        wholes.append(whole)
    if order and d.chance(0.05):  # a diagonal
        dims.append(order[-1].dim)
        places.append(order[-1].tile)
        wholes.append(order[-1].dim)
        if d.chance(0.3):
            dims[-1], places[-1], wholes[-1] = f"{order[-1].dim} + 1", f"{order[-1].positions} + 1", f"index[{order[-1].dim}] + 1"
    if d.chance(0.08):
        dims.append("2")
        places.append("1")
        wholes.append("1")
    if not dims:
        dims, places, wholes = ["V"], ["0"], ["0"]
    d.inputs[name] = f"{d.draw.choice(TYPES[kind])}[{', '.join(dims)}]"
    return Part(f"{name}[{', '.join(places)}{fill}]", f"{name}[{', '.join(wholes)}{fill}]")


def gathered(d: Draft, axis: Axis) -> tuple[str, str]:
    """Places along a dimension of V positions that a tensor of integers holds, perhaps computed further."""
    ids = d.new("at")
    d.inputs[ids] = f"i32[{axis.dim}]"
    d.places[ids] = "V"
    form = d.draw.choice(["{}[{}]", "{}[{}]", "({}[{}] + 1) % V", "(2 * {}[{}] + 3) % V", "V - 1 - {}[{}]"])
    return form.format(ids, axis.tile), form.format(ids, axis.dim)


# --- computing --------------------------------------------------------------------------------------------------------

EXACT_UNARY = (
    "-{}",
    "abs({})",
    "relu({})",
    "square({})",
    "({}) * 0.5",
    "({}) + 1",
    "1 - {}",
    "clamp({}, -3, 4)",
    "2 * ({})",
    "relu6({})",
)
SMOOTH_UNARY = (
    "exp(clamp({}, -2, 2))",
    "tanh({})",
    "sigmoid({})",
    "sqrt(abs({}) + 0.25)",
    "1 / (1 + abs({}))",
    "({}) / 3",
    "silu({})",
    "atan({})",
    "asinh({})",
    "tan(clamp({}, -1, 1))",
    "expm1(clamp({}, -2, 2))",
    "log1p(abs({}))",
    "sinh(clamp({}, -2, 2))",
    "cosh(clamp({}, -2, 2))",
    "acosh(1.25 + abs({}))",
    "atanh(clamp({}, -0.5, 0.5))",
    "hypot({}, 0.75)",
    "cbrt(abs({}) + 0.25)",
    "atan2({}, 1.5)",
    "sin({})",
    "log(1 + abs({}))",
    "erf({})",
    "rsqrt(1 + square({}))",
    "gelu({})",
    "gelu_tanh({})",
    "softplus({})",
    "mish({})",
    "softsign({})",
    "hardsigmoid({})",
    "hardswish({})",
)
ROUGH_UNARY = (
    "sign({})",
    "floor({})",
    "ceil(0.5 * ({}))",
    "round({} * 0.5)",
    "({}) % 3",
    "({}) // 2",
    "f32(i32({}))",
    "f32(i16({}))",
    "f32(i8({}))",
    "f32(u8({} * 40))",
    "where({0} == {0}, {0}, 1)",
    "where({0} != {0}, 3, {0})",
    "where(abs({0}) < inf, {0}, 2)",
)
ROUGH_BINARY = ("({}) % ({})", "({}) // ({})", "where({} > {}, 1.5, 2)")
BINARY = ("{} + {}", "({}) - ({})", "({}) * ({})", "max({}, {})", "min({}, {})")
CASTS = ("bf16({})", "f16({})", "f8e4m3({})", "f8e5m2({})")
INTEGER_UNARY = (
    "sign({})",
    "bit_not({})",
    "shift_left({}, 3)",
    "shift_right({}, 1)",
    "-({})",
    "abs({})",
    "square({})",
    "({}) + 7",
    "i8({})",
    "u8({})",
    "i16({})",
    "({}) ** 2",
    "({}) % 5",
    "({}) // 3",
)
BITS = ("bit_and({}, {})", "bit_or({}, {})", "bit_xor({}, {})", "shift_left({}, {})", "shift_right({}, {})")
INTEGER_BINARY = (*BINARY, "({}) // ({})", "({}) % ({})", "({}) ** ({})", "({}) * 1000003 + ({})", *BITS)


def expression(d: Draft, kind: Kind, axes: Sequence[Axis], depth: int) -> Part:
    """A value of a kind over exactly these axes."""
    if depth <= 0:
        return leaf(d, kind, axes)
    return {"float": floating, "int": whole_number, "bool": truth}[kind](d, axes, depth - 1)


def leaf(d: Draft, kind: Kind, axes: Sequence[Axis]) -> Part:
    """A tensor, or positions."""
    if kind == "int" and len(axes) == 1 and d.chance(0.3):
        return Part(axes[0].positions, f"index[{axes[0].dim}]")
    return load(d, kind, axes)


def floating(d: Draft, axes: Sequence[Axis], depth: int) -> Part:
    """A value of floats."""
    form = d.draw.random()
    if form < 0.25:
        return joined(d.draw.choice(unary_forms(d)), expression(d, "float", axes, depth))
    if form < 0.5:
        return pair(d, "float", d.draw.choice(BINARY if d.smooth else (*BINARY, *ROUGH_BINARY)), axes, depth)
    if form < 0.57 and not d.smooth:
        first, second = (expression(d, "float", axes, 0) for _ in range(2))
        return joined("where({}, {}, {})", expression(d, "bool", axes, depth), first, second)
    if form < 0.65:
        return joined(d.draw.choice(CASTS), expression(d, "float", axes, depth))
    if form < 0.7:
        return scan(d, "float", axes, depth) if d.chance(0.8) else end(d, "float", axes, depth)
    if form < 0.85:
        return contraction(d, axes, depth)
    if form < 0.93:
        return reduction(d, "float", axes, depth)
    if form < 0.95 and axes:
        return random_numbers(d, axes)
    return joined("f32({})", expression(d, "int", axes, min(depth, 1)))


def unary_forms(d: Draft) -> tuple[str, ...]:
    """Those that suit the kernel."""
    if d.smooth:
        return (*EXACT_UNARY, *SMOOTH_UNARY)
    return (*EXACT_UNARY, *ROUGH_UNARY)


def whole_number(d: Draft, axes: Sequence[Axis], depth: int) -> Part:
    """A value of integers."""
    form = d.draw.random()
    if form < 0.25:
        return joined(d.draw.choice(INTEGER_UNARY), expression(d, "int", axes, depth))
    if form < 0.5:
        return pair(d, "int", d.draw.choice(INTEGER_BINARY), axes, depth)
    if form < 0.6 and not d.smooth:
        cast = d.draw.choice(["i32({})", "i8({})", "u8({})", "i16({} * 50)"])
        return joined(cast, expression(d, "float", axes, depth))
    if form < 0.65:
        return scan(d, "int", axes, depth) if d.chance(0.8) else end(d, "int", axes, depth)
    if form < 0.75:
        return joined("where({}, {}, 2)", expression(d, "bool", axes, depth), expression(d, "int", axes, 0))
    return reduction(d, "int", axes, depth)


def truth(d: Draft, axes: Sequence[Axis], depth: int) -> Part:
    """A value of truth values."""
    form = d.draw.random()
    if form < 0.5:
        kind: Kind = "int" if d.smooth or d.chance(0.5) else "float"
        compare = d.draw.choice(["{} < {}", "{} <= {}", "{} > {}", "{} >= {}", "{} == {}", "{} != {}"])
        return joined(f"({compare})", expression(d, kind, axes, depth), expression(d, kind, axes, 0))
    if form < 0.55 and not d.smooth:
        return joined(d.draw.choice(["isnan({})", "isinf({})"]), expression(d, "float", axes, depth))
    if form < 0.65:
        return joined("(not {})", expression(d, "bool", axes, depth))
    if form < 0.8:
        return pair(d, "bool", d.draw.choice(["({} and {})", "({} or {})"]), axes, depth)
    return reduction(d, "bool", axes, depth)


def pair(d: Draft, kind: Kind, form: str, axes: Sequence[Axis], depth: int) -> Part:
    """Two operands, of which one may lack an axis."""
    fewer = [axis for axis in axes if d.chance(0.7)]
    parts = [expression(d, kind, axes, depth), expression(d, kind, fewer, d.draw.randint(0, depth))]
    if d.chance(0.5):
        parts.reverse()
    return Part(*(f"({each})" for each in (lambda p: (p.text, p.whole))(joined(form, *parts))))


def scan(d: Draft, kind: Kind, axes: Sequence[Axis], depth: int) -> Part:
    """A scan along a whole dimension, or within the tiles of one, forwards or backwards, of one operand or of two and a start."""
    along = [axis for axis in axes if axis.variable is None] or list(axes)
    if not along or any(axis.unit for axis in along):
        return expression(d, kind, axes, depth)
    axis = d.draw.choice(along)
    if axis.variable:
        d.referenced = False
    words = "".join(f", {word}" for word in ("exclusive", "reverse") if d.chance(0.2))
    if d.chance(0.4):
        return recurrence(d, kind, axes, axis, words, depth)
    # A product of floats soon comes to more than they hold, and the ends of a minimum of none are no numbers to go on with.
    fn = d.draw.choice(["cumsum", "cummax", "cummin", *(["cumprod"] if kind == "int" else [])])
    if fn in ("cummax", "cummin"):
        words = words.replace(", exclusive", "")
    return bracketed(f"{fn}[{{}}{words}]", axis, expression(d, kind, axes, depth))


def recurrence(d: Draft, kind: Kind, axes: Sequence[Axis], axis: Axis, words: str, depth: int) -> Part:
    """h = a h + b along an axis; factors may lack other axes, and a start lacks this one."""
    factor = expression(d, kind, [each for each in axes if each == axis or d.chance(0.6)], 0)
    steady = joined("clamp({}, -1, 1)", factor)
    parts = [steady, expression(d, kind, axes, depth)]
    if d.chance(0.5):
        parts.append(expression(d, kind, [each for each in axes if each != axis and d.chance(0.8)], 0))
    return bracketed(f"scan[{{}}{words}]", axis, *parts)


def end(d: Draft, kind: Kind, axes: Sequence[Axis], depth: int) -> Part:
    """The first or last element along a whole dimension that the value has besides."""
    over = others(d, axes)[:1]
    order = [*axes, *over]
    d.draw.shuffle(order)
    part = expression(d, kind, order, depth)
    return bracketed(d.draw.choice(["first[{}]", "last[{}]"]), over[0], part) if over else part


def bracketed(form: str, axis: Axis, *parts: Part) -> Part:
    """A function with an axis in brackets, of some values."""
    texts, wholes = ", ".join(each.text for each in parts), ", ".join(each.whole for each in parts)
    return Part(f"{form.format(axis.tile)}({texts})", f"{form.format(axis.dim)}({wholes})")


def random_numbers(d: Draft, axes: Sequence[Axis]) -> Part:
    """Uniform numbers that depend on their positions."""
    key = d.draw.choice(["3", "-1", "7, 2"])
    text, whole = (", ".join(names) for names in ([axis.tile for axis in axes], [axis.dim for axis in axes]))
    return Part(f"rand[{text}]({key})", f"rand[{whole}]({key})")


def others(d: Draft, axes: Sequence[Axis]) -> list[Axis]:
    """Whole dimensions that are none of these, one or two."""
    taken = {axis.dim for axis in axes}
    free = [Axis(name) for name in d.dims if name not in taken and name != "V"]
    d.draw.shuffle(free)
    return free[: d.draw.choice([1, 1, 2, 3])]


def reduction(d: Draft, kind: Kind, axes: Sequence[Axis], depth: int) -> Part:
    """Something with more axes, reduced."""
    over = others(d, axes)
    if not over:
        return expression(d, kind, axes, depth)
    order = [*axes, *over]
    d.draw.shuffle(order)
    choices: dict[Kind, list[tuple[str, Kind]]] = {
        "float": [("sum", "float"), ("max", "float"), ("min", "float"), ("sum", "float")],
        "int": [("sum", "int"), ("max", "int"), ("min", "int"), ("prod", "int"), ("sum", "bool")],
        "bool": [("any", "bool"), ("all", "bool")],
    }
    if kind == "float":
        choices[kind] += [("mean", "float"), ("mean", "int"), ("mean", "bool")] if d.smooth else []
    if kind == "int" and len(over) == 1:
        choices[kind] += [("argmax", "int"), ("argmin", "int")]
        choices[kind] += [] if d.smooth else [("argmax", "float"), ("argmin", "float")]
    fn, operand = d.draw.choice(choices[kind])
    return joined(f"{fn}[{', '.join(axis.tile for axis in over)}]({{}})", expression(d, operand, order, depth))


def contraction(d: Draft, axes: Sequence[Axis], depth: int) -> Part:
    """A sum of products of two computed operands; axes are rows, columns or batch axes by chance."""
    over = others(d, axes)
    if not over:
        return expression(d, "float", axes, depth)
    sides = [d.draw.choice("lrb") for _ in axes]
    left = [*(axis for axis, side in zip(axes, sides, strict=True) if side in "lb"), *over]
    right = [*(axis for axis, side in zip(axes, sides, strict=True) if side in "rb"), *over]
    d.draw.shuffle(left)
    d.draw.shuffle(right)
    names = ", ".join(axis.tile for axis in over)
    parts = expression(d, "float", left, depth), expression(d, "float", right, depth)
    if d.chance(0.5):
        return joined(f"sum[{names}](({{}}) * ({{}}))", *parts)
    element = d.draw.choice(["f32", "f32", "f32", "bf16"])
    made = [joined(f"{element}({{}})", each) for each in parts]
    whole = joined(f"sum[{names}](({{}}) * ({{}}))", *made).whole
    return Part(joined(f"dot[{names}]({{}}, {{}})", *made).text, whole)


def square_sum(d: Draft, axes: Sequence[Axis], depth: int) -> Part:
    """A variance as kernels write it: the operand of a contraction is computed, and both are the same."""
    over = others(d, axes)
    order = [*axes, *over]
    d.draw.shuffle(order)
    part = d.let(expression(d, "float", order, depth))
    return joined(f"sum[{', '.join(axis.tile for axis in over)}](square({{}} - 1))", part) if over else part
