"""An instruction as a formula, in the words of the program's text: `p = exp(s * 0.125 + new.minus), total = its sum`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from tilery.dsl.functions import FUNCTIONS
from tilery.dsl.program import (
    AffineIndex,
    AxisIndex,
    Call,
    Cast,
    Constant,
    DimensionSize,
    Elementwise,
    Index,
    Op,
    ScalarArgument,
    Value,
)

from .engine_program import (
    Action,
    Barrier,
    Buffer,
    Clear,
    Compute,
    Copy,
    FamilyAction,
    MatMul,
    Observe,
    Operand,
    ReduceRuns,
    Transfer,
    Transpose,
)

Say = Callable[[Operand], str]
"""An operand in words: the name of its buffer, or the number that the host computes."""


def formula(action: Action, host: Iterable[Op]) -> str:
    """What an instruction does, with its operands."""
    say = partial(operand, {op.result: op for op in host})
    match action:
        case Transfer(store=False):
            turned = "transposed " if action.transposed else ""
            return f"{action.buffer} = {turned}{_place(action, say)}"
        case Transfer():
            return f"{_place(action, say)} {'+=' if action.accumulate else '='} {action.buffer}"
        case MatMul():
            sign = "+=" if action.summed_over else "="
            summed = [action.contracted, *(axis for axis in action.counted if axis not in action.out.axes)]
            return f"{action.out} {sign} {action.stationary} @ {action.moving} over {', '.join(map(str, summed))}"
        case Transpose():
            return f"{action.out} = {action.source} with {action.rows} across the partitions"
        case Copy(begins=begins):
            first = f", afresh in the first step of {begins}" if begins else ""
            return f"{action.target} {'+=' if action.add else '='} {action.source}{first}"
        case ReduceRuns(op=op):
            return f"{action.out} = {op.fn}({action.out}, {op.fn}[{', '.join(map(str, op.axes))}]({action.source})), of each run"
        case Clear():
            return f"{action.tensor.name if action.tensor else action.target} = {action.value:g}"
        case Barrier(tensors=tensors):
            return f"all cores are through with {', '.join(each.name for each in tensors)}"
        case Observe():
            return f"shows {action.buffer or action.statement.what}"
        case Compute():
            return action.formula(say)
        case FamilyAction():
            return str(action)


def applied(fn: str, operands: Iterable[str]) -> str:
    """A function of operands, as the language writes it."""
    given = list(operands)
    symbol = FUNCTIONS[fn].symbol if fn in FUNCTIONS else ""
    if symbol and len(given) == 2:
        return f"{given[0]} {symbol} {given[1]}"
    return f"{symbol} {given[0]}" if symbol and symbol.isalpha() else f"{fn}({', '.join(given)})"


def operand(host: Mapping[Value, Op], what: Operand) -> str:
    """A buffer by its name, an immediate by what the host computes."""
    if isinstance(what, Buffer):
        return what.name
    match host.get(what):
        case Constant(value=bool() | int() as value):
            return str(value).lower()
        case Constant(value=value):
            return f"{value:.9g}"
        case ScalarArgument(parameter=name):
            return name
        case DimensionSize(size=size):
            return str(size)
        case Elementwise(fn="neg", operands=(value,)):
            return f"-{bracketed(operand(host, value))}"
        case Elementwise(fn=fn, operands=values) | Call(fn=fn, operands=values):
            return applied(fn, [bracketed(operand(host, each)) for each in values])
        case Cast(operand=value):
            return f"{what.dtype}({operand(host, value)})"
        case _:
            return what.name


def bracketed(text: str) -> str:
    """The text, in parentheses if it is more than a name, a number or a call."""
    bare = " " not in text or (text.endswith(")") and text.split("(")[0].isidentifier())
    return text if bare else f"({text})"


def _place(action: Transfer, say: Say) -> str:
    buffers = dict(action.positions)
    return f"{action.tensor.name}[{', '.join(position(each, buffers, say) for each in action.index)}]"


def position(index: Index, buffers: Mapping[Value, Buffer], say: Say) -> str:
    """Where a dimension of a tensor, or an axis of a tile, is read or written."""
    match index:
        case AxisIndex(axis):
            return axis.name
        case AffineIndex(terms, offset):
            parts = [axis.name if stride == 1 else f"{bracketed(str(stride))} * {axis}" for axis, stride in terms]
            parts += [str(offset)] if offset != 0 or not parts else []
            return " + ".join(parts).replace("+ -", "- ")
        case _:
            return f"at {say(buffers.get(index.value, index.value))}"
