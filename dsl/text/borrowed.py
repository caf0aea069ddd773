"""Words of other languages for tiles and arrays, and what this one writes instead."""

from __future__ import annotations

from collections.abc import Mapping

TYPES: Mapping[str, str] = {
    **dict.fromkeys(("float", "float32", "fp32", "single", "tf32"), "f32"),
    **dict.fromkeys(("half", "float16", "fp16"), "f16"),
    **dict.fromkeys(("bfloat16", "bfloat"), "bf16"),
    **dict.fromkeys(("float8", "fp8", "float8_e4m3", "e4m3"), "f8e4m3"),
    **dict.fromkeys(("float8_e4m3fn", "e4m3fn", "fp8e4nv"), "f8e4m3fn"),
    **dict.fromkeys(("float8_e5m2", "e5m2", "fp8e5"), "f8e5m2"),
    **dict.fromkeys(("int32", "integer", "long", "int64", "i64", "uint32", "u32"), "i32"),
    **dict.fromkeys(("int16", "short"), "i16"),
    **dict.fromkeys(("int8", "char"), "i8"),
    **dict.fromkeys(("uint16", "ushort"), "u16"),
    **dict.fromkeys(("uint8", "byte"), "u8"),
    **dict.fromkeys(("int4", "s4"), "i4"),
    "uint4": "u4",
    **dict.fromkeys(("boolean", "bool_", "i1", "int1"), "bool"),
    **dict.fromkeys(("double", "float64", "fp64", "f64"), "f32"),
}
"""The element type for a name that others give it, or the nearest there is."""

WIDER = frozenset({"double", "float64", "fp64", "f64", "long", "int64", "i64"})
"""Those of `TYPES` that have more bits than what stands for them."""

_READ = "a tensor is read by its axes: `x[m, n]`; where positions may lie outside, `x[m + 1, n, else 0]`, so no mask is needed"
_WRITE = "a result is written by its axes: `y[m, n] = value`; no mask is needed at ragged edges"
_PRODUCT = "write `a @ b`, or `dot[k](a, b)` with the axis that is summed"
_CAST = "a cast is called by its type: `bf16(x)`, `f32(x)`, `T(x)`"
_SHAPE = "nothing is reshaped or turned: axes have names, `y[n, m] = x[m, n]`, and tiles broadcast by them"
_POSITIONS = "the positions of a tile are its variable, `j <= i`; along a whole dimension they are `index[N]`"
_SIZE = "a dimension's name is its size: `/ N`"
_ASYNC = "copies, buffers and barriers are the tuner's: the text only says what is computed"

_BITS = {
    "bitwise_and": "bit_and",
    "bitwise_or": "bit_or",
    "bitwise_xor": "bit_xor",
    **dict.fromkeys(("bitwise_not", "invert"), "bit_not"),
    **dict.fromkeys(("left_shift", "lshift", "bitwise_left_shift", "shl"), "shift_left"),
    **dict.fromkeys(("right_shift", "rshift", "bitwise_right_shift", "shr"), "shift_right"),
}

FUNCTIONS: Mapping[str, str] = {
    **dict.fromkeys(("load", "gather", "take", "make_block_ptr", "dma_copy"), _READ),
    **dict.fromkeys(("store", "scatter"), _WRITE),
    **dict.fromkeys(("matmul", "mm", "bmm", "einsum", "nc_matmul"), _PRODUCT),
    **dict.fromkeys(("to", "astype", "type", "cast", "view", "bitcast"), _CAST),
    **dict.fromkeys(("T", "transpose", "permute", "trans", "swapaxes", "reshape", "squeeze", "unsqueeze"), _SHAPE),
    **dict.fromkeys(("expand_dims", "broadcast_to", "expand", "flatten"), _SHAPE),
    **dict.fromkeys(("arange", "program_id", "iota", "affine_range", "mgrid"), _POSITIONS),
    **dict.fromkeys(("shape", "size", "len", "num_programs", "cdiv"), _SIZE),
    **dict.fromkeys(("async_copy", "barrier", "syncthreads", "wait", "alloc", "tile_size"), _ASYNC),
    **dict.fromkeys(("maximum", "fmax"), "write `max(a, b)`"),
    **dict.fromkeys(("minimum", "fmin"), "write `min(a, b)`"),
    **dict.fromkeys(("pow", "power"), "a power is written `a ** b`"),
    **dict.fromkeys(("ones", "ones_like"), "write `full[m, n](1)`"),
    **dict.fromkeys(("zeros_like", "empty", "empty_like"), "write `zeros[m, n]`"),
    "full_like": "write `full[m, n](value)`",
    **{f"arc{each}": f"write `a{each}(..)`" for each in ("tan", "tan2", "sinh", "cosh", "tanh")},
    **{name: f"write `{ours}(..)`" for name, ours in _BITS.items()},
    **dict.fromkeys(("fmod", "remainder"), "the remainder, of the divisor's sign, is written `a % b`"),
    "floor_divide": "the quotient rounded down is written `a // b`",
    "isfinite": "write `abs(x) < inf`",
    "select": "write `where(condition, a, b)`",
    "float": "a cast is called by its type: `f32(x)`",
    "range": "write `for r in 0..3:` to count, or `for k of K:` to step through a dimension",
}
"""What replaces a function, method or attribute of another language."""

REDUCTIONS = frozenset({"sum", "max", "min", "mean", "prod", "any", "all", "argmax", "argmin", "cumsum", "cumprod"})
"""Those that others call as methods, `x.sum(axis=1)`, and this language with the axes in brackets."""

MODULES = frozenset({"tl", "nl", "nki", "nisa", "np", "numpy", "torch", "F", "jnp", "jax", "pl", "math", "triton", "ct", "cp"})


def type_help(name: str) -> str:
    """`write `f16`` for `fp16`; empty for a name that nobody gives a type."""
    known = TYPES.get(name) or TYPES.get(name.lower())
    if known is None:
        return ""
    return f"`{known}` is the widest there is" if name.lower() in WIDER else f"write `{known}`"


def function_help(name: str) -> str:
    """What to write for a function or method of another language; empty if there is nothing to say."""
    if name in REDUCTIONS:
        return f"the axes stand in brackets: `{name}[n](x)`"
    return FUNCTIONS.get(name, "")


def attribute_help(owner: str, name: str) -> str:
    """What to write for `owner.name`."""
    if owner in MODULES:
        return function_help(name) or f"there are no modules: functions are called by their names, `{name}(x)`"
    return function_help(name) or "functions are called: `exp(x)`"
