"""The kernels that prove a construct each: what they come to, and what sizes they take."""

from pathlib import Path

import pytest

from tilery.dsl import (
    KernelDefinition,
    SourceErrors,
    UsageError,
    bind_dimensions,
    check_requirements,
    fingerprint,
    load,
    parse,
    print_program,
)
from tilery.dsl.program import (
    AffineIndex,
    Axis,
    Cast,
    CountedLoop,
    ForLoop,
    GatherIndex,
    Load,
    Op,
    Program,
    Reduce,
    Scan,
    Store,
    index_axes,
    walk,
)
from tilery.dsl.types import BF16, F8E4M3, F32

FOLDER = Path(__file__).parents[1] / "kernels"
FILES = sorted(FOLDER.rglob("*.tk"))


def definition(file: str, name: str = "") -> KernelDefinition:
    return load(FOLDER / f"{file}.tk").kernels[name or file]


def special(file: str, name: str = "", **constants: int) -> Program:
    made = definition(file, name)
    return made.specialise(dict.fromkeys(made.signature.type_variables, BF16), constants)


def loads(kernel: Program, tensor: str) -> list[Load]:
    return [each for each in walk(kernel.body) if isinstance(each, Load) and each.tensor.name == tensor]


def only_kernel(text: str) -> KernelDefinition:
    return next(iter(parse(text).kernels.values()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_proof_kernels_check(path: Path) -> None:
    module = load(path)
    assert not module.warnings
    for each in module.kernels.values():
        assert each.doc and each.kernel.reference
        kernel = each.specialise(dict.fromkeys(each.signature.type_variables, BF16), {})
        assert print_program(kernel) and len(fingerprint(kernel)) == 16
        assert not any(isinstance(statement, CountedLoop) for statement in walk(kernel.body))
        check_requirements(kernel, sizes(kernel))


def sizes(kernel: Program) -> dict[str, int]:
    """Ragged ones that every kernel takes."""
    odd = dict(zip(kernel.signature.dimensions, (5, 7, 11, 13, 3, 9, 17, 19), strict=False))
    if kernel.name == "conv2d":
        odd |= {"R": 3, "S": 3}
    return odd | ({"L": odd["S"]} if kernel.name == "sliding_window" else {})


# --- shifted and strided positions ------------------------------------------------------------------------------------


def test_a_convolution_reads_nine_shifted_tiles() -> None:
    reads = loads(special("conv2d"), "x")
    assert len(reads) == 9 and {each.fill for each in reads} == {0}
    offsets = []
    for each in reads:
        rows, columns = each.index[2:]
        assert isinstance(rows, AffineIndex) and isinstance(columns, AffineIndex)
        assert [stride for _, stride in (*rows.terms, *columns.terms)] == [2, 2]
        offsets.append((rows.offset, columns.offset))
        assert [axis.name for axis in each.result.axes] == ["n", "c", "p", "q"]
    assert offsets == [(r, s) for r in (-1, 0, 1) for s in (-1, 0, 1)]


def test_a_dimension_that_follows_from_others() -> None:
    kernel = special("conv2d")
    assert kernel.signature.dimensions == ("N", "C", "H", "W", "O", "R", "S")
    assert [str(each) for each in kernel.signature.results[0].shape] == ["N", "O", "(H - 1) // 2 + 1", "(W - 1) // 2 + 1"]
    assert not any("P" in str(each.condition[-1].result) for each in kernel.requirements) and len(kernel.requirements) == 1


def test_reads_that_stay_inside_need_no_else() -> None:
    assert {each.fill for each in loads(special("average_pool"), "x")} == {None}
    text = "kernel f(x: T[N]) -> y: T[N - 2]:\n    tile p of N - 2:\n        y[p] = x[p] + x[p + 1] + x[p + 2]\n"
    check_requirements(only_kernel(text).specialise({"T": F32}, {}), {"N": 5})
    with pytest.raises(SourceErrors, match="TK327"):
        check_requirements(only_kernel(text).specialise({"T": F32}, {}), {"N": 1})


def test_reads_outside_are_found_before_they_happen() -> None:
    text = "kernel f(x: T[N], y: T[M]) -> z: T[M]:\n    tile m of M:\n        z[m] = x[2 * m + 1] + y[m]\n"
    kernel = only_kernel(text).specialise({"T": F32}, {})
    check_requirements(kernel, {"M": 4, "N": 8})
    with pytest.raises(SourceErrors, match=r"TK324.*`x` is read at 1..9, and `N` has the positions 0..8 \(N = 9, M = 5\)"):
        check_requirements(kernel, {"M": 5, "N": 9})


def test_positions_may_have_names() -> None:
    text = "kernel f(x: T[N]) -> y: T[N]:\n    tile n of N:\n        back = N - 1 - n\n        y[n] = x[back]\n"
    (read,) = loads(only_kernel(text).specialise({"T": F32}, {}), "x")
    (index,) = read.index
    assert isinstance(index, AffineIndex) and str(index.offset) == "N - 1" and [stride for _, stride in index.terms] == [-1]


def test_one_position_gives_no_axis() -> None:
    text = "kernel f(x: T[M, N]) -> y: T[M]:\n    tile m of M:\n        y[m] = x[m, 0] + x[m, N - 1]\n"
    assert [[axis.name for axis in each.result.axes] for each in loads(only_kernel(text).specialise({"T": F32}, {}), "x")] == [
        ["m"],
        ["m"],
    ]


# --- gather and scatter -----------------------------------------------------------------------------------------------


def test_a_gather_has_the_axes_of_its_tile() -> None:
    (read,) = loads(special("embedding"), "table")
    assert isinstance(read.index[0], GatherIndex) and [axis.name for axis in read.result.axes] == ["s", "d"]
    text = "kernel f(x: T[M, N], label: i32[M]) -> y: T[M]:\n    tile m of M:\n        y[m] = x[m, label[m]]\n"
    (read,) = loads(only_kernel(text).specialise({"T": F32}, {}), "x")
    assert [axis.name for axis in read.result.axes] == ["m"]


def test_a_position_known_when_it_runs() -> None:
    text = "kernel f(x: T[M, N], at: i32) -> y: T[N]:\n    tile n of N:\n        y[n] = x[at, n]\n"
    (read,) = loads(only_kernel(text).specialise({"T": F32}, {}), "x")
    assert isinstance(read.index[0], GatherIndex) and not read.index[0].value.axes


def test_a_scatter_adds() -> None:
    store = next(each for each in walk(special("embedding", "embedding_gradient").body) if isinstance(each, Store))
    assert store.accumulate and [axis.name for axis in index_axes(store.index)] == ["s", "d"]


# --- loops ------------------------------------------------------------------------------------------------------------


def test_a_tile_may_be_cut_again() -> None:
    kernel = special("split_k")
    loop = next(each for each in walk(kernel.body) if isinstance(each, ForLoop))
    assert loop.variable.axis == Axis("k", "K", whole=False, parent="p")
    store = next(each for each in walk(kernel.body) if isinstance(each, Store))
    assert store.accumulate


def test_counted_loops_thread_names() -> None:
    text = "kernel f(x: T[M], n: int = 3) -> y: f32[M]:\n    tile m of M:\n        a = zeros[m]\n        b = full[m](1.0)\n"
    text += "        for i in 0..n:\n            c = a + b * i\n            a = b\n            b = c + x[m]\n        y[m] = a\n"
    made = only_kernel(text)
    assert any(isinstance(each, CountedLoop) for each in walk(made.kernel.body))
    assert len(loads(made.specialise({"T": F32}, {"n": 5}), "x")) == 4
    assert len(loads(made.specialise({"T": F32}, {"n": 0}), "x")) == 0


def test_a_recurrence_drops_the_axis_of_its_loop() -> None:
    kernel = special("linear_recurrence")
    drop = next(each for each in walk(kernel.body) if isinstance(each, Reduce))
    assert [axis.name for axis in drop.axes] == ["s"] and drop.axes[0].unit


def test_scans_keep_their_axes() -> None:
    scan = next(each for each in walk(special("running_sum").body) if isinstance(each, Scan))
    assert (
        scan.fn == "cumsum" and scan.axis.name == "n" and scan.result.axes == scan.operands[0].axes and scan.result.dtype == F32
    )


# --- tuning parameters ------------------------------------------------------------------------------------------------

TUNED = """
kernel f(x: T[M]) -> y: f32[M]:
    tune TM in 64..256 step 64 = 128
    tune P in {bf16, f8e4m3}
    tune way in {0, 1}
    tile m of M by TM:
        if way == 0:
            y[m] = P(x[m]) * TM
        else:
            y[m] = exp(x[m])
"""


def test_tuning_parameters_are_constants_of_the_specialisation() -> None:
    made = only_kernel(TUNED)
    assert [(each.name, each.choices, each.default) for each in made.kernel.tunes] == [
        ("TM", (64, 128, 192, 256), 128),
        ("P", ("bf16", "f8e4m3"), "bf16"),
        ("way", (0, 1), 0),
    ]
    kernel = made.specialise({"T": F32}, {})
    assert kernel.tuned == {"TM": 128, "P": "bf16", "way": 0} and kernel.tunes == made.kernel.tunes
    assert (kernel.loop_variables[0].by.choices, kernel.loop_variables[0].by.tune) == ((128,), "TM")
    assert [each.result.dtype for each in walk(kernel.body) if isinstance(each, Cast)] == [BF16]
    other = kernel.retuned({"P": "f8e4m3"})
    assert other is kernel.retuned({"P": "f8e4m3"}) and other.retuned({"P": "bf16"}) is kernel
    assert [each.result.dtype for each in walk(other.body) if isinstance(each, Cast)] == [F8E4M3]
    third = other.retuned({"way": 1, "TM": 64})
    assert third.tuned == {"TM": 64, "P": "f8e4m3", "way": 1} and third.loop_variables[0].by.choices == (64,)
    assert not [each for each in walk(third.body) if isinstance(each, Op) and isinstance(each, Cast)]
    assert len({fingerprint(each) for each in (kernel, other, third)}) == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"TN": 64}, "f has no tuning parameter `TN`; it has `TM`, `P` and `way`"),
        ({"TM": 100}, "f: the tuning parameter `TM` is one of 64, 128, 192, 256, and 100 is not"),
        ({"way": True}, "f: the tuning parameter `way` is one of 0, 1, and True is not"),
    ],
)
def test_wrong_choices(values: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        only_kernel(TUNED).specialise({"T": F32}, {}).retuned(values)
    assert str(caught.value) == message


# --- dimensions -------------------------------------------------------------------------------------------------------


def test_dimensions_are_solved_from_expressions() -> None:
    signature = definition("grouped_query_attention").signature
    assert bind_dimensions(signature, {"q": (12, 5, 8), "k": (3, 7, 8), "v": (3, 7, 8)}) == {
        "G": 3,
        "R": 4,
        "S": 5,
        "D": 8,
        "L": 7,
    }
    with pytest.raises(UsageError, match=r"no whole number makes `G \* R` in .* come to 13 with G = 3"):
        bind_dimensions(signature, {"q": (13, 5, 8), "k": (3, 7, 8), "v": (3, 7, 8)})
    text = "kernel f(x: T[2 * N - 1], y: T[N + M]) -> z: T[N]:\n    tile n of N:\n        z[n] = x[2 * n] + y[n]\n"
    signature = only_kernel(text).signature
    assert bind_dimensions(signature, {"x": (9,), "y": (8,)}) == {"N": 5, "M": 3}
    with pytest.raises(UsageError):
        bind_dimensions(signature, {"x": (9,), "y": (4,)})


# --- every element once -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("store", "result", "fits"),
    [
        ("y[g * R + r] = x[g, r]", "G * R", True),
        ("y[r * G + g] = x[g, r]", "G * R", True),
        ("y[G * R - 1 - (g * R + r)] = x[g, r]", "G * R", True),
        ("y[2 * g, r] = x[g, r]\n        y[2 * g + 1, r] = -x[g, r]", "2 * G, R", True),
        ("for i in 0..3:\n            y[3 * g + i, r] = x[g, r] * i", "3 * G, R", True),
        ("y[g, r] = x[g, r]\n        y[g + G, r] = x[g, r]", "2 * G, R", True),
        ("y[g * R + r] = x[g, r]", "2 * G * R", False),
        ("y[g + r] = x[g, r]", "G + R - 1", False),
        ("y[g, 2 * r] = x[g, r]", "G, 2 * R", False),
        ("y[2 * g, r] = x[g, r]\n        y[2 * g, r] = -x[g, r]", "2 * G, R", False),
        ("for i in 0..2:\n            y[3 * g + i, r] = x[g, r] * i", "3 * G, R", False),
    ],
)
def test_every_element_once(store: str, result: str, fits: bool) -> None:
    text = f"kernel f(x: T[G, R]) -> y: f32[{result}]:\n    tile g of G, r of R:\n        {store}\n"
    if fits:
        for shape in ((3, 5), (1, 4), (2, 1)):
            check_requirements(only_kernel(text).specialise({"T": F32}, {}), dict(zip("GR", shape, strict=True)))
        return
    with pytest.raises(SourceErrors, match=r"TK424|TK433|TK438"):
        check_requirements(only_kernel(text).specialise({"T": F32}, {}), {"G": 3, "R": 5})


