"""Exact execution: the engine program instruction by instruction, on numpy, in buffers as small as the chip's.

What the timing counts is what runs here: every repetition on at most 128 partitions, runs and what is left over apart, every
product on one 128 x 128 x 512 block. New instances of buffers are filled with NaN, so that reading what was never written shows.
Made for small shapes: Python steps through every instruction.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from types import EllipsisType

import numpy as np

from tilery.backends.numbers.strided import add_at
from tilery.backends.operations import numerics
from tilery.backends.operations.numerics import Array
from tilery.backends.showing import Show, shown
from tilery.dsl.errors import TileryError
from tilery.dsl.program import Axis, Size, Tensor, Value, index_axes, size_value
from tilery.dsl.types import ElementType

from ..engine_program import (
    DEVICE,
    Buffer,
    Clear,
    Compute,
    Copy,
    EngineProgram,
    FamilyAction,
    Instruction,
    Loop,
    MatMul,
    Node,
    Observe,
    Operand,
    ReduceRuns,
    Transfer,
    Transpose,
)
from ..errors import EngineFault
from ..printing import with_prints
from ..splits import Range, Split, pieces, stretches
from ..stage_order import in_joined_order, in_order
from ..time.guards import Guards
from .disorder import interleaved, shuffled, shuffled_steps
from .evaluate import evaluate, names
from .transfer_places import Places, by_lane, places
from .viewing import Held, viewed

Flight = dict[Buffer, tuple[Array, dict[str, int], bool]]
"""The instances of one step of a pipelined loop: elements, first positions, and whether a running sum has begun."""


def execute(
    program: EngineProgram, arguments: Mapping[str, Array | float], shuffle: int | None = None, show: Show | None = None
) -> dict[str, Array]:
    """The kernel's results, in storage types, from arguments as a call gives them.

    Elements of a result that no instruction writes are NaN (0 for integers). `shuffle` is a seed: independent steps and
    instructions then come in a random order, which may change nothing but the rounding of sums over parallel steps.
    `show` is given what the kernel prints, tile by tile, as the program comes to it.
    """
    if show and program.kernel.printing:
        program = with_prints(program)
    machine = Machine(program, arguments, None if shuffle is None else random.Random(shuffle), show)
    with np.errstate(all="ignore"):
        machine.run(program.structure.allocates, program.structure.body)
    return machine.results


class Machine:
    """The state of one execution: the contents of every buffer, and the positions that the loops stand at."""

    def __init__(
        self,
        program: EngineProgram,
        arguments: Mapping[str, Array | float],
        disorder: random.Random | None = None,
        show: Show | None = None,
    ) -> None:
        self._program = program
        self._disorder = disorder
        self._show = show
        self._first_steps: dict[str, Range] = {}
        self._guards = Guards(program)
        self._order = [each.axis.name for each in program.kernel.loop_variables]
        signature = program.kernel.signature
        given = {each.name: np.asarray(arguments[each.name]) for each in signature.tensors}
        self.results = {each.name: self._beforehand(each, given) for each in signature.results}
        self._memory = {**given, **self.results, **{each.name: self._beforehand(each, {}) for each in signature.temps}}
        scalars = {each.name: np.asarray(arguments[each.name], numerics.compute_dtype(each.dtype)) for each in signature.scalars}
        self._immediates: dict[Value, Array] = {}
        for op in program.structure.host:
            self._immediates[op.result] = evaluate(op, self._immediates, {}, program.dims, scalars)
        self._ranges: dict[str, Range] = {}
        self._ranges |= {name: (0, program.extent(axis)) for name, axis in program.structure.axes.items() if axis.whole}
        self._instances: dict[Buffer, Array] = {}
        self._bases: dict[Buffer, dict[str, int]] = {}
        self._started: set[Buffer] = set()

    def run(self, allocates: tuple[Buffer, ...], body: tuple[Node, ...]) -> None:
        """Takes new instances and runs a body once."""
        for buffer in allocates:
            self._allocate(buffer)
        for node in shuffled(body, self._disorder) if self._disorder else body:
            if isinstance(node, Loop):
                self._loop(node)
            else:
                self._instruction(node)

    def _shape(self, sizes: tuple[Size, ...]) -> tuple[int, ...]:
        return tuple(size_value(size, self._program.dims) for size in sizes)

    def _beforehand(self, tensor: Tensor, given: Mapping[str, Array]) -> Array:
        """A tensor that the program writes, as it is before."""
        if tensor.role == "inout":
            return np.array(given[tensor.name])
        return _poisoned(self._shape(tensor.shape), tensor.element)

    def _allocate(self, buffer: Buffer) -> None:
        if buffer.memory == DEVICE:
            return
        covered = [self._covered(buffer, axis) for axis in buffer.axes]
        self._bases[buffer] = {axis.name: start for axis, (start, _) in zip(buffer.axes, covered, strict=True)}
        shape = tuple(stop - start for start, stop in covered)
        dtype = numerics.compute_dtype(buffer.element)
        self._instances[buffer] = np.full(shape, np.nan if dtype.kind == "f" else np.iinfo(np.int32).min // 3, dtype)
        self._started.discard(buffer)

    def _covered(self, buffer: Buffer, axis: Axis) -> Range:
        """The positions that a new instance holds along an axis."""
        return buffer.along(axis, self._here, self._dimension)

    def _dimension(self, axis: Axis) -> Range:
        return (0, self._program.extent(axis))

    def _here(self, axis: Axis) -> Range:
        """The positions of an axis that the loops around this place cover."""
        return self._ranges.get(axis.name) or self._dimension(axis)

    def _loop(self, loop: Loop) -> None:
        before = self._ranges.get(loop.axis.name)
        steps = list(self._steps(loop))
        if self._disorder:
            steps = shuffled_steps(loop, steps, self._disorder)
        if steps and loop.limit is None:
            self._first_steps[loop.axis.name] = steps[0]
        if self._disorder:
            self._interleaved(loop, steps, self._disorder)
        elif loop.joined:
            self._joined(loop, steps)
        else:
            self._in_order(loop, steps)
        if before is None:
            self._ranges.pop(loop.axis.name, None)
        else:
            self._ranges[loop.axis.name] = before

    def _in_order(self, loop: Loop, steps: list[Range]) -> None:
        flights: dict[int, Flight] = {}
        for step, number in in_order(len(steps), len(loop.stages)):
            self._ranges[loop.axis.name] = steps[step]
            self._resume(flights.pop(step, {}))
            self.run(loop.stages[number].allocates, loop.stages[number].body)
            if number + 1 < len(loop.stages):
                done = [buffer for each in loop.stages[: number + 1] for buffer in each.allocates]
                flights[step] = self._suspended(done)

    def _joined(self, loop: Loop, steps: list[Range]) -> None:
        """The steps of a loop and of the one inside, whose last stages come in the turns of the next step's first ones."""
        before, inner, after = loop.parts
        flights: dict[tuple[int, int], Flight] = {}
        around: dict[int, Flight] = {}
        inside: dict[int, list[Range]] = {}

        def counts() -> Iterator[int]:
            for number, step in enumerate(steps):
                self._ranges[loop.axis.name] = step
                inside[number] = list(self._steps(inner))
                yield len(inside[number])

        for piece in in_joined_order(counts(), len(inner.stages)):
            self._ranges[loop.axis.name] = steps[piece.outer]
            self._resume(around.pop(piece.outer, {}))
            if piece.kind == "stage":
                self._first_steps[inner.axis.name] = inside[piece.outer][0]
                self._ranges[inner.axis.name] = inside[piece.outer][piece.inner]
                self._resume(flights.pop((piece.outer, piece.inner), {}))
                self.run(inner.stages[piece.stage].allocates, inner.stages[piece.stage].body)
                done = [buffer for each in inner.stages[: piece.stage + 1] for buffer in each.allocates]
                flights[piece.outer, piece.inner] = self._suspended(done)
                del self._ranges[inner.axis.name]
            else:
                self.run(loop.allocates if piece.kind == "before" else (), before if piece.kind == "before" else after)
            if piece.kind != "after":
                around[piece.outer] = self._suspended(list(loop.allocates))

    def _interleaved(self, loop: Loop, steps: list[Range], disorder: random.Random) -> None:
        """The nodes of all steps in a random order."""
        flights: dict[int, Flight] = {}
        left = dict.fromkeys(range(len(steps)), len(loop.body))
        for step, node in interleaved(loop, len(steps), self._program.slots, disorder):
            self._ranges[loop.axis.name] = steps[step]
            self._resume(flights.get(step, {}))
            self.run(() if step in flights else loop.allocates, (node,))
            flights[step] = self._suspended(list(loop.allocates))
            left[step] -= 1
            if not left[step]:
                flights[step] = {}

    def _suspended(self, buffers: list[Buffer]) -> Flight:
        """The instances of a step whose next stage comes later."""
        return {buffer: (self._instances[buffer], self._bases[buffer], buffer in self._started) for buffer in buffers}

    def _resume(self, flight: Flight) -> None:
        for buffer, (instance, bases, started) in flight.items():
            self._instances[buffer], self._bases[buffer] = instance, bases
            (self._started.add if started else self._started.discard)(buffer)

    def _steps(self, loop: Loop) -> Iterator[Range]:
        if loop.limit is not None:
            yield from stretches(self._ranges[loop.axis.name], loop.limit)
            return
        parent = loop.axis.parent
        covered = self._ranges[parent] if parent else (0, self._program.extent(loop.axis))
        steps = list(stretches(covered, self._program.tile(loop.axis)))
        chosen = range(len(steps)) if loop.guard is None else self._guards.steps(loop, self._ranges)
        for step in chosen:
            yield steps[step]

    def _instruction(self, node: Instruction) -> None:
        match node.action:
            case Transfer(store=False) as action:
                self._load(node, action)
            case Transfer() as action:
                self._store(node, action)
            case MatMul() as action:
                self._matmul(node, action)
            case Transpose() as action:
                self._transpose(node, action)
            case Compute() as action:
                self._compute(node, action)
            case Copy() as action:
                self._copy(node, action)
            case ReduceRuns() as action:
                self._reduce_runs(node, action)
            case Clear() as action:
                self._clear(action)
            case Observe() as action:
                self._observe(action)
            case FamilyAction():
                self._program.family.perform(node, self)

    def region(self, buffer: Buffer, ranges: Mapping[str, Range]) -> Array:
        """A view of the part of the current instance that lies at `ranges`."""
        if buffer.view is not None:
            return viewed(buffer.view, self._held(buffer.view.of), self._covering(buffer, ranges), self._program.dims)
        bases = self._bases[buffer]
        places: list[slice | EllipsisType] = []
        for axis in buffer.axes:
            start, stop = ranges.get(axis.name, self._covered(buffer, axis))
            places.append(slice(start - bases[axis.name], stop - bases[axis.name]))
        places.append(...)  # so that a single number comes as a view too
        view: Array = self._instances[buffer][tuple(places)]
        return view

    def _covering(self, buffer: Buffer, ranges: Mapping[str, Range]) -> dict[str, Range]:
        return {axis.name: ranges.get(axis.name) or self._here(axis) for axis in buffer.axes}

    def _held(self, buffer: Buffer) -> Held:
        """All that the current instance of a buffer holds; of a view, what it covers here."""
        if buffer.view is None:
            return Held(buffer, self._instances[buffer], self._bases[buffer])
        covered = self._covering(buffer, {})
        return Held(buffer, self.region(buffer, covered), {name: start for name, (start, _) in covered.items()})

    def write(self, buffer: Buffer, ranges: Mapping[str, Range], value: Array) -> None:
        """Writes to that part of the current instance, rounding to its element type."""
        self.region(buffer, ranges)[...] = numerics.cast(value, buffer.element)

    def _splits(self, node: Instruction) -> tuple[Split, ...]:
        return self._program.family.repetitions(node, self._program.chip)

    @property
    def program(self) -> EngineProgram:
        """What runs."""
        return self._program

    @property
    def immediates(self) -> Mapping[Value, Array]:
        """The numbers that the host has computed before the launch."""
        return self._immediates

    def parts(self, node: Instruction) -> Iterator[dict[str, Range]]:
        """The ranges at this place, split into what the hardware takes at once of an instruction."""
        return pieces(self._splits(node), self._ranges)

    def _places(self, action: Transfer, ranges: Mapping[str, Range]) -> Places:
        shape = self._shape(action.tensor.shape)
        values = {
            value: numerics.aligned(self.region(buffer, ranges), names(buffer.axes), names(value.axes))
            for value, buffer in action.positions
        }
        return places(action.index, shape, ranges, self._program.dims, values)

    def _load(self, node: Instruction, action: Transfer) -> None:
        tensor, buffer = action.tensor, action.buffer
        axes = names(index_axes(action.index))
        for ranges in self.parts(node):
            where = self._places(action, ranges)
            self._refuse_outside(where, action)
            tile = numerics.to_compute(self._memory[tensor.name][where.positions], tensor.element)
            tile = np.broadcast_to(tile, where.inside.shape)
            if action.fill is not None:
                tile = np.where(where.inside, tile, tile.dtype.type(action.fill))
            self.write(buffer, ranges, numerics.aligned(tile, axes, names(buffer.axes)))

    def _store(self, node: Instruction, action: Transfer) -> None:
        tensor, buffer = action.tensor, action.buffer
        axes = names(index_axes(action.index))
        result = self._memory[tensor.name]
        for ranges in self.parts(node):
            where = self._places(action, ranges)
            self._refuse_outside(where, action)
            tile = numerics.aligned(self.region(buffer, ranges), names(buffer.axes), axes)
            if action.accumulate:
                _add(result, where, tile, tensor.element)
            else:
                # `ascontiguousarray` would turn a single element into an array with one.
                result[where.positions] = numerics.to_storage(np.ascontiguousarray(tile).reshape(tile.shape), tensor.element)

    def _refuse_outside(self, where: Places, action: Transfer) -> None:
        if action.fill is None and not where.inside.all():
            what = "written" if action.store else "read"
            raise TileryError(
                f"{action.tensor.name} is {what} outside its shape {self._shape(action.tensor.shape)}: check its indices"
            )

    def _clear(self, action: Clear) -> None:
        if action.tensor is not None:
            self._memory[action.tensor.name][...] = action.value
        else:
            self.write(action.target, self._ranges, np.asarray(action.value))

    def _observe(self, action: Observe) -> None:
        value, buffer = action.statement.value, action.buffer
        if self._show is None:
            return
        if buffer is None:
            tile = self._immediates[value]
        else:
            tile = numerics.aligned(self.region(buffer, self._ranges), names(buffer.axes), names(value.axes))
        self._show(shown(action.statement, tile, {name: slice(*covered) for name, covered in self._ranges.items()}, self._order))

    def _matmul(self, node: Instruction, action: MatMul) -> None:
        kept = {axis.name for axis in action.out.axes}
        splits = self._splits(node)
        fresh = action.summed_over is None or action.out not in self._started
        if fresh and action.summed_over and self._ranges[action.summed_over] != self._first_steps[action.summed_over]:
            raise EngineFault(f"{action.out.name}: a matmul adds to sums that none has started, and so is undefined")
        written: set[tuple[Range, ...]] = set()
        for ranges in pieces(splits, self._ranges):
            block = tuple(ranges[split.axis.name] for split in splits if split.axis.name in kept)
            self._multiply(action, ranges, overwrite=fresh and block not in written)
            written.add(block)
        self._started.add(action.out)

    def _multiply(self, action: MatMul, ranges: Mapping[str, Range], overwrite: bool) -> None:
        left, right, out = action.stationary, action.moving, action.out
        contracted, lane = action.contracted, left.partition
        if contracted in left.axes or lane is None:
            a, rows = self.region(left, ranges), names(left.axes)
        else:
            start, stop = ranges[contracted.name]
            a = self.region(left, {**ranges, lane.name: (0, stop - start)})
            rows = [contracted.name if axis is lane else axis.name for axis in left.axes]
        over = [name for name in rows if name in names(right.axes) and name not in names(out.axes)]
        value, axes = numerics.contract(a, rows, self.region(right, ranges), names(right.axes), over)
        target = self.region(out, ranges)
        lined = numerics.aligned(value, axes, names(out.axes))
        target[...] = lined if overwrite else target + lined

    def _transpose(self, node: Instruction, action: Transpose) -> None:
        for ranges in self.parts(node):
            block = self.region(action.source, ranges)
            self.write(action.out, ranges, numerics.aligned(block, names(action.source.axes), names(action.out.axes)))

    def _compute(self, node: Instruction, action: Compute) -> None:
        axes = names(action.axes)
        for ranges in self.parts(node):

            def read(operand: Operand, ranges: Mapping[str, Range] = ranges) -> Array:
                if isinstance(operand, Value):
                    return self._immediates[operand]
                return numerics.aligned(self.region(operand, ranges), names(operand.axes), axes)

            for target, found, left in action.results(read, ranges):
                assert isinstance(target, Buffer)
                self.write(target, ranges, numerics.aligned(found, names(left), names(target.axes)))

    def _reduce_runs(self, node: Instruction, action: ReduceRuns) -> None:
        op, source, out = action.op, action.source, action.out
        runs, lane = source.runs, out.partition
        assert runs is not None and lane is not None
        for ranges in self.parts(node):
            start, stop = ranges[runs.name]
            lanes = min(stop - start, *(split.limit for split in self._splits(node)))
            shares, axes = by_lane(self.region(source, ranges), names(source.axes), runs.name, lane.name, lanes)
            over = tuple(place for place, name in enumerate(axes) if name in names(op.axes))
            reduced = numerics.reduce(op.fn, shares, over)
            kept = [name for place, name in enumerate(axes) if place not in over]
            here = {**ranges, lane.name: (0, lanes)}
            joined = [self.region(out, here), numerics.aligned(reduced, kept, names(out.axes))]
            self.write(out, here, numerics.elementwise({"sum": "add"}.get(op.fn, op.fn), joined))

    def _is_first(self, axis: Axis) -> bool:
        """True in the first step of an axis's loop."""
        begin = self._ranges[axis.parent][0] if axis.parent else 0
        return self._ranges[axis.name][0] == begin

    def _copy(self, node: Instruction, action: Copy) -> None:
        source, target = action.source, action.target
        add = action.add and (action.begins is None or not self._is_first(action.begins))
        for ranges in self.parts(node):
            region, axes = self._copied(action, ranges), names(source.axes)
            if action.shared is not None:
                region = region.take(0, axes.index(action.shared.name))
                axes.remove(action.shared.name)
            for name in [each for each in axes if each not in names(target.axes)]:  # of extent one
                region = region.squeeze(axes.index(name))
                axes.remove(name)
            value = numerics.aligned(region, axes, names(target.axes))
            self.write(target, ranges, value + self.region(target, ranges) if add else value)

    def _copied(self, action: Copy, ranges: Mapping[str, Range]) -> Array:
        """What a copy reads; with `fill` what lies inside the buffer, and the number elsewhere."""
        source = action.source
        if action.fill is None or source.view is None:
            return self.region(source, ranges)
        held, covered = self._held(source.view.of), self._covering(source, ranges)
        where = places(source.view.index, held.array.shape, covered, self._program.dims, {}, held.starts)
        inside = numerics.aligned(where.inside, names(index_axes(source.view.index)), names(source.axes))
        tile = numerics.aligned(held.array[where.positions], names(index_axes(source.view.index)), names(source.axes))
        return np.where(inside, tile, tile.dtype.type(action.fill))


def _add(result: Array, where: Places, tile: Array, t: ElementType) -> None:
    """Adds a tile to a result: each addition is made in f32 or i32, and its sum rounded to the result's type."""

    def total(there: Array, terms: Array) -> Array:
        return numerics.to_storage(numerics.elementwise("add", [numerics.to_compute(there, t), terms]), t)

    add_at(result, where.positions, np.broadcast_to(tile, where.inside.shape), total)


def _poisoned(shape: tuple[int, ...], element: ElementType) -> Array:
    dtype = numerics.numpy_dtype(element)
    floats = numerics.compute_dtype(element).kind == "f"
    return np.full(shape, np.nan if floats else 0, dtype)
