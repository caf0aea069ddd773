"""What programs mean: axes, types, scopes."""

import pytest

from tilery.dsl import SourceErrors, UsageError, bind_dimensions, check_requirements, parse
from tilery.dsl.program import Call, Cast, Constant, Dot, ForLoop, Load, Op, Program, Reduce, Store, Value, index_axes, walk
from tilery.dsl.types import BF16, BOOL, F32, I8, I32, ElementType


def generic(text: str) -> Program:
    return next(iter(parse(text).kernels.values())).kernel


def special(text: str, *, types: dict[str, ElementType] | None = None, **constants: int) -> Program:
    definition = next(iter(parse(text).kernels.values()))
    return definition.specialise({"T": BF16} if types is None else types, constants)


def stored(program: Program) -> Value:
    return next(each.value for each in walk(program.body) if isinstance(each, Store))


def expression(text: str, result: str = "f32[M, N]") -> Value:
    """The value of an expression over `a: T[M, N]`, `i: i32[M, N]`, `p: bool[M, N]`, `s: f32`."""
    return stored(special(f"kernel f(a: T[M, N], i: i32[M, N], p: bool[M, N], s: f32) -> y: {result}:\n    y[M, N] = {text}\n"))


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        ("a[M, N]", BF16),
        ("a[M, N] + a[M, N]", F32),
        ("a[M, N] * 2", F32),
        ("i[M, N] + 1", I32),
        ("i[M, N] / 2", F32),
        ("i[M, N] // 2", I32),
        ("i[M, N] * s", F32),
        ("exp(i[M, N])", F32),
        ("-a[M, N]", F32),
        ("T(f32(a[M, N]))", BF16),
        ("where(p[M, N], i[M, N], 0)", I32),
        ("where(p[M, N], a[M, N], a[M, N])", F32),
        ("f32(p[M, N])", F32),
        ("index[M] + zeros[N]", F32),
        ("max(i[M, N], 0, M)", I32),
        ("relu(a[M, N])", F32),
    ],
)
def test_types(text: str, dtype: ElementType) -> None:
    assert expression(text).dtype == dtype


def test_comparisons_give_bool() -> None:
    for text in ("a[M, N] < s", "p[M, N] and not p[M, N]", "a[M, N] == 0 or i[M, N] != 1", "p[M, N]"):
        assert expression(text, "bool[M, N]").dtype == BOOL


def test_axes_stand_in_order_of_first_appearance() -> None:
    value = stored(special("kernel f(x: T[N], y: T[M]) -> z: T[M, N]:\n    z[M, N] = x[N] + y[M]\n"))
    assert [axis.name for axis in value.axes] == ["N", "M"]


def test_a_transpose_is_a_store() -> None:
    program = special("kernel f(x: T[M, N]) -> y: T[N, M]:\n    tile m of M, n of N:\n        y[n, m] = x[m, n]\n")
    store = next(each for each in walk(program.body) if isinstance(each, Store))
    assert [str(each) for each in index_axes(store.index)] == ["n", "m"] and isinstance(store.value, Value)


# --- products ---------------------------------------------------------------------------------------------------------


def contracted(text: str) -> tuple[list[str], list[str]]:
    dot = next(each for each in walk(special(text).body) if isinstance(each, Dot))
    return [str(each) for each in dot.axes], [str(each) for each in dot.result.axes]


BATCHED = "kernel f(a: T[B, M, K], b: T[B, K, N]) -> c: T[B, M, N]:\n"


def test_a_tile_variable_is_a_batch_axis() -> None:
    text = BATCHED + "    tile b of B, m of M:\n        c[b, m, N] = a[b, m, K] @ b[b, K, N]\n"
    with pytest.raises(SourceErrors, match="TK215"):
        parse(text)
    text = BATCHED + "    tile z of B, m of M:\n        c[z, m, N] = a[z, m, K] @ b[z, K, N]\n"
    assert contracted(text) == (["K"], ["z", "m", "N"])


def test_a_unit_loop_variable_is_a_batch_axis() -> None:
    loop = "    for z of B by 1:\n        c[z, M, N] = a[z, M, K] @ b[z, K, N]\n"
    assert contracted(BATCHED + loop) == (["K"], ["z", "M", "N"])
    with pytest.raises(SourceErrors, match="share `z` and `K`"):
        parse(BATCHED + loop.replace(" by 1", ""))


def test_dot_contracts_what_it_names() -> None:
    text = "kernel f(a: T[B, M, K], b: T[B, K, N]) -> c: T[M, N]:\n    c[M, N] = dot[B, K](a[B, M, K], b[B, K, N])\n"
    assert contracted(text) == (["B", "K"], ["M", "N"])
    kept = BATCHED + "    c[B, M, N] = dot[K](a[B, M, K], b[B, K, N])\n"
    assert contracted(kept) == (["K"], ["B", "M", "N"])


def test_integer_products_accumulate_in_i32() -> None:
    text = "kernel f(a: T[M, K], b: T[K, N]) -> c: i32[M, N]:\n    c[M, N] = a[M, K] @ b[K, N]\n"
    assert stored(special(text, types={"T": I8})).dtype == I32
    assert str(stored(generic(text)).dtype) == "wide(T)"


def test_the_reference_may_mix_types() -> None:
    text = "kernel f(a: T[M, K], b: f32[K]) -> c: T[M]:\n    reference:\n        c[M] = a[M, K] @ b[K]\n"
    text += "    c[M] = f32(a[M, K]) @ b[K]\n"
    assert [type(each) for each in special(text).reference] == [Load, Load, Dot, Store]