# --- other files ------------------------------------------------------------------------------------------------------


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.tk").write_text(text)
    return folder / "main.tk"


USE = "kernel f(x: T[M]) -> y: T[M]:\n    y[M] = twice(x[M])\n"


def test_functions_and_kernels_of_another_file(tmp_path: Path) -> None:
    parts = "fn once(x) = x * 1\nfn twice(x) = once(x) + once(x)\n" + USE.replace("kernel f", "kernel g")
    path = write(tmp_path, parts=parts, main="from parts import twice, g\nfn once(x) = x * 77\n" + USE)
    module = load(path)
    assert list(module.kernels) == ["g", "f"] and list(module.functions) == ["twice", "once"]
    kernel = module.kernels["f"].specialise({"T": F32}, {})
    assert "once" in print_program(kernel) and "77" not in print_program(kernel)
    assert parse(path.read_text(), "main.tk", path).kernels


@pytest.mark.parametrize(
    ("main", "parts", "code", "words"),
    [
        ("from prats import twice\n", "fn twice(x) = x\n", "TK224", "did you mean `parts`"),
        ("from parts import twise\n", "fn twice(x) = x\n", "TK222", "did you mean `twice`"),
        ("from parts import twice\n", "fn twice(x) = y\n", "TK226", "there is no `y` here"),
        ("from parts import twice\nfn twice(x) = x\n", "fn twice(x) = x\n", "TK204", "taken here"),
        ("from parts import twice, twice\n", "fn twice(x) = x\n", "TK204", "first here"),
        ("from parts import twice\n", "from main import f\nfn twice(x) = x\n", "TK225", "circle"),
        ("from main import f\n", "fn twice(x) = x\n", "TK225", "circle"),
    ],
)
def test_what_cannot_be_taken(main: str, parts: str, code: str, words: str, tmp_path: Path) -> None:
    path = write(tmp_path, main=main + USE, parts=parts)
    with pytest.raises(SourceErrors) as caught:
        load(path)
    assert code in str(caught.value) and words in str(caught.value)


def test_what_is_added_outside_a_result_is_an_error() -> None:
    text = """
kernel spread(x: f32[N], w: f32[S]) -> y: f32[{size}]:
    tile j of N, s of S:
        y[j + s] += x[j] * w[s]
"""
    fitting = only_kernel(text.format(size="N + S - 1")).specialise({}, {})
    check_requirements(fitting, {"N": 50, "S": 9})
    short = only_kernel(text.format(size="N")).specialise({}, {})
    check_requirements(short, {"N": 50, "S": 1})
    with pytest.raises(SourceErrors, match=r"`y` is added to at 0\.\.57, and `N` has the positions 0\.\.49"):
        check_requirements(short, {"N": 50, "S": 9})
