"""Random kernels, valid by construction, each with its reference: what the engine and the emulator have never been shaped to.

A kernel has one of three skeletons: blocks of a result with sums of products over loops; rows with reductions along them; a sum
over a loop that carries a running maximum. Elementwise work, casts, vectors, transposed operands and second results are drawn
into them. Every tile is kept with the expression over whole dimensions that it stands for, which becomes the reference.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tile:
    """A value of the kernel's text, and what it is in the reference."""

    name: str
    whole: str


@dataclass
class Draft:
    """A kernel while it is drawn."""

    draw: random.Random
    inputs: dict[str, str] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    body: list[str] = field(default_factory=list)
    reference: list[str] = field(default_factory=list)
    names: int = 0

    def new(self, prefix: str) -> str:
        """A name that is not taken."""
        self.names += 1
        return f"{prefix}{self.names}"

    def take(self, *axes: str) -> Tile:
        """A new input, read at some axes: its dimensions are the axes' own, in one order or another."""
        order = list(axes)
        if self.draw.random() < 0.3:
            order.reverse()
        name = self.new("x")
        dims = ", ".join(each.upper() for each in order)
        self.inputs[name] = f"T[{dims}]"
        return Tile(f"{name}[{', '.join(order)}]", f"{name}[{dims}]")

    def let(self, text: str, whole: str, indent: int = 2) -> Tile:
        """Names a value."""
        name, known = self.new("v"), self.new("r")
        self.body.append("    " * indent + f"{name} = {text}")
        self.reference.append(f"        {known} = {whole}")
        return Tile(name, known)

    def give(self, value: Tile, *axes: str) -> None:
        """Stores a value as a new result."""
        name = self.new("y")
        dims = ", ".join(each.upper() for each in axes)
        self.results[name] = f"T[{dims}]"
        self.body.append(f"        {name}[{', '.join(axes)}] = {value.name}")
        self.reference.append(f"        {name}[{dims}] = {value.whole}")

    def text(self, header: str) -> str:
        """The kernel."""
        inputs = ", ".join(f"{name}: {kind}" for name, kind in self.inputs.items())
        results = ", ".join(f"{name}: {kind}" for name, kind in self.results.items())
        results = f"({results})" if len(self.results) > 1 else results
        lines = [f"kernel drawn({inputs}) -> {results}:", '    """A random kernel."""', "    reference:", *self.reference]
        return "\n".join([*lines, f"    {header}:", *self.body, ""])


UNARY = ("relu({})", "abs({})", "tanh({})", "sigmoid({})", "({}) * 0.5", "({}) + 1", "exp(clamp({}, -2, 2))", "1 - {}")
BINARY = ("{} + {}", "{} - {}", "({}) * ({})", "max({}, {})", "min({}, {})", "where({} > 1000, 0.25, {})")


def elementwise(draft: Draft, value: Tile, others: list[Callable[[], Tile]], steps: int) -> Tile:
    """A few elementwise steps on a tile, with further operands now and then."""
    for _ in range(steps):
        if others and draft.draw.random() < 0.4:
            form, other = draft.draw.choice(BINARY), draft.draw.choice(others)()
            value = draft.let(form.format(value.name, other.name), form.format(value.whole, other.whole))
        else:
            form = draft.draw.choice(UNARY)
            value = draft.let(form.format(value.name), form.format(value.whole))
    return value


def blocks(draft: Draft) -> str:
    """`y[m, n]` from products summed over k, and whatever comes after."""
    sums = draft.draw.randint(0, 2)
    value: Tile | None = None
    for _ in range(sums):
        left, right, total = draft.take("m", "k"), draft.take("k", "n"), draft.new("acc")
        draft.body += [
            f"        {total} = zeros[m, n]",
            "        for k of K:",
            f"            {total} += {left.name} @ {right.name}",
        ]
        known = draft.new("r")
        draft.reference.append(f"        {known} = sum[K]({left.whole} * {right.whole})")
        found = Tile(total, known)
        value = found if value is None else draft.let(f"{value.name} + {found.name}", f"{value.whole} + {found.whole}")
    if value is None:
        value = draft.take("m", "n")
    vectors = [lambda: draft.take("m", "n"), lambda: draft.take("n"), lambda: draft.take("m")]
    value = elementwise(draft, value, vectors, draft.draw.randint(0, 4))
    draft.give(value, *draft.draw.choice([("m", "n"), ("m", "n"), ("n", "m")]))
    if draft.draw.random() < 0.3:
        draft.give(elementwise(draft, value, [], 1), "m", "n")
    return "tile m of M, n of N" if draft.draw.random() < 0.8 else "tile n of N, m of M"


def rows(draft: Draft) -> str:
    """Rows that are read whole, reduced, and perhaps multiplied into a matrix."""
    row = elementwise(draft, draft.take("m", "N"), [lambda: draft.take("N")], draft.draw.randint(0, 2))
    for _ in range(draft.draw.randint(1, 2)):
        kind = draft.draw.choice(["sum", "max", "min"])
        scale = " * 0.01" if kind == "sum" else ""
        reduced = draft.let(f"{kind}[N]({row.name}){scale}", f"{kind}[N]({row.whole}){scale}")
        form = draft.draw.choice(("{} - {}", "({}) * tanh({})", "max({}, {})"))
        row = draft.let(form.format(row.name, reduced.name), form.format(row.whole, reduced.whole))
    row = elementwise(draft, row, [lambda: draft.take("m"), lambda: draft.take("m", "N")], draft.draw.randint(0, 2))
    draft.give(row, "m", "N")
    if draft.draw.random() < 0.4:
        draft.give(draft.let(f"max[N]({row.name})", f"max[N]({row.whole})"), "m")
    return "tile m of M"


def running(draft: Draft) -> str:
    """A softmax-weighted sum over a loop, with a running maximum: the carried chain of attention."""
    scores, values = draft.take("m", "k"), draft.take("k", "n")
    draft.body += [
        "        top = full[m](-inf)",
        "        total = zeros[m]",
        "        acc = zeros[m, n]",
        "        for k of K:",
        f"            s = {scores.name} * 0.5",
        "            new = max(top, max[k](s))",
        "            p = exp(s - new)",
        "            fade = exp(top - new)",
        "            total = total * fade + sum[k](p)",
        f"            acc = acc * fade + T(p) @ {values.name}",
        "            top = new",
    ]
    draft.reference += [f"        s = {scores.whole} * 0.5", "        p = exp(s - max[K](s))"]
    draft.reference.append(f"        out = sum[K](p * {values.whole}) / sum[K](p)")
    value = elementwise(draft, Tile("acc / total", "out"), [lambda: draft.take("m", "n")], draft.draw.randint(0, 2))
    draft.give(value, "m", "n")
    return "tile m of M, n of N"


def kernel_text(seed: int) -> str:
    """A random kernel over the dimensions M, N and K, as far as it needs them; the same for the same seed."""
    draft = Draft(random.Random(seed))
    skeleton = draft.draw.choices([blocks, rows, running], [3, 2, 1])[0]
    return draft.text(skeleton(draft))
