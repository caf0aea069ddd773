"""Random kernels, valid by construction: what no execution has been shaped to.

A kernel writes one to three results in a `tile` loop: computed tiles, parts of a split sum, windows that overlap, strided places,
scatters through computed positions, what `for` loops carry, and tiles written in parts and read at other places. Sizes are small
and ragged. Arguments are small whole numbers, so that as many kernels as can be are exact and are compared to the bit, or random
floats for those that are smooth. In three kernels of five a share of them is extreme: NaN, infinities, denormals, -0.0, the ends
of the integers, what no narrower type holds.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tilery import dsl
from tilery.backends.numbers.rounding import integer_limits, largest_and_smallest, numpy_dtype
from tilery.dsl import bind_dimensions, check_requirements, program
from tilery.dsl.types import ELEMENT_TYPES, ElementType

from .drafts import free_dims, result, some_whole
from .expressions import TYPES, Axis, Draft, Kind, Part, expression, joined, square_sum
from .held import in_parts
from .memory import Array

DIMS = ("B", "M", "N", "K", "S")


@dataclass(frozen=True, slots=True)
class Case:
    """A kernel and what to call it with."""

    seed: int
    text: str
    tiles: dict[str, int]
    arguments: dict[str, Array | float]
    smooth: bool
    """Roundings change its results a little only."""
    unrounded: bool
    """It rounds nothing to a type narrower than f32, so its reference gives what it gives."""

    def __str__(self) -> str:
        sizes = {name: np.shape(each) for name, each in self.arguments.items()}
        return f"{self.text}\nseed {self.seed}, shapes {sizes}, tiles {self.tiles}"


def case(seed: int) -> Case:
    """A random kernel with arguments; the same for the same seed."""
    draw = random.Random(seed)
    dims = {name: draw.choice([1, 2, 3, 4, 5, 7]) for name in draw.sample(DIMS, draw.randint(2, 4))} | {"V": draw.randint(2, 5)}
    draft = Draft(draw, draw.random() < 0.35, dims)
    text, variables = _kernel(draft)
    if draw.random() < 0.05:  # only one chip has it
        text = text.replace("f8e4m3[", "f8e4m3fn[")
    tiles = {each.tile: 1 if each.unit else draw.randint(1, dims[each.dim] + 1) for each in variables if each.variable}
    arguments = _arguments(draft, text)
    return Case(seed, text, tiles, arguments, draft.smooth, _unrounded(text))


def _unrounded(text: str) -> bool:
    return not any(name in text for name in ("bf16", "f16", "f8e", "i8", "i16", "i4", "u8", "u16", "u4"))


def _arguments(d: Draft, text: str) -> dict[str, Array | float]:
    """Small whole numbers, floats for a smooth kernel; positions where they are such; in some kernels a share of extreme ones."""
    rng = np.random.default_rng(d.draw.getrandbits(32))
    found: dict[str, Array | float] = {}
    wild = d.draw.choice([0.0, 0.0, 0.03, 0.15, 0.5])
    (definition,) = dsl.parse(text).kernels.values()
    for tensor in definition.specialise({}, {}).signature.tensors:
        t = ELEMENT_TYPES[str(tensor.dtype)]
        shape = [program.size_value(size, d.dims) for size in tensor.shape]
        if tensor.name in d.places:
            numbers = rng.integers(0, d.dims[d.places[tensor.name]], shape).astype(np.float64)
        elif t.kind == "bool":
            numbers = rng.integers(0, 2, shape).astype(np.float64)
        elif d.smooth and t.kind == "float":
            numbers = rng.standard_normal(shape)
        else:
            numbers = rng.integers(0 if t.name[0] == "u" else -3, 4, shape).astype(np.float64)
        if wild and t.kind != "bool" and tensor.name not in d.places:
            extremes = _extremes(t, d.smooth)
            numbers = np.where(rng.random(shape) < wild, rng.choice(extremes, shape), numbers)
        found[tensor.name] = numbers.astype(numpy_dtype(t))
    if d.chance(0.2) and "V" in d.dims:
        _made_strided(found)
    return found


def _extremes(t: ElementType, smooth: bool) -> list[float]:
    """Numbers at which formats end, and those that are none."""
    if t.kind == "int":
        low, high = integer_limits(t)
        some = [low, low + 1, high, high - 1, 0, 1, 2, 127, 128, 255, 256, 32768, -129, -32769]
        return [float(each) for each in some if low <= each <= high]
    if smooth:
        return [np.nan, np.inf, -np.inf, -0.0]
    largest, smallest = largest_and_smallest(t)
    beyond = [0.5, 1.5, 2.5, 100, 127.5, 200, 256, 40000, 2.0**24, 2.0**31, -(2.0**31), -129, -0.5, 3 * smallest, -smallest]
    return [np.nan, np.nan, np.inf, -np.inf, -0.0, -0.0, largest, -largest, smallest, *(x for x in beyond if abs(x) <= largest)]


def _made_strided(arguments: dict[str, Array | float]) -> None:
    """The same numbers in arrays that do not lie together."""
    for name, each in arguments.items():
        array: Any = np.zeros([2 * extent for extent in np.shape(each)], np.asarray(each).dtype)
        array[tuple(slice(0, None, 2) for _ in array.shape)] = each
        arguments[name] = array[tuple(slice(0, None, 2) for _ in array.shape)]


# --- the kernel ---------------------------------------------------------------------------------------------------------


def _kernel(d: Draft) -> tuple[str, list[Axis]]:
    names = [name for name in d.dims if name != "V"]
    tiled = d.draw.sample(names, d.draw.randint(1, max(1, len(names) - 1)))
    axes = [Axis(name, name.lower(), d.chance(0.15)) for name in tiled]
    results: dict[str, str] = {}
    extra: list[Axis] = []
    for _ in range(d.draw.choice([1, 1, 2, 3])):
        form = d.draw.choice(
            [_plain, _plain, _split, _overlapping, _scattered, _digits, _looped, _looped, _counted, in_parts, in_parts]
        )
        extra += form(d, axes, results)
    temps, later = _phased(d, results, extra) if d.chance(0.3) else ([], [])
    if d.chance(0.3):
        _updated(d, results)
    # An argument that says how many places there are, if nothing else does.
    sizes = ", ".join(each for each in dict.fromkeys(names + ["V"] * ("V" in " ".join([*d.inputs.values(), *results.values()]))))
    inputs = ", ".join(f"{name}: {kind}" for name, kind in {**d.inputs, "like": f"bool[{sizes}]"}.items())
    given = ", ".join(f"{name}: {kind}" for name, kind in results.items())
    heads = ", ".join(f"{each.variable} of {each.dim}" + (" by 1" if each.unit else "") for each in axes)
    lines = [f"kernel drawn({inputs})" + (f" -> ({given}):" if given else ":")]
    lines += ["    reference:", *d.reference] if d.referenced else []
    return "\n".join([*lines, *d.axes, *temps, f"    tile {heads}:", *d.body, *later, ""]), [*axes, *extra]


def _updated(d: Draft, results: dict[str, str]) -> None:
    """A result becomes an argument that is updated in place: overwritten, from what it was perhaps, or folded into."""
    name = d.draw.choice(list(results))
    numbers = [number for number, line in enumerate(d.body) if line.strip().startswith(f"{name}[")]
    if len(numbers) != 1:
        return
    kind = results.pop(name)
    d.inputs[name] = f"inout {kind}"
    stored = re.fullmatch(r"(.*?\]) (\+?=) (.*)", d.body[numbers[0]].strip())
    assert stored is not None
    place, sign, value = stored.groups()
    folds = ["+=", "max=", "min="]
    chosen = sign if kind.startswith("bool") else d.draw.choice([sign, sign, *folds, *(["old"] if sign == "=" else [])])
    if sign == "+=" and chosen != "+=":
        d.referenced = False
    own = chosen == "old"
    d.body[numbers[0]] = f"        {place} = {value} - {place}" if own else f"        {place} {chosen} {value}"
    for number, line in enumerate(d.reference):
        if line.strip().startswith(f"{name}["):
            whole, text = line.strip().split(" = ", 1)
            d.reference[number] = f"        {whole} = {text} - {whole}" if own else f"        {whole} {chosen} {text}"


def _phased(d: Draft, results: dict[str, str], extra: list[Axis]) -> tuple[list[str], list[str]]:
    """The last result becomes a `temp` that a second phase reads, backwards perhaps: what declares it, and that phase."""
    temp, kind = list(results.items())[-1]
    dims = kind.split("[")[1].rstrip("]").split(", ")
    if not all(each in d.dims for each in dims) or len(set(dims)) < len(dims):
        return [], []
    if d.referenced and not any(f"{temp}[{dims[0]}" in line for line in d.reference):
        return [], []  # it is written along an axis of another name there
    del results[temp]
    name = d.new("z")
    results[name] = kind
    axes = [Axis(each, d.new("q"), d.chance(0.15)) for each in dims]
    extra += axes
    back = d.chance(0.4)
    turned = [f"{dims[0]} - 1 - {axes[0].positions}" if back else axes[0].tile, *(each.tile for each in axes[1:])]
    heads = ", ".join(f"{each.variable} of {each.dim}" + (" by 1" if each.unit else "") for each in axes)
    later = [f"    tile {heads}:", f"        {name}[{', '.join(turned)}] = {temp}[{', '.join(each.tile for each in axes)}]"]
    place = f"{dims[0]} - 1 - index[{dims[0]}]" if back else dims[0]
    d.reference[:] = [each.replace(f"{temp}[{dims[0]}", f"{name}[{place}", 1) for each in d.reference]
    return [f"    temp {temp}: {kind}"], later


def _kind(d: Draft) -> Kind:
    kinds: list[Kind] = ["float", "float", "float", "int", "bool"]
    return d.draw.choice(kinds)


def _value(d: Draft, kind: Kind, axes: Sequence[Axis]) -> Part:
    """A named value over exactly these axes."""
    depth = d.draw.randint(1, 4)
    if kind == "float" and d.chance(0.15):
        return d.let(square_sum(d, axes, depth - 1))
    return d.let(expression(d, kind, axes, depth))


def _plain(d: Draft, axes: Sequence[Axis], results: dict[str, str]) -> list[Axis]:
    order = [*axes, *some_whole(d, axes)]
    kind = _kind(d)
    value = _value(d, kind, order)
    d.draw.shuffle(order)
    stored: Kind = kind
    if kind != "bool" and not d.smooth and d.chance(0.2):
        stored = "int" if kind == "float" else "float"
    name = result(d, results, stored, [axis.dim for axis in order])
    d.body.append(f"        {name}[{', '.join(axis.tile for axis in order)}] = {value.text}")
    d.reference.append(f"        {name}[{', '.join(axis.dim for axis in order)}] = {value.whole}")
    return []


def _split(d: Draft, axes: Sequence[Axis], results: dict[str, str]) -> list[Axis]:
    """A sum over a tile axis, part by part."""
    over = d.draw.choice(list(axes))
    kept = [axis for axis in axes if axis is not over] + some_whole(d, axes)
    d.draw.shuffle(kept)
    if not kept:
        return _plain(d, axes, results)
    kind: Kind = d.draw.choice(["float", "float", "int"])
    value = d.let(joined(f"sum[{over.tile}]({{}})", expression(d, kind, [*kept, over], 2)))
    name = result(d, results, kind, [axis.dim for axis in kept], adding=True)
    d.body.append(f"        {name}[{', '.join(axis.tile for axis in kept)}] += {value.text}")
    whole = f"sum[{over.dim}]({expression_again(value.whole, d)})"
    d.reference.append(f"        {name}[{', '.join(axis.dim for axis in kept)}] = {whole}")
    return []


def expression_again(name: str, d: Draft) -> str:
    """What the last named value of the reference is the sum of."""
    line = d.reference.pop()
    assert line.strip().startswith(f"{name} = sum[")
    return line.split("](", 1)[1][:-1]


def _overlapping(d: Draft, axes: Sequence[Axis], results: dict[str, str]) -> list[Axis]:
    """Windows: two axes whose positions add up to a place, with strides."""
    order = [*axes, *some_whole(d, axes)]
    if len(order) < 2:
        return _plain(d, axes, results)
    d.draw.shuffle(order)
    kind: Kind = d.draw.choice(["float", "float", "int"])
    value = _value(d, kind, order)
    first, second, *rest = order
    a, b = d.draw.choice([1, 1, 2, 3]), d.draw.choice([1, 1, 2])
    dims = [f"{a} * {first.dim} + {b} * {second.dim} - {a + b - 1}", *(axis.dim for axis in rest)]
    places = [f"{a} * {first.positions} + {b} * {second.positions}", *(axis.tile for axis in rest)]
    return _adding(d, results, kind, dims, places, value)


def _scattered(d: Draft, axes: Sequence[Axis], results: dict[str, str]) -> list[Axis]:
    """Through positions that are computed, some of them alike; perhaps another index overlaps as well."""
    order = [*axes, *some_whole(d, axes)]
    kind: Kind = d.draw.choice(["float", "int"])
    value = _value(d, kind, order)
    d.draw.shuffle(order)
    cut = d.draw.randint(1, len(order))
    ats, rest = order[:cut], order[cut:]
    some = [axis for axis in ats if d.chance(0.8)] or ats
    spread = "".join(f" + {axis.positions}" for axis in ats if axis not in some)
    total = joined("{}" + spread, expression(d, "int", some, 1))
    where = d.let(joined("({}) % V", total))
    dims, places = ["V", *(axis.dim for axis in rest)], [where.text, *(axis.tile for axis in rest)]
    if rest and d.chance(0.3):
        dims[1], places[1] = f"{rest[0].dim} + 1", f"{rest[0].positions} + 1"
    return _adding(d, results, kind, dims, places, value)


def _adding(d: Draft, results: dict[str, str], kind: Kind, dims: Sequence[str], places: Sequence[str], value: Part) -> list[Axis]:
    name = result(d, results, kind, dims, adding=True)
    d.body.append(f"        {name}[{', '.join(places)}] += {value.text}")
    d.referenced = False
    return []


def _digits(d: Draft, axes: Sequence[Axis], results: dict[str, str]) -> list[Axis]:
    """Two axes nested like digits, backwards perhaps."""
    order = [*axes, *some_whole(d, axes)]
    if len(order) < 2:
        return _plain(d, axes, results)
    kind = _kind(d)
    value = _value(d, kind, order)
    d.draw.shuffle(order)
    high, low, *rest = order
    name = result(d, results, kind, [f"{high.dim} * {low.dim}", *(axis.dim for axis in rest)])
    places = [f"{high.positions} * {low.dim} + {low.positions}", *(axis.tile for axis in rest)]
    d.body.append(f"        {name}[{', '.join(places)}] = {value.text}")
    d.referenced = False
    return []


# --- loops --------------------------------------------------------------------------------------------------------------


def _looped(d: Draft, axes: Sequence[Axis], results: dict[str, str]) -> list[Axis]:
    """A sum, a maximum or a count that a `for` carries, over a dimension cut into tiles, perhaps cut again or with a guard."""
    kept = [*axes, *some_whole(d, axes)]
    free = free_dims(d, kept)
    if not free:
        return _plain(d, axes, results)
    loop = Axis(d.draw.choice(free), d.new("k"), d.chance(0.2))
    inner = loop if d.chance(0.75) or loop.unit else Axis(loop.dim, d.new("q"))
    names, unit = ", ".join(axis.tile for axis in kept), " by 1" if loop.unit else ""
    guard = f" if any({d.draw.choice(list(axes)).tile} >= {loop.variable})" if d.chance(0.25) else ""
    kind: Kind = d.draw.choice(["float", "float", "int"])
    zero = "0.0" if kind == "float" else "0"
    start, update = d.draw.choice(
        [
            (zero, "{0} + sum[{1}]({2})"),
            (zero, "{0} + {3}"),
            ("-inf" if kind == "float" else "-100", "max({0}, max[{1}]({2}))"),
            (zero, "{0} - sum[{1}]({2})"),
            ("1.0" if kind == "float" else "1", "where({0} > 4, 1, {0} + max[{1}]({2}))" if not d.smooth else "max({0}, {3})"),
        ]
    )
    total, mark = d.new("total"), len(d.body)
    term = expression(d, kind, [*kept, inner], 2).text if "{2}" in update else ""
    product = _product(d, kind, kept, inner) if "{3}" in update else ""
    assert len(d.body) == mark, "nothing is named in a loop"
    d.body += [f"        {total} = full[{names}]({start})", f"        for {loop.variable} of {loop.dim}{unit}{guard}:"]
    indent = " " * 12
    if inner is not loop:
        d.body.append(f"{indent}for {inner.variable} of {loop.variable}:")
        indent += "    "
    d.body.append(f"{indent}{total} = " + update.format(total, inner.tile, term, product))
    order = list(kept)
    d.draw.shuffle(order)
    name = result(d, results, kind, [axis.dim for axis in order])
    d.body.append(f"        {name}[{', '.join(axis.tile for axis in order)}] = {total}")
    d.referenced = False
    return [loop] if inner is loop else [loop, inner]


def _product(d: Draft, kind: Kind, kept: Sequence[Axis], inner: Axis) -> str:
    """A contraction over the loop's axis, of operands of one float type, or of any integers."""
    where = [d.draw.choice("lrb") for _ in kept]
    left = [axis for axis, side in zip(kept, where, strict=True) if side in "lb"]
    right = [axis for axis, side in zip(kept, where, strict=True) if side in "rb"]
    element = d.draw.choice(["f32", "f32", "bf16"])
    types = [d.draw.choice(TYPES["int"]) for _ in (left, right)] if kind == "int" else [element, element]
    made = [joined(f"{t}({{}})", expression(d, kind, [*each, inner], 1)) for t, each in zip(types, (left, right), strict=True)]
    return f"dot[{inner.tile}]({made[0].text}, {made[1].text})"


