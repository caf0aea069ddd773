"""The kernel as it is lowered, a line a pass: in the chip's vocabulary, nothing computed twice or in a loop for nothing."""

from __future__ import annotations

from functools import partial

from tilery.backends.simplify.carried_steps import without_step_axes
from tilery.backends.simplify.hoist import hoist
from tilery.backends.simplify.inline import inline
from tilery.backends.simplify.passes import Pass
from tilery.backends.simplify.prune import prune
from tilery.backends.simplify.rewriter import Body
from tilery.backends.simplify.share import share
from tilery.backends.trainium.chip_tables import TrainiumChip
from tilery.dsl.program import Load, Op

from ..fusion.early import early
from .passing import Passing
from .repeat import repeat
from .vocabulary import translate


def passes(chip: TrainiumChip) -> tuple[Pass, ...]:
    """The passes, in order."""
    known = frozenset({*chip.scalar.instructions, *chip.vector.instructions})
    return (
        Pass("inline", "calls opened up, but for what the chip knows as an instruction", partial(inline, known=known)),
        Pass("vocabulary", "in operations that the chip's engines have", partial(translate, chip=chip)),
        Pass("share", "what is computed twice computed once", partial(share, apart=_is_load)),
        Pass("hoist", "what no step of a loop changes computed before the loop", _hoist_instructions),
        Pass("steps", "what loops by 1 carry computed without the loop's axis", without_step_axes),
        Pass("repeat", "what an instruction does in passing at each of its readers", repeat),
        Pass("early", "what reads an old column before what need not hurry", early),
        Pass("prune", "nothing left that nothing reads", prune),
    )


def _is_load(op: Op) -> bool:
    """Equal loads are made once further on, if their readers agree on a layout: here they would have to."""
    return isinstance(op, Load)


def _hoist_instructions(body: Body) -> Body:
    """Loads move with what reads them only: how long a tile is kept is a knob. So does what is free where it stands."""
    passing = Passing(body)
    return hoist(body, follows=lambda op: _is_load(op) or passing.is_free(op))
