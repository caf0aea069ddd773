"""What an instruction does with its own result in passing: a cast, a sum or an extreme along the partition.

    p = exp(s), sum[n](p)         one activation
    s = x * scale, max[n](s)      one tensor_scalar_reduce (vector engine)
    s = x * scale, sum[n](s)      the same, or an activation that copies (scalar engine)
    where(mask, x, -inf), its max one select_reduce (vector engine)

A cast costs nothing. A reduction takes some cycles to read out, and binds its operand to engines that have both: it is a choice,
`fuse.NAME`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tilery.backends.machine.choices import ForShort
from tilery.dsl.program import Cast, Elementwise, Op, Reduce, Value
from tilery.dsl.types import F32

from ..instructions import Activation, Select, TensorScalar
from ..lowering.builder import Builder
from ..lowering.select import BITS, Group

FUSED, SEPARATE = "fused", "separate"
REDUCED_BY_VECTOR = ("sum", "max", "min")
"""What tensor_scalar_reduce leaves (NKI: add, max, min; it multiplies, too, and no operation of the language does)."""
AFFINE = frozenset({"mul", "add", "sub"})
"""What an activation does to its operand before the function."""
PAYS = 8
"""A reduction apart is searched up to so many times the elements that take as long as reading out the result of a fused one."""
ALONE = frozenset({"reduce", "reduce runs", "reduce across", "positions", "scan"})
"""Forms that do nothing in passing."""


def with_followers(builder: Builder, group: Group) -> Group:
    """The group with what its instruction does with its result in passing."""
    if group.form in ALONE or _is_of_integers(group):
        return group
    reduction = _first(builder, group, lambda by: isinstance(by, Reduce) and bool(_engines(builder, group, by)))
    # A copy rounds once: a cast of a cast is an instruction of its own.
    cast = None if group.form == "copy" else _first(builder, group, lambda by: isinstance(by, Cast))
    # A cast is free only if the instruction then writes one tile, the cast one.
    free = cast is not None and all(use.by in (reduction, cast) for use in builder.uses.of(group.main.result))
    found = group
    if isinstance(reduction, Reduce) and _is_fused(builder, group, reduction, besides=free):
        found = _reducing(builder, found, reduction)
    elif reduction is not None:
        free = False
    return replace(found, ops=(*found.ops, cast)) if free and cast is not None else found


def _is_of_integers(group: Group) -> bool:
    """Whether an instruction leaves bits, or 32-bit integers that no cast may follow: neither goes with arithmetic on floats."""
    op = group.main
    exact = group.form == "tensor_tensor" and group.engines == ("gpsimd",)
    return isinstance(op, Elementwise) and (op.fn in BITS or exact)


def _first(builder: Builder, group: Group, wanted: Callable[[object], bool]) -> Op | None:
    """The first reader of a group's result that is of a kind, if it stands in the same block."""
    result = group.main.result
    by = next((use.by for use in builder.uses.of(result) if wanted(use.by)), None)
    same = isinstance(by, Op) and builder.uses.block_of[by.result] == builder.uses.block_of[result]
    return by if same and isinstance(by, Op) else None


def _engines(builder: Builder, group: Group, reduction: Reduce) -> tuple[str, ...]:
    """The engines that leave a reduction of the group's result in passing."""
    instruction = group.instructions[-1] if group.instructions else None
    if not _runs_along(builder, reduction):
        return ()
    if isinstance(instruction, Activation):
        return group.engines[:1] if reduction.fn == "sum" and group.engines[0] == "scalar" else ()
    if not _is_f32(reduction.operand):
        return ()
    if isinstance(instruction, Select):
        has = reduction.fn == "max" and "vector" in group.engines and "tensor_scalar_reduce" in builder.chip.vector.forms
        return ("vector",) if has and instruction.on_false in builder.host.values else ()
    if not isinstance(instruction, TensorScalar) or instruction.second is not None:
        return ()
    by_vector = reduction.fn in REDUCED_BY_VECTOR and "tensor_scalar_reduce" in builder.chip.vector.forms
    by_scalar = reduction.fn == "sum" and "scalar" in group.engines and "activation" in builder.chip.scalar.forms
    able = {"vector": by_vector and "vector" in group.engines, "scalar": by_scalar and instruction.first.fn in AFFINE}
    return tuple(name for name, can in able.items() if can)


def _runs_along(builder: Builder, reduction: Reduce) -> bool:
    """Whether a reduction goes over all that lies along a partition, and over nothing else."""
    value = reduction.operand
    across = builder.layout[value]
    if builder.runs.get(value) in reduction.axes:
        return False  # of every partition its own sum, which is not yet that of all
    return {axis for axis in value.axes if axis != across and not axis.unit} == set(reduction.axes)


def _is_f32(value: Value) -> bool:
    return value.element == F32


def _is_fused(builder: Builder, group: Group, reduction: Reduce, besides: bool) -> bool:
    """Whether the instruction leaves the reduction, too: a choice, where it does nothing else `besides`.

    Apart, the reduction reads the whole tile once more, which saves what it takes to read out the result. So that is searched for
    short tiles only.
    """
    value = group.main.result
    if besides or builder.selector.is_scalar(value, builder.layout.get(value)):
        return True
    name, operand = builder.label(reduction.result), builder.label(value)
    cycles = max(builder.chip.engine(each).accumulate_cycles for each in _engines(builder, group, reduction))
    why = f"it reads {operand} once more, which saves {cycles:g} cycles"
    short = ForShort(SEPARATE, tuple(axis for axis in reduction.axes if not axis.unit), int(PAYS * cycles), why)
    reason = f"{name} is left by the instruction that computes {operand}, or by one of its own"
    return builder.choices.pick(f"fuse.{name}", (FUSED, SEPARATE), reason, short) == FUSED


def _reducing(builder: Builder, group: Group, reduction: Reduce) -> Group:
    """The group whose instruction leaves the reduction, too."""
    builder.selector.leaves_as_it_is(reduction.result)
    instruction, engines = group.instructions[-1], _engines(builder, group, reduction)
    form = group.form
    if isinstance(instruction, Activation | Select):
        instruction = replace(instruction, total=reduction.result, summed=reduction.axes)
    else:
        assert isinstance(instruction, TensorScalar)
        instruction = replace(instruction, total=reduction.result, summed=reduction.axes, reduction=reduction.fn)
        form = "tensor_scalar_reduce"
    instructions = (*group.instructions[:-1], instruction)
    return replace(group, ops=(*group.ops, reduction), engines=engines, form=form, instructions=instructions)