# --- constants, functions, loops --------------------------------------------------------------------------------------


def test_numbers_are_worked_out_at_once() -> None:
    program = special("kernel f(x: T[M], n: int) -> y: T[M]:\n    y[M] = x[M] * (2 ** n - 1)\n", n=4)
    assert [each.value for each in walk(program.body) if isinstance(each, Constant)] == [15]


def test_a_branch_on_an_integer() -> None:
    text = "kernel f(x: T[M], n: int = 2) -> y: T[M]:\n    if n % 2 == 0:\n        y[M] = -x[M]\n    else:\n        y[M] = x[M]\n"
    assert stored(special(text)).dtype == F32
    assert stored(special(text, n=3)).dtype == BF16


def test_axes_do_not_depend_on_a_constant() -> None:
    text = "kernel f(x: T[M], all: bool) -> y: f32[M]:\n    y[M] = where(all or x[M] > 0, 1.0, 0.0)\n"
    assert [[str(axis) for axis in stored(special(text, all=each)).axes] for each in (True, False)] == [["M"], ["M"]]


def test_what_nothing_needs_is_left_out() -> None:
    text = """
kernel f(x: T[M, N], w: T[N]) -> y: T[M]:
    tile m of M:
        unused = exp(x[m, N])
        acc = zeros[m]
        count = zeros[m]
        for n of N:
            acc += sum[n](x[m, n])
            count += sum[n](x[m, n] * w[n])
        for q of N:
            z = x[m, q]
        y[m] = acc
"""
    program = special(text)
    loop = next(each for each in walk(program.body) if isinstance(each, ForLoop))
    assert [each.argument.name for each in loop.carried] == ["acc"]
    assert len([each for each in walk(program.body) if isinstance(each, Load)]) == 1
    assert [str(each.axis) for each in program.loop_variables] == ["m", "n"]
    assert [each.code for each in parse(text).warnings] == ["TK290", "TK290"]


def test_a_function_of_the_file_may_come_after_its_use() -> None:
    text = "kernel f(x: T[M]) -> y: T[M]:\n    y[M] = twice(x[M])\n\nfn twice(x) = once(x) + once(x)\nfn once(x) = x * 1\n"
    call = next(each for each in walk(special(text).body) if isinstance(each, Call))
    assert call.fn == "twice" and [type(each).__name__ for each in call.body].count("Call") == 2


def test_a_function_that_gives_its_operand_leaves_no_trace() -> None:
    text = "fn same(x) = x\nkernel f(x: T[M]) -> y: T[M]:\n    y[M] = same(x[M])\n"
    assert [type(each) for each in special(text).body] == [Load, Store]


def test_reductions() -> None:
    text = "kernel f(x: T[M, N]) -> (y: f32[M], z: i32[M], w: bool[M]):\n"
    text += "    y[M] = mean[N](x[M, N])\n    z[M] = argmax[N](x[M, N])\n    w[M] = any[N](x[M, N] > 0)\n"
    reductions = [each for each in walk(special(text).body) if isinstance(each, Reduce)]
    assert [(each.fn, each.result.dtype) for each in reductions] == [("mean", F32), ("argmax", I32), ("any", BOOL)]


def test_names_of_values_are_those_of_the_text() -> None:
    program = special("kernel f(x: T[M]) -> y: T[M]:\n    e = exp(x[M])\n    other = e\n    y[M] = T(other)\n")
    names = [each.result.name for each in walk(program.body) if isinstance(each, Op) and not isinstance(each, Load)]
    assert names[0] == "e" and isinstance(program.body[-2], Cast)


def test_the_text_may_be_wrong_for_some_types_only() -> None:
    definition = parse("kernel f(x: T[M]) -> y: U[M]:\n    y[M] = x[M]\n").kernels["f"]
    assert definition.specialise({"T": F32, "U": BF16}, {})
    with pytest.raises(SourceErrors, match="`y` holds bool, and this is f32"):
        definition.specialise({"T": F32, "U": BOOL}, {})


# --- sizes ------------------------------------------------------------------------------------------------------------

MATMUL = """
kernel f(a: T[M, K], b: T[K, N]) -> c: T[M, N]:
    require K % 2 == 0 and K > 0, "pairs"
    c[M, N] = a[M, K] @ b[K, N]
"""


def test_dimensions_follow_from_shapes() -> None:
    signature = generic(MATMUL).signature
    assert bind_dimensions(signature, {"a": (2, 3), "b": (3, 4)}) == {"M": 2, "K": 3, "N": 4}


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"a": (2, 3), "b": (4, 4)}, "`K` is 3 in `a: T[M, K]` and 4 in `b: T[K, N]`"),
        ({"a": (2, 3)}, "no shape is given for `b`"),
        ({"a": (2,), "b": (3, 4)}, "`a: T[M, K]` has 2 dimensions, and the shape given is [2]"),
        ({"a": (2, 3), "d": (3, 4)}, "there is no tensor `d`; there are `a`, `b` and `c`"),
    ],
)
def test_shapes_that_do_not_fit(shapes: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        bind_dimensions(generic(MATMUL).signature, shapes)
    assert str(caught.value) == message


def test_requirements() -> None:
    program = special(MATMUL)
    check_requirements(program, {"M": 1, "N": 1, "K": 4})
    with pytest.raises(UsageError, match="f requires `K % 2 == 0`, and K = 3: pairs"):
        check_requirements(program, {"M": 1, "N": 1, "K": 3})
