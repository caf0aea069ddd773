"""The shipped kernels, generic and specialised."""

from pathlib import Path

import pytest

from tilery.dsl import KernelDefinition, UsageError, load
from tilery.dsl.program import (
    Call,
    Carried,
    Dot,
    Elementwise,
    ForLoop,
    If,
    Op,
    Program,
    ScalarArgument,
    Statement,
    Store,
    TileLoop,
    Value,
    operands,
    walk,
)
from tilery.dsl.types import BF16, F32, ElementType

FILES = sorted((Path(__file__).parents[2] / "kernels").glob("*.tk"))


def kernel(name: str) -> KernelDefinition:
    folder = Path(__file__).parents[2] / "kernels"
    return load(folder / f"{name}.tk").kernels[name]


def carried(program: Program) -> tuple[Carried, ...]:
    return next(each.carried for each in walk(program.body) if isinstance(each, ForLoop))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("element", [F32, BF16], ids=str)
def test_specialised_kernels_are_whole(path: Path, element: ElementType) -> None:
    module = load(path)
    assert not module.warnings
    for definition in module.kernels.values():
        program = definition.specialise({"T": element}, {})
        assert definition.doc and program.reference
        for statements in (program.body, program.reference):
            check_single_assignment(statements)
            stores = [each for each in walk(statements) if isinstance(each, Store)]
            assert [each.tensor.name for each in stores] == [each.name for each in program.signature.results]
        assert all(each.element for each in program.signature.tensors)
        assert not program.signature.type_variables


def check_single_assignment(statements: tuple[Statement, ...]) -> None:
    """Every value is defined once, before it is read, has a type, and is read by something."""
    defined: set[Value] = set()
    used: set[Value] = set()
    for each in walk(statements):
        assert not isinstance(each, If)
        if isinstance(each, Store):
            used.add(each.value)
        elif isinstance(each, ForLoop):
            assert defined.issuperset(carry.initial for carry in each.carried)
            defined |= {carry.argument for carry in each.carried} | {carry.result for carry in each.carried}
            used |= {value for carry in each.carried for value in (carry.initial, carry.updated)}
            used |= {each.guard.body[-1].result} if each.guard else set()
        elif isinstance(each, Op):
            assert each.result not in defined and defined.issuperset(operands(each))
            assert each.result.element
            defined.add(each.result)
            used.update(operands(each))
            used |= {each.body[-1].result} if isinstance(each, Call) else set()
    results = {each.result for each in walk(statements) if isinstance(each, Op)}
    assert results <= used


def test_constants_decide_the_text() -> None:
    definition = kernel("attention")
    causal = definition.specialise({"T": BF16}, {"causal": True})
    full = definition.specialise({"T": BF16}, {"causal": False})
    assert guards(causal) == [True] and guards(full) == [False]
    assert fns(causal).count("where") == 1 and "where" not in fns(full)
    assert causal.constants == {"causal": True}
    assert definition.specialise({"T": BF16}, {}).constants == {"causal": True}
    for each in (*walk(causal.body), *walk(full.body)):
        assert not isinstance(each, ScalarArgument) or each.parameter == "scale"


def guards(program: Program) -> list[bool]:
    return [each.guard is not None for each in walk(program.body) if isinstance(each, ForLoop)]


def fns(program: Program) -> list[str]:
    return [each.fn for each in walk(program.body) if isinstance(each, Elementwise)]


def test_attention_carries_three_values_with_the_unit_axis() -> None:
    program = kernel("attention").specialise({"T": BF16}, {})
    shapes = {each.argument.name: {axis.name for axis in each.initial.axes} for each in carried(program)}
    assert shapes == {"top": {"h", "i"}, "total": {"h", "i"}, "acc": {"h", "i", "D"}}
    dots = [each for each in walk(program.body) if isinstance(each, Dot)]
    assert [[axis.name for axis in each.axes] for each in dots] == [["D"], ["j"]]
    assert all(each.left.dtype == each.right.dtype == BF16 and each.result.dtype == F32 for each in dots)


def test_a_call_keeps_its_name_and_its_meaning() -> None:
    program = kernel("linear_gelu").specialise({"T": BF16}, {})
    call = next(each for each in walk(program.body) if isinstance(each, Call))
    assert call.fn == "gelu" and len(call.operands) == 1
    assert [each.fn for each in call.body if isinstance(each, Elementwise)] == ["mul", "mul", "erf", "add", "mul"]


def test_loop_variables_are_listed_once_in_order() -> None:
    program = kernel("attention").specialise({"T": BF16}, {})
    assert [str(each.axis) for each in program.loop_variables] == ["h", "i", "j"]
    assert [each.axis.unit for each in program.loop_variables] == [True, False, False]
    assert isinstance(program.body[0], TileLoop)


@pytest.mark.parametrize(
    ("types", "constants", "message"),
    [
        ({}, {}, "attention: the element type `T` is not given"),
        ({"U": F32}, {}, "attention has no element type `U`; it has `T`"),
        ({"T": F32}, {"casual": True}, "attention has no constant `casual`; did you mean `causal`?"),
        ({"T": F32}, {"causal": 1}, "attention: the constant `causal` is bool, and 1 is not"),
    ],
)
def test_wrong_bindings(types: dict[str, ElementType], constants: dict[str, int | bool], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        kernel("attention").specialise(types, constants)
    assert str(caught.value) == message
