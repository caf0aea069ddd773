"""The texts that a kernel is made from, so that another process can make it without their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .known_fns import Functions, Known
from .module import Module, prelude
from .spans import Source
from .specialise.definition import KernelDefinition


def texts_of(*made: KernelDefinition | Module) -> dict[str, str]:
    """By the names of their files: the texts of kernels and modules, and of the `fn`s that they take from other files."""
    return {source.name: source.text for each in made for source in _sources(each)}


def _sources(made: KernelDefinition | Module) -> Iterator[Source]:
    if isinstance(made, Module):
        yield made.source
        for kernel in made.kernels.values():
            yield from _sources(kernel)
    else:
        yield made.kernel.span.source
    for known in _reachable(made.functions):
        yield known.node.span.source


def _reachable(functions: Functions) -> Iterable[Known]:
    """These functions and those that they may call, but for the prelude's, which every process has."""
    found: dict[int, Known] = {}
    waiting: list[Mapping[str, Known]] = [functions]
    own = {id(each) for each in prelude().values()}
    while waiting:
        for known in waiting.pop().values():
            if id(known) not in found and id(known) not in own:
                found[id(known)] = known
                waiting.append(known.home)
    return found.values()
