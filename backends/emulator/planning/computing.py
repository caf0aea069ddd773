"""Lowers each operation to steps: the slots that it reads, and the slot of its result."""

from __future__ import annotations

import numpy as np

from tilery.backends.numbers.conditions import condition
from tilery.backends.operations import numerics
from tilery.dsl import program

from .. import steps
from . import contractions, held, placed
from .allocation import Scope, Tile
from .survey import selects_on_positions


def lower(op: program.Op, scope: Scope) -> None:
    """Appends the steps of `op` to the scope, and says where its result lies."""
    match op:
        case program.Constant():
            _constant(op, scope)
        case program.DimensionSize():
            size = np.asarray(program.size_value(op.size, scope.shared.dims), np.int32)
            scope.tiles[op.result] = Tile(scope.shared.layout.constant(size), (), size.dtype, True)
        case program.ScalarArgument():
            scope.steps.append(steps.scalar(op.parameter, scope.create(op.result, ()).slot))
        case program.Positions():
            _positions(op, scope)
        case program.Load():
            _load(op, scope)
        case program.Unwritten():
            held.unwritten(op, scope)
        case program.Cut():
            held.cut(op, scope)
        case program.Insert():
            held.insert(op, scope)
        case program.Elementwise() if selects_on_positions(op, scope.shared.ops, scope.shared.dims):
            _select(op, scope)
        case program.Elementwise():
            _elementwise(op, scope)
        case program.Cast():
            _cast(op, scope)
        case program.Fill():
            scope.alias(op.result, scope.tiles[op.operand])
        case program.Reduce():
            _reduce(op, scope)
        case program.Scan():
            _scan(op, scope)
        case program.Dot():
            contractions.dot(op, scope)
        case _:
            raise AssertionError(f"the emulator knows no {type(op).__name__}")


def _constant(op: program.Constant, scope: Scope) -> None:
    with np.errstate(over="ignore"):
        value = np.asarray(op.value).astype(numerics.compute_dtype(op.result.element))
    scope.tiles[op.result] = Tile(scope.shared.layout.constant(value), (), value.dtype, True)


def _positions(op: program.Positions, scope: Scope) -> None:
    if op.axis.whole:
        array = np.arange(program.size_value(op.axis.size, scope.shared.dims), dtype=np.int32)
        axes = scope.physical([op.axis])
        slot = scope.shared.layout.constant(array if axes else array.reshape(()))
        scope.tiles[op.result] = Tile(slot, axes, array.dtype, True)
        return
    tile = scope.create(op.result, scope.physical([op.axis]))
    scope.steps.append(steps.positions(op.axis.name, tile.slot))


def _load(op: program.Load, scope: Scope) -> None:
    if op.fill is not None or not placed.is_plain(op.index):
        placed.load(op, scope)
        return
    t = op.tensor.element
    axes = scope.physical(program.index_axes(op.index))
    parts = scope.parts(op.index)
    dtype = numerics.compute_dtype(t)
    if op.tensor.name in scope.shared.converted or numerics.numpy_dtype(t) == dtype:
        slot = scope.shared.layout.slot()
        scope.steps.append(steps.load(op.tensor.name, parts, slot))
        scope.tiles[op.result] = Tile(slot, axes, dtype, False)
        return
    tile = scope.create(op.result, axes)
    scope.steps.append(steps.load_converted(op.tensor.name, parts, t, tile.slot))


def _elementwise(op: program.Elementwise, scope: Scope) -> None:
    operands = [scope.tiles[each] for each in op.operands]
    axes = result_axes(op.result, operands, scope)
    types = numerics.operand_types(op.fn, [each.dtype for each in operands])
    ready = [scope.as_type(each, dtype) for each, dtype in zip(operands, types, strict=True)]
    slots = [scope.view(tile, axes) for tile, _ in ready]
    out = scope.create(op.result, axes, reuse=op.operands)
    scope.steps.append(steps.elementwise(op.fn, slots, out.slot))
    for tile, spare in ready:
        if spare:
            scope.give_back(tile)


