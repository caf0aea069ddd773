"""A kernel with arguments, ready to be called again and again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import tilery
from tilery.backends.truth.data import random_arguments
from tilery.dsl.errors import TileryError
from tilery.kernel import Kernel

from .materials import kernel_files


@dataclass(frozen=True)
class Work:
    """A kernel of a file, and what it is called with."""

    path: Path
    name: str
    arguments: dict[str, Any]

    def __call__(self) -> bytes:
        """The bytes of its results. A kernel may update its arguments in place: each call has arrays of its own."""
        given = {name: each.copy() if isinstance(each, np.ndarray) else each for name, each in self.arguments.items()}
        found = kernel(self.path, self.name)(**given)
        results = found if isinstance(found, tuple) else (found,)
        return b"".join(np.ascontiguousarray(each).tobytes() for each in results)


@cache
def kernel(path: Path, name: str) -> Kernel:
    """Kept, so that it is planned once a process: plans are what threads and forks may quarrel about."""
    return tilery.load(path)[name]


def drawn_work(choose: random.Random) -> Work:
    """A kernel of the shipped and the tests' own, with a shape and data that it takes."""
    while True:
        path = choose.choice(kernel_files())
        name = choose.choice(list(tilery.load(path)))
        signature = kernel(path, name).definition.signature
        largest = 300 if len(signature.dimensions) < 3 else 40
        given: dict[str, Any] = {each: choose.randint(1, largest) for each in signature.dimensions}
        given |= {each: choose.choice(["f32", "bf16"]) for each in signature.type_variables}
        given |= {each.name: each.kind == "bool" or 2 for each in signature.constants}
        try:
            pipeline = kernel(path, name).pipeline(given)
            arguments = random_arguments(pipeline.program, pipeline.dims, choose.randrange(100))
            work = Work(path, name, {**arguments, **pipeline.program.constants})
            work()
        except TileryError:
            continue  # a shape that it does not take
        return work
