"""No text, however broken, shows anything but its own mistakes."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tilery.dsl
from tilery.dsl import SourceErrors, UsageError, load, parse
from tilery.dsl.types import BF16

ROOT = Path(__file__).parents[2]
KERNELS = [each.read_text() for folder in (ROOT / "kernels", ROOT / "tests" / "kernels") for each in sorted(folder.rglob("*.tk"))]
SIGNS = "( ) [ ] { } : , = + - * / @ ** // -> .. < == # 0 1.5 64 M N m n x"
WORDS = "kernel fn tile for of by if else any reference and or not true inf zeros full index sum dot where exp T f32 "
WORDS += "from import in tune step require cumsum argmax i32 r k G"
PIECES = [
    *SIGNS.split(),
    *WORDS.split(),
    '"',
    '"""',
    "\\",
    "\t",
    "\n",
    "\n        ",
    "99999999999999999999",
    "\x00",
    "é",
]
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def only_its_own_mistakes(text: str) -> None:
    try:
        module = parse(text)
        for each in module.kernels.values():
            tilery.dsl.print_program(each.kernel)
            types = dict.fromkeys(each.signature.type_variables, BF16)
            constants = {constant.name: constant.kind == "bool" or 1 for constant in each.signature.constants}
            kernel = each.specialise(types, constants)
            tilery.dsl.fingerprint(kernel)
            tilery.dsl.check_requirements(kernel, {name: 3 + at for at, name in enumerate(kernel.signature.dimensions)})
    except (SourceErrors, UsageError) as error:
        assert str(error)


@quick
@given(st.text())
def test_any_text(text: str) -> None:
    only_its_own_mistakes(text)


@quick
@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    only_its_own_mistakes(content.decode("latin-1"))


@settings(quick, max_examples=150)
@given(st.sampled_from(KERNELS), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(PIECES)), max_size=4))
def test_mutated_kernels(text: str, edits: list[tuple[float, int, str]]) -> None:
    for place, drop, piece in edits:
        at = int(place * len(text))
        text = text[:at] + piece + text[at + drop :]
    only_its_own_mistakes(text)


@quick
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_tokens(pieces: list[str]) -> None:
    head = "kernel f(x: T[M, N], s: f32, flag: bool = true) -> y: T[M, N]:\n    tile m of M, n of N:\n        "
    only_its_own_mistakes(head + " ".join(pieces) + "\n")


def test_towers() -> None:
    head = "kernel f(x: T[M], b: bool) -> y: T[M]:\n"
    only_its_own_mistakes(head + "    y[M] = " + "(" * 3000 + "1" + ")" * 3000)
    only_its_own_mistakes(head + "    y[M] = " + "-" * 3000 + "1")
    only_its_own_mistakes(head + "    y[M] = 2 " + "** 2" * 3000)
    only_its_own_mistakes(head + "    y[M] = x[M]" + " + x[M]" * 3000)
    only_its_own_mistakes(head + "    y[M] = " + "exp(" * 500 + "x[M]" + ")" * 500)
    only_its_own_mistakes(head + "".join("    " * (depth + 1) + "if b:\n" for depth in range(200)))
    only_its_own_mistakes("".join(f"fn f{n + 1}(x) = f{n}(x) + f{n}(x)\n" for n in range(60)) + head + "    y[M] = f60(x[M])\n")
    doubling = "fn g0(x) = x * 2\n" + "".join(f"fn g{n + 1}(x) = g{n}(x) + g{n}(x)\n" for n in range(11))
    only_its_own_mistakes(doubling + head + "    y[M] = " + " + ".join(["g11(x[M])"] * 30) + "\n")
    only_its_own_mistakes("1" * 10_000)
    only_its_own_mistakes(head + "    y[M] = x[M" + " + 1" * 100_000 + "]\n")
    only_its_own_mistakes(head + "    y[M] = x[M]" + " + x[M]" * 2_000_000)
    only_its_own_mistakes(
        head + "    for i in 0..200:\n        for j in 0..200:\n            for k in 0..200:\n                a = i\n"
    )
    only_its_own_mistakes("".join(f"fn f{n}(x) = x\n" for n in range(3000)))
    size = "*".join(["(M + 1)"] * 18)
    only_its_own_mistakes(f"kernel f(x: T[M], z: T[{size}]) -> y: T[M]:\n    y[M] = x[M] + z[{size}]\n")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.tk"
    path.write_bytes(b"\xff\xfe\x00")
    for each in (path, tmp_path / "missing.tk", tmp_path):
        try:
            load(each)
        except UsageError as error:
            assert error.exit_code == 2
        else:
            raise AssertionError(each)