def result_axes(value: program.Value, operands: list[Tile], scope: Scope) -> tuple[str, ...]:
    """The axes of an elementwise result: in the order of the result it is computed into, else of its largest operand."""
    largest = max(operands, key=lambda each: len(each.axes)).axes
    axes = (*largest, *dict.fromkeys(name for each in operands for name in each.axes if name not in largest))
    store = scope.targets.get(value)
    wanted = scope.physical(program.index_axes(store.index)) if store else ()
    return wanted if set(wanted) == set(axes) else axes


def _select(op: program.Elementwise, scope: Scope) -> None:
    """`where` on positions: nothing to do in a tile that the condition is true for everywhere."""
    found = condition(op.operands[0], scope.shared.ops, scope.shared.dims, scope.shared.mask_bytes)
    assert found is not None
    x, y = (scope.tiles[each] for each in op.operands[1:])
    masked = tuple(name for name in found.axes if scope.extents[name] != 1)
    mask = Tile(-1, masked, np.dtype(np.bool_), False)
    axes = result_axes(op.result, [x, y, mask], scope)
    shape = tuple(scope.extents[name] for name in masked)
    slots = scope.view(x, axes), scope.view(y, axes)
    out = scope.create(op.result, axes, reuse=op.operands[1:])
    over_y = y.slot == out.slot and x.slot != out.slot
    scope.steps.append(
        steps.select(found, lambda array: numerics.aligned(array.reshape(shape), masked, axes), *slots, out.slot, over_y)
    )


def _cast(op: program.Cast, scope: Scope) -> None:
    operand, t = scope.tiles[op.operand], op.result.element
    if operand.dtype == numerics.compute_dtype(t) == numerics.numpy_dtype(t):
        scope.alias(op.result, operand)
        return
    out = scope.create(op.result, operand.axes, reuse=[op.operand])
    scope.steps.append(steps.cast(operand.slot, t, out.slot))


def _reduce(op: program.Reduce, scope: Scope) -> None:
    operand = scope.tiles[op.operand]
    over = [axis.name for axis in op.axes]
    missing = tuple(name for name in over if name not in operand.axes)
    axes = (*operand.axes, *missing)
    slot = scope.full_view(operand, axes) if missing else operand.slot
    numbers = tuple(axes.index(name) for name in over)
    out = scope.create(op.result, tuple(name for name in axes if name not in over))
    ufunc = numerics.REDUCTION_UFUNCS.get(op.fn)
    if ufunc is None or operand.dtype != out.dtype or 0 in scope.shape(axes):
        scope.steps.append(steps.reduction_by_name(op.fn, numbers, slot, out.slot))
        if op.fn.startswith("arg") and not op.axes[0].whole:
            scope.steps.append(steps.from_start_of(op.axes[0].name, out.slot))
    elif op.fn == "sum" and operand.dtype == np.float32 and numbers == (len(axes) - 1,) and len(axes) > 1:
        # A product with ones: by BLAS it takes a fifth of the time of numpy's own sum over the last axis.
        ones = scope.shared.layout.constant(np.ones(scope.extents[over[0]], np.float32))
        scope.steps.append(steps.product(slot, ones, out.slot))
    else:
        scope.steps.append(steps.reduction(ufunc, numbers, slot, out.slot))


def _scan(op: program.Scan, scope: Scope) -> None:
    tiles = [scope.tiles[each] for each in op.operands]
    name = op.axis.name
    found = result_axes(op.result, tiles, scope)
    axes = found if name in found else (*found, name)
    # The terms are spread along the axis, though it may be of one position; a start has one position there.
    slots = [scope.full_view(tile, axes) for tile in tiles[:2]] + [scope.view(tile, axes) for tile in tiles[2:]]
    out = scope.create(op.result, tuple(each for each in axes if scope.extents[each] != 1))
    whole = out.slot
    if out.axes != axes:
        whole = scope.derived(out, lambda array: numerics.aligned(array, out.axes, axes), written=True)
    scope.steps.append(steps.scan(op, axes.index(name), slots, whole))
