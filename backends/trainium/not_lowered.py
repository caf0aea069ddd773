"""What the lowering does not know yet: tiles that are written in parts or read in brackets."""

from __future__ import annotations

from tilery.backends.machine.errors import CannotLower, said
from tilery.backends.simplify.rewriter import Body
from tilery.dsl.program import Cut, Insert, walk


def refuse_held(body: Body, chip: str) -> None:
    """Raises CannotLower for the first tile of a program that is written in parts or cut."""
    for each in walk(body):
        if isinstance(each, Insert):
            why = f"{said(each.tile)} is written in parts"
            raise CannotLower("TK530", chip, each.result.span, why, "compute the part anew where it is read")
        if isinstance(each, Cut):
            why = f"part of {said(each.tile)} is read, or all of it under another axis"
            raise CannotLower(
                "TK530", chip, each.result.span, why, "compute that part by itself, along the axis that it is read along"
            )
