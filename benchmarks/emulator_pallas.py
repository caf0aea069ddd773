"""The kernels of `emulator.py` in Pallas, run by its two interpreters, with the same tiles.

`interpret=True` turns a kernel into XLA operations; the TPU interpreter also acts the chip's memories and copies out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu

INTERPRETERS = {"pallas": True, "pallas tpu": pltpu.InterpretParams()}


def _product(a: Any, b: Any, depth: int, rows: int, columns: int) -> Any:
    def step(k: Any, acc: Any) -> Any:
        left, right = a[:, pl.ds(k * depth, depth)], b[pl.ds(k * depth, depth), :]
        return acc + jnp.dot(left, right, preferred_element_type=jnp.float32, precision="highest")

    return jax.lax.fori_loop(0, a.shape[1] // depth, step, jnp.zeros((rows, columns), jnp.float32))


def _matmul(tiles: Mapping[str, int], a: Any, b: Any, c: Any) -> None:
    c[...] = _product(a, b, tiles["k"], tiles["m"], tiles["n"]).astype(c.dtype)


def _linear_gelu(tiles: Mapping[str, int], x: Any, w: Any, bias: Any, y: Any) -> None:
    h = _product(x, w, tiles["k"], tiles["m"], tiles["n"]) + bias[...].astype(jnp.float32)
    y[...] = (0.5 * h * (1 + jax.lax.erf(h * 0.7071067811865476))).astype(y.dtype)


def _softmax(x: Any, y: Any) -> None:
    tile = x[...].astype(jnp.float32)
    e = jnp.exp(tile - tile.max(1, keepdims=True))
    y[...] = (e / e.sum(1, keepdims=True)).astype(y.dtype)


def _rmsnorm(x: Any, weight: Any, y: Any) -> None:
    tile = x[...].astype(jnp.float32)
    scale = jax.lax.rsqrt((tile * tile).mean(1, keepdims=True) + 1e-5)
    y[...] = (tile * scale * weight[...].astype(jnp.float32)).astype(y.dtype)


def _attention(tiles: Mapping[str, int], scale: float, causal: bool, q: Any, k: Any, v: Any, o: Any) -> None:
    bi, bj = tiles["i"], tiles["j"]
    i = pl.program_id(1) * bi + jax.lax.broadcasted_iota(jnp.int32, (bi, bj), 0)

    def step(number: Any, carried: Any) -> Any:
        top, total, acc = carried
        keys, values = k[0, pl.ds(number * bj, bj), :], v[0, pl.ds(number * bj, bj), :]
        s = jnp.dot(q[0], keys.T, preferred_element_type=jnp.float32, precision="highest") * scale
        if causal:
            j = number * bj + jax.lax.broadcasted_iota(jnp.int32, (bi, bj), 1)
            s = jnp.where(j <= i, s, -jnp.inf)
        new = jnp.maximum(top, s.max(1, keepdims=True))
        p, fade = jnp.exp(s - new), jnp.exp(top - new)
        grown = jnp.dot(p.astype(values.dtype), values, preferred_element_type=jnp.float32, precision="highest")
        return new, total * fade + p.sum(1, keepdims=True), acc * fade + grown

    steps = k.shape[1] // bj
    last = ((pl.program_id(1) + 1) * bi + bj - 1) // bj if causal else steps
    start = jnp.full((bi, 1), -jnp.inf), jnp.zeros((bi, 1)), jnp.zeros((bi, q.shape[2]))
    _, total, acc = jax.lax.fori_loop(0, last, step, start)
    o[0] = (acc / total).astype(o.dtype)


def contestant(
    kernel: str, arguments: Mapping[str, Any], dims: Mapping[str, int], tiles: Mapping[str, int], causal: bool, interpreter: str
) -> Callable[[], Any]:
    """Runs a kernel, compiled once, and gives its result."""
    grid: tuple[int, ...]
    shape: tuple[int, ...]
    body: Callable[..., None]
    work: Callable[..., None]
    given = [jnp.asarray(each) for each in arguments.values() if isinstance(each, np.ndarray)]
    if kernel in ("matmul", "linear_gelu"):
        m, n, depth = tiles["m"], tiles["n"], dims["K"]
        specs = [pl.BlockSpec((m, depth), lambda i, j: (i, 0)), pl.BlockSpec((depth, n), lambda i, j: (0, j))]
        specs += [pl.BlockSpec((1, n), lambda i, j: (0, j))] if kernel == "linear_gelu" else []
        given = [each.reshape(1, -1) if each.ndim == 1 else each for each in given]
        body = _matmul if kernel == "matmul" else _linear_gelu
        grid, shape, out = (dims["M"] // m, dims["N"] // n), (dims["M"], dims["N"]), pl.BlockSpec((m, n), lambda i, j: (i, j))
        work = lambda *refs: body(tiles, *refs)  # noqa: E731
    elif kernel in ("softmax", "rmsnorm"):
        rows = pl.BlockSpec((tiles["m"], dims["N"]), lambda i: (i, 0))
        given = [each.reshape(1, -1) if each.ndim == 1 else each for each in given]
        specs = [rows, pl.BlockSpec((1, dims["N"]), lambda i: (0, 0))][: len(given)]
        grid, shape, out = (dims["M"] // tiles["m"],), (dims["M"], dims["N"]), rows
        work = _softmax if kernel == "softmax" else _rmsnorm
    else:
        rows = pl.BlockSpec((1, tiles["i"], dims["D"]), lambda h, i: (h, i, 0))
        long = pl.BlockSpec((1, dims["L"], dims["D"]), lambda h, i: (h, 0, 0))
        specs, grid, shape, out = [rows, long, long], (dims["H"], dims["S"] // tiles["i"]), given[0].shape, rows
        work = lambda *refs: _attention(tiles, float(arguments["scale"]), causal, *refs)  # noqa: E731
    result = jax.ShapeDtypeStruct(shape, given[0].dtype)
    call = jax.jit(
        pl.pallas_call(work, out_shape=result, grid=grid, in_specs=specs, out_specs=out, interpret=INTERPRETERS[interpreter])
    )
    return lambda: np.asarray(call(*given).block_until_ready()).astype(np.float32)
