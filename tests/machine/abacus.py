"""A made-up family: one queue copies, one computes element by element, and one scratch memory holds the tiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tilery.backends.chips.chip import Chip, Count, NotNegative, Positive, Section
from tilery.backends.machine.choices import SLOTS, Choices
from tilery.backends.machine.engine_program import (
    DEVICE,
    Buffer,
    EngineProgram,
    FamilyAction,
    Instruction,
    Loop,
    Node,
    Setting,
    Stage,
    Structure,
    Transfer,
)
from tilery.backends.machine.errors import CannotLower
from tilery.backends.machine.execute.evaluate import evaluate, names
from tilery.backends.machine.execute.execute import Machine
from tilery.backends.machine.explain.roofline import Roof, Roofs
from tilery.backends.machine.family import Engine, Family, Memory, Queue, Tile
from tilery.backends.machine.numbers import Number, product
from tilery.backends.machine.splits import Extents
from tilery.backends.machine.time.run_traffic import Traffic
from tilery.backends.numbers.axes import aligned, contract
from tilery.backends.tunable import Choice, Tunable
from tilery.dsl.program import Axis, Dot, Load, Op, Program, Statement, Store, TileLoop, Value, operands, size_value


class Scratch(Section, frozen=True, kw_only=True):
    bytes: Count


class Unit(Section, frozen=True, kw_only=True):
    clock_hz: Positive
    setup_ns: NotNegative


class Abacus(Chip, frozen=True, kw_only=True):
    family: ClassVar[str] = "abacus"
    scratch: Scratch
    beads: Unit

    @property
    def peak_flops(self) -> float:
        return 2 * self.beads.clock_hz

    @property
    def peak_element(self) -> str:
        return "f32"

    def least_s(self, macs: Mapping[str, float]) -> float:
        return sum(macs.values()) / self.beads.clock_hz


@dataclass(frozen=True, slots=True)
class Slide(FamilyAction):
    """One operation, element by element."""

    op: Op
    inputs: tuple[tuple[Value, Buffer], ...]
    out: Buffer

    def __str__(self) -> str:
        return f"{self.out} = {type(self.op).__name__.lower()}({', '.join(str(buffer) for _, buffer in self.inputs)})"

    @property
    def axes(self) -> tuple[Axis, ...]:
        return tuple(dict.fromkeys(axis for buffer in (*(each for _, each in self.inputs), self.out) for axis in buffer.axes))


class AbacusLowering:
    """An instruction an operation, a buffer a value."""

    structural: frozenset[str] = frozenset()

    def __init__(self, kernel: Program, chip: Abacus) -> None:
        self._kernel, self._chip, self._choices = kernel, chip, Choices({})
        self._slots = self._choices.slots("buffers.tiles", SLOTS, 2, "steps whose tiles are in scratch at once")
        self._homes: dict[Value, Buffer] = {}
        self._host: list[Op] = []
        stage = self._stage(kernel.body)
        self._structure = Structure(
            kernel, chip, {}, tuple(self._homes.values()), stage.allocates, stage.body, tuple(self._host), {}
        )

    def structure(self, config: Mapping[str, Choice]) -> Structure:
        return self._structure

    def built(self, config: Mapping[str, Choice]) -> tuple[Structure, Choices]:
        return self._structure, self._choices

    def tunables(self, dims: Mapping[str, int], settable: bool, short: bool = True) -> tuple[Tunable, ...]:
        return (*self.tile_sizes(dims), *self._choices.met.values())

    def tile_sizes(self, dims: Mapping[str, int], short: bool = True) -> tuple[Tunable, ...]:
        return FAMILY.tile_sizes(self._kernel, dims, self._chip)

    def _stage(self, body: Iterable[Statement]) -> Stage:
        before, nodes = set(self._homes.values()), list[Node]()
        for statement in body:
            match statement:
                case TileLoop():
                    inner = self._stage(statement.body)
                    for variable in reversed(statement.variables):
                        inner = Stage((), (Loop(variable.axis, None, (inner,), None, True, statement.span),))
                    nodes += inner.body
                case Store(accumulate=False):
                    buffer = self._homes[statement.value]
                    action = Transfer(statement.tensor, statement.index, buffer, store=True)
                    nodes.append(Instruction(f"store {buffer}", "copy", "store", action, (buffer,), (), statement.span))
                case Load():
                    out = self._home(statement.result)
                    load = Transfer(statement.tensor, statement.index, out, store=False)
                    nodes.append(Instruction(f"load {out}", "copy", "load", load, (), (out,), statement.result.span))
                case Op() if not statement.result.axes:
                    self._host.append(statement)
                case Op():
                    nodes.append(self._slide(statement))
                case _:
                    raise CannotLower("TK510", self._chip.name, statement.span, "it knows tile loops alone", "use `tile`")
        inside = {buffer for node in nodes if isinstance(node, Loop) for buffer in node.allocates}
        return Stage(tuple(each for each in self._homes.values() if each not in before | inside), tuple(nodes))

    def _home(self, value: Value) -> Buffer:
        name = f"{value.name.strip('%')}.{len(self._homes)}"
        return self._homes.setdefault(value, Buffer(name, "scratch", value.element, value.axes, None, self._slots))

    def _slide(self, op: Op) -> Instruction:
        inputs = tuple((value, self._homes[value]) for value in dict.fromkeys(operands(op)) if value in self._homes)
        action = Slide(op, inputs, self._home(op.result))
        reads = tuple(buffer for _, buffer in inputs)
        return Instruction(f"slide {action.out}", "beads", "slide", action, reads, (action.out,), op.result.span)


class AbacusFamily(Family[Abacus]):
    chip = Abacus
    sections: ClassVar[Mapping[str, str]] = {"scratch": "tiles lie here", "beads": "what computes"}
    overheads = ("beads.setup_ns=0",)
    improvements = (("10 % faster beads", ("beads.clock_hz=+10%",)), ("10 % more bandwidth", ("hbm.bytes_per_s=+10%",)))

    def memories(self, chip: Abacus) -> tuple[Memory, ...]:
        return (
            Memory(
                name="scratch", title="scratch", capacity=chip.scratch.bytes, unit="bytes", unit_bytes=1,
                whole="bytes of scratch", field="scratch.bytes", exceeded="tiles take more than the scratch has",
                instead="fewer names", used_field="scratch_bytes", available_field="scratch_bytes_available",
            ),
        )  # fmt: skip

    def engines(self, chip: Abacus) -> tuple[Engine, ...]:
        return Engine("beads", "the beads", "copies of tiles"), Engine("copy", "copying", "tensors copied more than once")

    def queues(self, chip: Abacus, names: Sequence[str]) -> tuple[Queue, ...]:
        return tuple(Queue(name, name) for name in names)

    def tile_sizes(self, kernel: Program, dims: Mapping[str, int], chip: Abacus) -> tuple[Tunable, ...]:
        axes = {each.axis.name: size_value(each.axis.size, dims) for each in kernel.loop_variables if not each.axis.unit}
        sizes = {name: tuple(sorted({min(size, extent) for size in (4, 16, 64, extent)})) for name, extent in axes.items()}
        return tuple(Tunable(name, "tile", each, each[0], ("a power of four",)) for name, each in sizes.items())

    def lowering(self, kernel: Program, chip: Abacus) -> AbacusLowering:
        return AbacusLowering(kernel, chip)

    def takes(self, buffer: Buffer, chip: Abacus, tile: Tile, extent: Tile) -> Number:
        return product(buffer.positions(axis, tile, extent) for axis in buffer.axes) * buffer.element.bytes

    def duration_s(self, node: Instruction, extents: Extents, setting: Setting) -> Number:
        chip = setting.chip
        assert isinstance(chip, Abacus)
        if isinstance(node.action, Slide):
            return chip.beads.setup_ns * 1e-9 + product(extents[each.name] for each in node.action.axes) / chip.beads.clock_hz
        return self.moved_bytes(node, extents, setting) / chip.hbm.bytes_per_s

    def moved_bytes(self, node: Instruction, extents: Extents, setting: Setting) -> Number:
        if not isinstance(node.action, Transfer):
            return 0
        return _bytes(node.action.buffer, extents)

    def macs(self, node: Instruction, extents: Extents) -> Mapping[str, Number]:
        if isinstance(node.action, Slide) and isinstance(node.action.op, Dot):
            return {"f32": product(extents[each.name] for each in node.action.axes)}
        return {}

    def traffic(self, node: Instruction, extents: Extents, setting: Setting) -> Traffic:
        scratch = sum(_bytes(each, extents) for each in (*node.reads, *node.writes))
        device = self.moved_bytes(node, extents, setting)
        return Traffic({DEVICE: device, "scratch": scratch}, dict(self.macs(node, extents)), 0 if device else scratch / 4)

    def roofs(self, program: EngineProgram, used: Traffic) -> Roofs:
        assert isinstance(program.chip, Abacus)
        return Roofs(program.chip.beads.clock_hz, "beads", (Roof("HBM", program.chip.hbm.bytes_per_s, used.hbm_bytes),))

    def perform(self, node: Instruction, machine: Machine) -> None:
        assert isinstance(node.action, Slide)
        op, out = node.action.op, node.action.out
        for ranges in machine.parts(node):
            values = {**machine.immediates, **{value: machine.region(buffer, ranges) for value, buffer in node.action.inputs}}
            if isinstance(op, Dot):
                left, right = names(op.left.axes), names(op.right.axes)
                found, axes = contract(values[op.left], left, values[op.right], right, names(op.axes))
                machine.write(out, ranges, aligned(found, axes, names(out.axes)))
            else:
                machine.write(out, ranges, evaluate(op, values, ranges, machine.program.dims, {}))


def _bytes(buffer: Buffer, extents: Extents) -> Number:
    return product(extents[axis.name] for axis in buffer.axes) * buffer.element.bytes


FAMILY = AbacusFamily()
