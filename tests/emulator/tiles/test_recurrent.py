"""Networks over a sequence, against numpy in float64; their references, which take the same steps, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tilery import dsl
from tilery.backends import emulator
from tilery.backends.truth import accuracy, data
from tilery.backends.truth.reference import reference
from tilery.dsl import program
from tilery.dsl.types import BF16, F32, ElementType

Array = NDArray[Any]
FOLDER = Path(__file__).parents[2] / "kernels" / "recurrences"
DIMS = {"B": 5, "S": 7, "D": 11, "H": 13}


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def rnn(x: Array, w: Array, u: Array, b: Array) -> dict[str, Array]:
    h, found = np.zeros((len(x), u.shape[1])), []
    for step in range(x.shape[1]):
        h = np.tanh(x[:, step] @ w + h @ u + b)
        found.append(h)
    return {"y": np.stack(found, 1), "last": h}


def gru(x: Array, w: Array, u: Array) -> dict[str, Array]:
    h, found = np.zeros((len(x), u.shape[2])), []
    for step in range(x.shape[1]):
        r, z = (sigmoid(x[:, step] @ w[gate] + h @ u[gate]) for gate in (0, 1))
        h = (1 - z) * np.tanh(x[:, step] @ w[2] + (r * h) @ u[2]) + z * h
        found.append(h)
    return {"y": np.stack(found, 1)}


def lstm(x: Array, w: Array, u: Array, b: Array) -> dict[str, Array]:
    h, c, found = np.zeros((len(x), u.shape[2])), np.zeros((len(x), u.shape[2])), []
    for step in range(x.shape[1]):
        i, f, o, g = (x[:, step] @ w[gate] + h @ u[gate] + b[gate] for gate in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        found.append(h)
    return {"y": np.stack(found, 1), "state": c}


NETWORKS: Mapping[str, Callable[..., dict[str, Array]]] = {"rnn": rnn, "gru": gru, "lstm": lstm}


def network(name: str, t: ElementType) -> program.Program:
    return dsl.load(FOLDER / "networks.tk").kernels[name].specialise({"T": t}, {})


@pytest.mark.parametrize("size", [1, 2, 64])
@pytest.mark.parametrize("t", [F32, BF16], ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_each_step_from_the_state_before(name: str, t: ElementType, size: int) -> None:
    kernel = network(name, t)
    arguments = data.random_arguments(kernel, DIMS, 1)
    got = emulator.compile(kernel, DIMS, {"n": size, "s": 1})(arguments)
    wanted = NETWORKS[name](**{key: np.asarray(each, np.float64) for key, each in arguments.items()})
    found = accuracy.compare(kernel, DIMS, got, wanted, arguments)
    assert found.ok, str(found)
    for key, each in reference(kernel, DIMS, arguments).items():
        np.testing.assert_allclose(each, wanted[key], rtol=1e-12, atol=1e-13)
    stepped = emulator.step_through(kernel, DIMS, {"n": size, "s": 1}, arguments)
    assert accuracy.compare(kernel, DIMS, stepped, wanted, arguments).ok


@pytest.mark.parametrize("name", NETWORKS)
def test_each_gate_is_computed_once(name: str) -> None:
    products = [each for each in program.walk(network(name, F32).body) if isinstance(each, program.Dot)]
    assert len(products) == {"rnn": 2, "gru": 6, "lstm": 8}[name]
