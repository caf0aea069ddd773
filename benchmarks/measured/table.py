"""What is known of the program behind each measurement, by the measurement's id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .programs import Config, Measured

LARGE = {"M": 4096, "K": 8192, "N": 8192}
SQUARE = {"M": 2048, "K": 2048, "N": 2048}
THREE: Config = {"buffers.a": 3, "buffers.b": 3, "buffers.c": 2}
INNERMOST: Config = {"hoist.a": "none", "hoist.b": "none"}
TILED: Config = {"m": 128, "n": 512, "k": 128, **INNERMOST, **THREE}
HOISTED: Config = {**TILED, "hoist.a": "n", "buffers.a": 2}
BLOCKED: Config = {**TILED, "m": 256, "n": 1024}
FULL: Config = {"m": 2048, "n": 1024, "k": 1024, "accumulate.acc": "sbuf", "buffers.acc": 1, "buffers.c": 2}
RESIDENT: Config = {"m": 128, "n": 2048, "k": 2048, "hoist.a": "n", "hoist.b": "m"}
ALONE: Config = {"buffers.a": 1, "buffers.b": 1, "buffers.c": 1, "buffers.acc": 1}
ONE: Config = {"m": 128, "n": 512, "k": 128}
# Halves of K summed in SBUF: each is gone through once, so that a block of `a` is kept for all of its columns.
BY_HAND: Config = {"m": 512, "n": 512, "k": 1024, "accumulate.acc": "sbuf", **THREE, "hoist.a": "n"}

KEPT_A: Config = {
    "m": 1024,
    "n": 1024,
    "k": 2048,
    "accumulate.acc": "sbuf",
    "hoist.a": "n",
    "hoist.b": "none",
    "engine.acc": "scalar",
    "engine.c": "scalar",
}
TURNED: Config = {
    "m": 128,
    "n": 1024,
    "k": 1024,
    "order.m.n": "n m",
    "hoist.a": "none",
    "hoist.b": "none",
    "transpose.a": "tensor",
    "engine.turn": "scalar",
    "engine.c": "scalar",
}


def _kmajor(dims: dict[str, int], config: Config) -> Measured:
    return Measured("matmul_kmajor", dims, config)


def _copy(columns: int) -> Measured:
    # 4.1 and 16.6 MB of [128, columns] tiles: 31 or 32 of them.
    return Measured("copy", {"M": 128 * 32, "N": columns}, {"m": 128, "n": columns, "buffers.x": 3}, only=("load",))


def _products(repeats: int) -> Measured:
    # Both were taken on an engine that had been at work: one of them is a single instruction out of a longer profile.
    dims = {"R": repeats, "K": 128, "M": 128, "N": 512}
    return Measured("repeated", dims, {"m": 128, "n": 512}, only=("matmul",), warm=True)


KNOWN = {
    "trn1-mm-tiled": _kmajor(LARGE, TILED),
    "trn1-mm-hoist": _kmajor(LARGE, HOISTED),
    "trn1-mm-block2x2": _kmajor(LARGE, BLOCKED),
    "trn1-mm-full": _kmajor(LARGE, {**FULL, "buffers.a": 2, "buffers.b": 2}),
    "trn2-dma-1k": _copy(512),
    "trn2-dma-4k": _copy(2048),
    "trn2-pe-bf16": _products(2048),
    "trn2-pe-f32": _products(1),
    "trn2-mm32-tiled": _kmajor(LARGE, TILED),
    "trn2-mm32-hoist": _kmajor(LARGE, HOISTED),
    "trn2-mm32-block2x2": _kmajor(LARGE, BLOCKED),
    "trn2-mm32-full": _kmajor(LARGE, {**FULL, "buffers.a": 1, "buffers.b": 2}),
    "trn2-mm2048-sunk": _kmajor(SQUARE, {**TILED, **ALONE}),
    "trn2-mm2048-drain1": _kmajor(SQUARE, {**RESIDENT, "buffers.acc": 1}),
    "trn2-mm2048-drain2": _kmajor(SQUARE, {**RESIDENT, "buffers.acc": 2}),
    "trn2-mm2048-hand": _kmajor(SQUARE, BY_HAND),
    "trn1-silu": Measured("silu_rows", {"M": 4096, "N": 7168}, {"m": 128, "n": 1024, "j": 512}),
    # Its source is not published: what is known is that it moves no byte twice.
    "trn1-silu-best": Measured("copy", {"M": 4096, "N": 7168}, {"m": 128, "n": 7168}),
    "trn1-bmm": Measured(
        "batched_matmul",
        {"B": 16, "M": 4096, "K": 64, "N": 4096},
        {
            "n": 1024,
            "m": 128,
            "order.n.m": "n m",
            "hoist.b": "m",
            "hoist.a": "none",
            "engine.turn": "scalar",
            "engine.c": "scalar",
        },
    ),
    "trn2-gelu-small-bf16": Measured("matmul_gelu", {"M": 128, "K": 128, "N": 512}, ONE, launched=True),
    "trn2-gelu-small-f32": Measured("matmul_gelu", {"M": 128, "K": 128, "N": 512}, ONE, launched=True),
    "trn1-mm-tiled-2025": _kmajor(LARGE, TILED),
    "trn1-adamw": Measured("adamw", {"M": 10944, "N": 2048}, {"i": 128, "n": 1024, "j": 512, "engine.mul": "scalar"}),
    "trn1-rope": Measured("rope", {"C": 2, "D": 64, "S": 64 * 4096}, {"d": 64, "s": 512}),
    "trn1-transpose-matmul": _kmajor({"M": 4096, "K": 2048, "N": 10944}, KEPT_A),
    "trn1-rmsnorm-matmul": Measured("rmsnorm_matmul", {"M": 4096, "K": 1024, "N": 2048}, {"m": 128, "n": 1024, "hoist.w": "m"}),
    "trn1-matmul-turned": Measured(
        "matmul",
        {"M": 4096, "K": 5120, "N": 12288},
        TURNED,
    ),
}


STORED_K_FIRST = {
    512: "KNM 4 1 1", 1024: "NMK 4 2 1", 1536: "NMK 12 1 1", 2048: "MNK 2 4 2", 2560: "MNK 4 5 1",
    3072: "NMK 12 2 2", 3584: "MNK 14 7 1", 4096: "MNK 4 4 2", 4608: "MNK 12 4 3", 5120: "NMK 20 5 2",
}  # fmt: skip
STORED_M_FIRST = {
    1024: "NMK 8 4 2", 1536: "NMK 12 1 3", 2048: "NMK 2 2 1", 2560: "MNK 1 4 1", 3072: "MNK 12 4 2",
    3584: "MNK 14 4 1", 4096: "MNK 4 4 2", 4608: "MNK 12 3 3", 5120: "MNK 10 5 2",
}  # fmt: skip


def _ladder(name: str, kernel: str, steps: Mapping[int, str], more: Config, banks: int) -> Iterator[tuple[str, Measured]]:
    """Square bf16 matmuls on trn2, each with the order of its loops and the tiles in a block of K, M and N."""
    for size, how in steps.items():
        order, k, m, n = how.split()
        config: dict[str, int | str] = {"k": 128 * int(k), "m": 128 * int(m), "n": 512 * int(n), **INNERMOST, **more}
        # Where loads stand is not told; the generator keeps each as far out as its axes allow, with all of K.
        config |= {"order.m.n": "m n", "hoist.a": "n"} if order == "MNK" else {"order.m.n": "n m", "hoist.b": "m"}
        # A block of K as short as one tile was measured faster than sums in SBUF can be: the compiler keeps them in PSUM.
        config["accumulate.acc"] = "psum" if int(m) * int(n) <= banks else "sbuf"
        yield f"trn2-{name}-{size}", Measured(kernel, dict.fromkeys("MKN", size), config, launched=True)


KNOWN.update(_ladder("ladder", "matmul_kmajor", STORED_K_FIRST, {}, 8))
# Rows of blocks are taken to end before the next begins: to hold two of them takes the room of b's second buffer.
KNOWN.update(_ladder("turned", "matmul", STORED_M_FIRST, {"transpose.a": "tensor", "stages.m": 1}, 7))
ATTENTION: Config = {
    "i": 128,
    "j": 512,
    "l": 512,
    "hoist.q": "j",
    "hoist.k": "i",
    "hoist.v": "i",
    # Copies and sums are the vector engine's in the text of the program.
    "engine.score": "vector",
    "engine.turn": "vector",
    "engine.o": "vector",
}
KEPT: Config = {"m": 128, "n": 512, "k": 128, "hoist.a": "n", "hoist.b": "m"}
for _name, _dims in {"256": (256, 512, 1024), "512": (512, 1024, 2048)}.items():
    for _dtype in ("bf16", "f32"):
        # Both operands fit SBUF, and the compiler keeps them there: the text would load each tile again.
        _sizes = dict(zip("MKN", _dims, strict=True))
        KNOWN[f"trn2-gelu-{_name}-{_dtype}"] = Measured("matmul_gelu", _sizes, KEPT, launched=True)
for _size in (512, 1024, 2048, 4096):
    for _dtype in ("bf16", "f32"):
        KNOWN[f"trn2-attention-{_size}-{_dtype}"] = Measured(
            "rows_of_scores",
            {"S": _size, "D": 128},
            ATTENTION,
            launched=True,
        )
