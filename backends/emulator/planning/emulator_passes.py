"""The program as the emulator runs it, a line a pass."""

from __future__ import annotations

from tilery.backends.simplify.hoist import hoist
from tilery.backends.simplify.inline import inline
from tilery.backends.simplify.passes import Pass, run
from tilery.backends.simplify.rewriter import Body
from tilery.backends.simplify.share import share

from .fuse import fuse

PASSES = (
    Pass("inline", "calls opened up", inline),
    Pass("share", "what is computed twice computed once", share),
    Pass("hoist", "what no step of a loop changes before the loop", hoist),
    Pass("fuse", "sums of products made contractions", fuse),
)


def prepare(body: Body) -> Body:
    """The same program, ready to be planned."""
    return run(PASSES, body)[-1].body