def _counted(d: Draft, axes: Sequence[Axis], results: dict[str, str]) -> list[Axis]:
    """A stencil: a loop that counts, and reads beside."""
    kept = [*axes, *some_whole(d, axes)]
    d.draw.shuffle(kept)
    first, *rest = kept
    name, weight, total, counter = d.new("x"), d.new("x"), d.new("total"), d.new("r")
    steps = d.draw.randint(1, 3)
    d.inputs[name] = f"{d.draw.choice(TYPES['float'])}[{', '.join(axis.dim for axis in kept)}]"
    d.inputs[weight] = "f32[3]"
    place = ", ".join([f"{first.positions} + {counter} - 1", *(axis.tile for axis in rest)])
    d.body += [
        f"        {total} = zeros[{', '.join(axis.tile for axis in kept)}]",
        f"        for {counter} in 0..{steps}:",
        f"            {total} += {name}[{place}, else 2] * {weight}[{counter}]",
    ]
    d.draw.shuffle(kept)
    stored = result(d, results, "float", [axis.dim for axis in kept])
    d.body.append(f"        {stored}[{', '.join(axis.tile for axis in kept)}] = {total}")
    d.referenced = False
    return []


def checked(made: Case) -> program.Program:
    """The case's program, and that it is right: raises what `dsl` raises if it is not."""
    (definition,) = dsl.parse(made.text).kernels.values()
    kernel = definition.specialise({}, {})
    shapes = {each.name: np.shape(made.arguments[each.name]) for each in kernel.signature.tensors}
    check_requirements(kernel, bind_dimensions(kernel.signature, shapes))
    return kernel


Form = Callable[[Draft, Sequence[Axis], dict[str, str]], list[Axis]]
FORMS: tuple[Form, ...] = (
    *(_plain, _plain, _split, _overlapping, _scattered, _digits),
    *(_looped, _looped, _counted, in_parts, in_parts),
)
"""What may write a result; those that stand there twice do so twice as often."""
