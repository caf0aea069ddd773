"""PSUM banks that products share, one after the other, where each cannot have its own.

i = sigmoid(x @ wi)    the bank of x @ wi is free as soon as sigmoid has read it
f = sigmoid(x @ wf)    x @ wf may be left there, if it has the same axes

A product that takes its place waits until the one before it has been read. So it is a choice, `banks.products`.
"""

from __future__ import annotations

from tilery.backends.machine.choices import SLOTS, Choices
from tilery.backends.machine.engine_program import Buffer
from tilery.dsl.program import Dot

from ..lowering.builder import Builder
from .aliases import others_in

OWN, SHARED = "own", "shared"
SEVERAL = 3
"""So many banks have to become free for sharing to be tried where every tile can have one bank of its own."""


def wants_sharing(builder: Builder, choices: Choices) -> bool:
    """Whether products share banks, asked of a lowering in which each has its own."""
    banks, own = builder.chip.psum.banks, sum(buffer.memory == "psum" for buffer in builder.buffers)
    alike = len({(each.axes, each.partition, each.element) for each in builder.products})
    spare = len(builder.products) - alike
    if not spare or (own <= banks and (spare < SEVERAL or 2 * own <= banks)):
        return False
    options = (SHARED, OWN) if own > banks else (OWN, SHARED)
    reason = f"{own} tiles in {banks} banks have few slots; of products that share a bank, one waits until another is read"
    return choices.pick("banks.products", options, reason) == SHARED


def product_buffer(builder: Builder, op: Dot) -> Buffer:
    """A buffer in PSUM for a product: a new one, or that of an earlier product of the same step which nothing reads any more."""
    value, partition = op.result, builder.layout[op.result]
    for earlier in builder.frames[-1].allocates if builder.shares_banks else ():
        alike = (earlier.axes, earlier.partition, earlier.element) == (value.axes, partition, value.element)
        if earlier in builder.products and alike and not others_in(builder, earlier):
            return earlier
    name = builder.label(value)
    slots = builder.choices.slots(f"buffers.{name}", SLOTS, 2, f"products {name} that are alive at once in PSUM")
    made = builder.buffer(name, "psum", value.element, value.axes, partition, slots)
    builder.products.append(made)
    return made
