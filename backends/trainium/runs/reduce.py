"""A reduction along an axis that is cut into runs: every partition reduces its run, the tensor engine combines the results.

sum[n](x)    partial[lane] = sum of the lane's run;    ones[lane, every] @ partial[lane]
max[n](x)    partial[lane] = max of the lane's run;    max of its transpose, [1, lane];    ones[1, every] @ that one number

Either product leaves the result on every partition.
"""

from __future__ import annotations

from tilery.backends.machine.engine_program import Buffer, Clear, Copy, MatMul, ReduceRuns, Transpose
from tilery.backends.simplify.edges import identity
from tilery.dsl.program import Axis, Reduce
from tilery.dsl.spans import Span
from tilery.dsl.types import F32

from ..instructions import TensorReduce
from ..lowering.builder import Builder
from ..reductions.ones import filling, lanes, ones


def reduce_runs(builder: Builder, op: Reduce) -> None:
    """Emits a reduction along the runs of its operand. Its result is the same on every partition."""
    lane, every, one = lanes(builder, "lane"), lanes(builder, "every"), lanes(builder, "one", 1)
    name, span, kept = builder.label(op.result), op.result.span, op.result.axes
    if op.fn == "sum":
        moving, contracted = _partial(builder, op, (*kept, lane), name), lane
    else:
        moving, contracted = _extreme(builder, op, _partial(builder, op, (one, *kept, lane), name), name), one
    bank = builder.buffer(f"{name}.every", "psum", F32, (*kept, every), every, builder.work_slots())
    stationary = ones(builder, contracted, every, span)
    long = [axis for axis in kept if not axis.unit]
    counted = tuple(long[:-1])
    product = MatMul(stationary, moving, bank, every, long[-1] if long else None, contracted, counted, None)
    builder.emit(f"matmul {name}", "tensor", "matmul", product, (stationary, moving), (bank,), span)
    out = builder.buffer(name, "sbuf", op.result.element, kept, None, builder.work_slots())
    _copy(builder, bank, out, every, name, span)
    builder.home[op.result] = out
    builder.done.add(op)


def _partial(builder: Builder, op: Reduce, axes: tuple[Axis, ...], name: str) -> Buffer:
    """The result of every partition's run; the identity for a partition without elements."""
    source, span = builder.home[op.operand], op.result.span
    partial = builder.buffer(f"{name}.part", "sbuf", F32, axes, axes[-1], builder.work_slots())
    nothing = identity(op.fn, F32)
    assert nothing is not None, "only sums and extremes are reduced run by run"
    clear = Clear(partial, float(nothing))
    builder.emit(f"memset {partial.name}", filling(builder), "memset", clear, (), (partial,), span)
    engines = tuple(each for each in ("vector", "scalar", "gpsimd") if "reduce" in builder.chip.engine(each).forms)
    engine = builder.engine(name, engines, (source,), False, span)
    builder.emit(f"reduce {name}", engine, "reduce", ReduceRuns(op, source, partial), (source, partial), (partial,), span)
    return partial


def _extreme(builder: Builder, op: Reduce, partial: Buffer, name: str) -> Buffer:
    """The extreme over all partitions, on a single partition."""
    one, *kept, lane = partial.axes
    span = op.result.span
    turned = builder.buffer(f"{name}.turn", "psum", F32, partial.axes, one, builder.work_slots())
    action = Transpose(partial, turned, one, lane)
    builder.emit(f"transpose {name}", "tensor", "transpose", action, (partial,), (turned,), span)
    axes = (one, *kept)
    found = builder.buffer(f"{name}.one", "sbuf", F32, axes, one, builder.work_slots())
    reduction = TensorReduce(turned.axes, op.fn, turned, (lane,), found)
    builder.issue(f"reduce {name}", "vector", "reduce", reduction, span)
    return found


def _copy(builder: Builder, bank: Buffer, out: Buffer, every: Axis, name: str, span: Span) -> None:
    engines = tuple(each for each in ("vector", "scalar", "gpsimd") if "copy" in builder.chip.engine(each).forms)
    small = all(axis.unit for axis in out.axes)
    engine = builder.engine(f"{name}.every", engines, (bank,), small, span)
    builder.emit(f"copy {name}", engine, "copy", Copy(bank, out, shared=every), (bank,), (out,), span)
