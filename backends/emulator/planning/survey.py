"""Properties of a program that are needed before lowering begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, prod

from tilery.backends.numbers.conditions import condition
from tilery.backends.operations import numerics
from tilery.dsl import program
from tilery.dsl.program import Op, Statement, Value

from .fuse import total_uses, uses


def unevaluated(body: Sequence[Statement], ops: Mapping[Value, Op], dims: Mapping[str, int]) -> frozenset[Value]:
    """Values never computed as such: read by nothing, or only by `where`s that decide a condition on positions themselves."""
    readers: dict[Value, list[Statement]] = {}
    found: list[Op] = []
    for each in program.walk(tuple(body)):
        if isinstance(each, Op):
            found.append(each)
        if not isinstance(each, program.TileLoop):
            for value in _direct_uses(each):
                readers.setdefault(value, []).append(each)
    lazy: set[Value] = set()
    for op in reversed(found):
        if all(_reads_lazily(reader, op.result, lazy, ops, dims) for reader in readers.get(op.result, ())):
            lazy.add(op.result)
    return frozenset(lazy)


def _direct_uses(statement: Statement) -> list[Value]:
    if isinstance(statement, program.ForLoop):
        return [value for each in statement.carried for value in (each.initial, each.updated)]
    return list(uses(statement))


def _reads_lazily(reader: Statement, value: Value, lazy: set[Value], ops: Mapping[Value, Op], dims: Mapping[str, int]) -> bool:
    if not isinstance(reader, Op):
        return False
    if selects_on_positions(reader, ops, dims) and value not in program.operands(reader)[1:]:
        return True
    return reader.result in lazy


def selects_on_positions(op: Op, ops: Mapping[Value, Op], dims: Mapping[str, int]) -> bool:
    """Whether `op` is a `where` whose condition depends on positions only, between values of one computing form."""
    if not (isinstance(op, program.Elementwise) and op.fn == "where"):
        return False
    forms = {numerics.compute_dtype(each.element) for each in op.operands[1:]}
    return len(forms) == 1 and condition(op.operands[0], ops, dims) is not None


def store_targets(statements: Sequence[Statement], kept: frozenset[Value]) -> dict[Value, program.Store]:
    """Values of this block that may be computed right where a store would put them: it is their only reader, and nothing is
    to be rounded."""
    counts = total_uses(statements)
    sources = {value for each in statements for value in _writable(each)} - kept
    return {
        each.value: each
        for each in statements
        if isinstance(each, program.Store)
        and not each.accumulate
        and all(isinstance(index, program.AxisIndex) for index in each.index)
        and each.value in sources
        and counts[each.value] == 1
        and numerics.numpy_dtype(each.tensor.element) == numerics.compute_dtype(each.value.element)
    }


def _writable(statement: Statement) -> list[Value]:
    match statement:
        case program.Elementwise() | program.Reduce():
            return [statement.result]
        case program.ForLoop():
            return [each.result for each in statement.carried]
        case _:
            return []


def converted_tensors(
    body: Sequence[Statement], dims: Mapping[str, int], sizes: Mapping[str, int], limit_bytes: int
) -> frozenset[str]:
    """Tensors that each call converts as a whole, because otherwise parts of them would be converted again and again."""
    found: dict[str, int] = {}
    for tensor, times in _readings(body, dims, sizes, {}):
        elements = prod(program.size_value(each, dims) for each in tensor.shape)
        if (
            times > 1
            and tensor.role == "argument"
            and numerics.numpy_dtype(tensor.element) != numerics.compute_dtype(tensor.element)
        ):
            found[tensor.name] = 4 * elements
    result: set[str] = set()
    for name, size_bytes in sorted(found.items(), key=lambda each: each[1]):
        if size_bytes <= limit_bytes:
            result.add(name)
            limit_bytes -= size_bytes
    return frozenset(result)


def _readings(
    body: Sequence[Statement], dims: Mapping[str, int], sizes: Mapping[str, int], loops: Mapping[str, int]
) -> list[tuple[program.Tensor, int]]:
    """Each load's tensor, and how often one element of it is loaded; `loops` has the steps of every loop around."""

    def stepped(variables: Sequence[program.LoopVariable]) -> dict[str, int]:
        steps = {each.axis.name: ceil(program.size_value(each.axis.size, dims) / sizes[each.axis.name]) for each in variables}
        return {**loops, **steps}

    result: list[tuple[program.Tensor, int]] = []
    for each in body:
        match each:
            case program.Load():
                indexed = {axis.name for axis in program.index_axes(each.index)}
                result.append((each.tensor, prod(steps for name, steps in loops.items() if name not in indexed)))
            case program.TileLoop():
                result += _readings(each.body, dims, sizes, stepped(each.variables))
            case program.ForLoop():
                result += _readings(each.body, dims, sizes, stepped([each.variable]))
    return result
