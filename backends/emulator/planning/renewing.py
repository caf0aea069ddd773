"""Tensors updated in place: what their loads read while a phase writes to them.

A step may read what it is about to write, and keep it until later. So a phase that reads and writes one tensor reads a copy, made
as the phase begins; any other phase reads the tensor itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tilery.dsl import program
from tilery.dsl.program import Statement

from .. import steps
from ..frame import Step

Places = dict[tuple[str, int], dict[int, None]]
"""By a tensor's name and the phases that have written to it: the numbers of the statements that read it so, in order."""


def renewals(body: Sequence[Statement]) -> tuple[list[Step], Mapping[Statement, list[Step]]]:
    """The steps at the very beginning, and those before later statements: they make copies, or go back to the tensor itself."""
    reads, writes = _places(body)
    first: list[Step] = []
    before: dict[Statement, list[Step]] = defaultdict(list)
    copied: dict[str, bool] = {}
    for (name, phase), numbers in sorted(reads.items(), key=lambda each: next(iter(each[1]))):
        while_written = {*numbers} & {*writes.get((name, phase + 1), ())} or _between(body, numbers, writes, (name, phase + 1))
        copy = bool(while_written)
        # The call begins with the tensor itself.
        if copy or copied.get(name, False):
            number = min(while_written) if copy else next(iter(numbers))
            (first if number == 0 else before[body[number]]).append(steps.renewed(name, copy))
        copied[name] = copy
    return first, before


def _between(body: Sequence[Statement], numbers: Mapping[int, None], writes: Places, key: tuple[str, int]) -> set[int]:
    """The reads directly in a kernel, in no `tile`, where the stores of the next phase are such, too."""
    stores = [each for each in writes.get(key, ()) if not isinstance(body[each], program.TileLoop)]
    return {each for each in numbers if not isinstance(body[each], program.TileLoop)} if stores else set()


def _places(body: Sequence[Statement]) -> tuple[Places, Places]:
    reads: Places = defaultdict(dict)
    writes: Places = defaultdict(dict)
    for number, statement in enumerate(body):
        for each in program.walk((statement,)):
            if isinstance(each, program.Load | program.Store) and each.tensor.role == "inout":
                found = reads if isinstance(each, program.Load) else writes
                found[each.tensor.name, each.tensor.phase][number] = None
    return reads, writes
