"""Every operation of the language at every element type and every place of its axis: a small kernel each, with its reference.

A *leading* axis is the first of its tensor, a *trailing* one the last, which is contiguous in device memory. Kernels that the
checker refuses (`any` of numbers, a sum of truth values) are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np

from tilery.backends.numbers.rounding import Array, numpy_dtype, to_storage
from tilery.dsl import parse
from tilery.dsl.errors import TileryError
from tilery.dsl.functions import FUNCTIONS, REDUCTIONS, SCANS
from tilery.dsl.program import Program, size_value
from tilery.dsl.types import ELEMENT_TYPES, ElementType

DIMS = {"P": 37, "N": 150, "D": 9}
"""Ragged; one longer than the partitions of any chip, and small enough that a whole sweep takes seconds."""


def kernels(types: tuple[str, ...] = tuple(ELEMENT_TYPES)) -> Iterator[tuple[str, Program]]:
    """Every kernel of the sweep that the checker accepts, with a name."""
    for element in types:
        for name, signature, body, reference in _texts(element):
            kernel = _accepted(f"kernel f({signature}:\n    reference:\n        {reference}\n{body}")
            if kernel is not None:
                yield f"{name} {element}", kernel


@cache
def _accepted(text: str) -> Program | None:
    try:
        return parse(text).kernels["f"].specialise({}, {})
    except TileryError:
        return None


def _texts(element: str) -> Iterator[tuple[str, str, str, str]]:
    """Name, signature, body and reference of every kernel on tensors of one element type."""
    yield from _reductions(element)
    yield from _scans(element)
    yield from _functions(element)
    yield from _products(element)
    yield from _casts(element)
    yield from _moves(element)


def _given(element: str, kind: str) -> str:
    """The type of the results of an operation whose result the table gives as `kind`."""
    if kind in ("logic", "compare"):
        return "bool"
    if kind == "float":
        return "f32"
    if kind == "kept":
        return element
    return "f32" if ELEMENT_TYPES[element].kind == "float" else "i32"


def _reductions(element: str) -> Iterator[tuple[str, str, str, str]]:
    for fn, gives in REDUCTIONS.items():
        result = "i32" if gives == "index" else _given(element, gives)
        whole = f"x: {element}[P, N]) -> y: {result}"
        yield (
            f"{fn} leading",
            f"{whole}[N]",
            f"    tile n of N:\n        y[n] = {fn}[P](x[P, n])\n",
            f"y[N] = {fn}[P](x[P, N])",
        )
        yield (
            f"{fn} trailing",
            f"{whole}[P]",
            f"    tile p of P:\n        y[p] = {fn}[N](x[p, N])\n",
            f"y[P] = {fn}[N](x[P, N])",
        )
        middle = f"x: {element}[D, P, N]) -> y: {result}[D, N]"
        yield (
            f"{fn} middle",
            middle,
            f"    tile d of D by 1, n of N:\n        y[d, n] = {fn}[P](x[d, P, n])\n",
            f"y[D, N] = {fn}[P](x[D, P, N])",
        )
    for fn, start in (("max", "-inf"), ("sum", "0")):
        if ELEMENT_TYPES[element].kind == "float":
            joined = "max(top, max[p](x[p, n]))" if fn == "max" else "top + sum[p](x[p, n])"
            body = f"    tile n of N:\n        top = full[n]({start})\n        for p of P:\n            top = {joined}\n"
            yield (
                f"{fn} over steps",
                f"x: {element}[P, N]) -> y: f32[N]",
                f"{body}        y[n] = top\n",
                f"y[N] = {fn}[P](x[P, N])",
            )


def _scans(element: str) -> Iterator[tuple[str, str, str, str]]:
    for fn, counts in SCANS.items():
        second = f", z: {element}[P, N]" if max(counts) > 1 else ""
        signature = f"x: {element}[P, N]{second}) -> y: {_given(element, 'same')}[P, N]"
        for words in ("", ", exclusive", ", reverse")[: 3 if fn in ("cumsum", "scan") else 1]:
            for place, axis, tile, at in (("leading", "P", "n of N", "P, n"), ("trailing", "N", "p of P", "p, N")):
                body = f"    tile {tile}:\n        y[{at}] = {_scanned(fn, axis, words, at)}\n"
                yield f"{fn}{words} {place}", signature, body, f"y[P, N] = {_scanned(fn, axis, words, 'P, N')}"


def _scanned(fn: str, axis: str, words: str, at: str) -> str:
    """A scan of as many terms as it takes; with a start where it takes one and is exclusive."""
    terms = f"x[{at}], z[{at}]" if max(SCANS[fn]) > 1 else f"x[{at}]"
    start = f", last[{axis}](z[{at}])" if max(SCANS[fn]) > 2 and words == ", exclusive" else ""
    return f"{fn}[{axis}{words}]({terms}{start})"


def _functions(element: str) -> Iterator[tuple[str, str, str, str]]:
    for fn in FUNCTIONS.values():
        names = "abcd"[: fn.arity]
        kinds = {name: "bool" if fn.gives == "select" and name == "a" else element for name in names}
        signature = ", ".join(f"{name}: {kinds[name]}[P, N]" for name in names)
        row = ", ".join(f"{name}: {kinds[name]}[{'N' if name == 'b' else 'P, N'}]" for name in names)
        # u8 is widened: differences are below 0, and a store would wrap them around; 4 bits no chip stores.
        narrow = fn.gives in ("same", "select") and element not in ("bool", "u16", "u8", "u4", "i4")
        result = element if narrow else _given(element, fn.gives)
        body, reference = _called(fn.name, fn.symbol, names, "p, n", "p, n"), _called(fn.name, fn.symbol, names, "P, N", "P, N")
        yield (
            fn.name,
            f"{signature}) -> y: {result}[P, N]",
            f"    tile p of P, n of N:\n        y[p, n] = {body}\n",
            f"y[P, N] = {reference}",
        )
        if fn.arity == 2:
            body, reference = _called(fn.name, fn.symbol, names, "p, n", "n"), _called(fn.name, fn.symbol, names, "P, N", "N")
            yield (
                f"{fn.name} of a row",
                f"{row}) -> y: {result}[P, N]",
                f"    tile p of P, n of N:\n        y[p, n] = {body}\n",
                f"y[P, N] = {reference}",
            )


def _called(name: str, symbol: str, names: str, places: str, second: str) -> str:
    operands = [f"{each}[{second if each == 'b' else places}]" for each in names]
    if not symbol:
        return f"{name}({', '.join(operands)})"
    return f"{symbol} {operands[0]}" if len(operands) == 1 else f"{operands[0]} {symbol} {operands[1]}"


def _products(element: str) -> Iterator[tuple[str, str, str, str]]:
    result = _given(element, "same")
    for left in ("P, D", "D, P"):
        for right in ("D, N", "N, D"):
            signature = f"a: {element}[{left}], b: {element}[{right}]) -> c: {result}[P, N]"
            steps = f"            t += dot[d](a[{left.lower()}], b[{right.lower()}])\n"
            body = f"    tile p of P, n of N:\n        t = zeros[p, n]\n        for d of D:\n{steps}        c[p, n] = t\n"
            yield f"dot {left} {right}", signature, body, f"c[P, N] = sum[D](a[{left}] * b[{right}])"


def _casts(element: str) -> Iterator[tuple[str, str, str, str]]:
    for other in ELEMENT_TYPES:
        body = f"    tile p of P, n of N:\n        y[p, n] = {other}(x[p, n])\n"
        yield f"cast to {other} of", f"x: {element}[P, N]) -> y: {other}[P, N]", body, f"y[P, N] = {other}(x[P, N])"


def _moves(element: str) -> Iterator[tuple[str, str, str, str]]:
    """Loads and stores by other orders of the axes, by places that data choose, and at strided places."""
    to = f"-> y: {element}"
    tile = "    tile p of P, n of N:\n        "
    yield "transpose", f"x: {element}[P, N]) {to}[N, P]", f"{tile}y[n, p] = x[p, n]\n", "y[N, P] = x[P, N]"
    turned = f"x: {element}[D, P, N]) {to}[N, P, D]"
    yield (
        "reverse",
        turned,
        "    tile d of D by 1, p of P, n of N:\n        y[n, p, d] = x[d, p, n]\n",
        "y[N, P, D] = x[D, P, N]",
    )
    strided = f"x: {element}[P, 2 * N]) {to}[P, N]"
    yield "stride", strided, f"{tile}y[p, n] = x[p, 2 * n]\n", "y[P, N] = x[P, 2 * index[N]]"
    rows = f"x: {element}[D, N], at: i32[P]) {to}[P, N]"
    yield "gather rows", rows, "    tile p of P:\n        y[p, N] = x[at[p], N]\n", "y[P, N] = x[at[P], N]"
    columns = f"x: {element}[N, D], at: i32[P]) {to}[P, N]"
    yield "gather columns", columns, f"{tile}y[p, n] = x[n, at[p]]\n", "y[P, N] = x[N, at[P]]"
    added = f"x: {element}[P, N], at: i32[P]) {to}[D, N]"
    yield (
        "scatter",
        added,
        "    tile p of P:\n        y[at[p], N] += x[p, N]\n",
        "y[D, N] = sum[P](where(at[P] == index[D], x[P, N], 0))",
    )


def arguments(kernel: Program, dims: Mapping[str, int], seed: int = 0) -> dict[str, Array | float]:
    """Positive numbers that no operation makes NaN or overflows an integer type with; places inside their dimension."""
    rng = np.random.default_rng(seed)
    found: dict[str, Array | float] = {}
    for tensor in kernel.signature.tensors:
        shape = tuple(size_value(each, dims) for each in tensor.shape)
        found[tensor.name] = _places(rng, shape) if tensor.name == "at" else _drawn(rng, shape, tensor.element)
    return found


def _places(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.integers(0, DIMS["D"], shape).astype(np.int32)


def _drawn(rng: np.random.Generator, shape: tuple[int, ...], element: ElementType) -> Array:
    if element.kind == "bool":
        return rng.integers(0, 2, shape).astype(np.bool_)
    if element.kind == "int":
        return rng.integers(1, 4, shape).astype(numpy_dtype(element))
    return to_storage(rng.uniform(0.25, 1.5, shape).astype(np.float32), element)
