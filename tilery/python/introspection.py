"""A kernel as `inspect.signature` and `help` show it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter
from typing import Any, Generic, TypeVar

from tilery.backends.tunable import Choice
from tilery.dsl import program
from tilery.dsl.printer import print_parameter

Value = TypeVar("Value")

OPTIONS: Mapping[str, object] = {"out": object, "config": Mapping[str, Choice] | None}
"""The keyword arguments that every call takes, unless the kernel has an argument of that name."""


class PerInstance(Generic[Value]):
    """A descriptor: instances compute the attribute, and the class keeps its own."""

    def __init__(self, make: Callable[[Any], Value], of_class: object = None) -> None:
        self._make = make
        self._of_class = of_class

    def __get__(self, instance: object, owner: type) -> Any:
        if instance is not None:
            return self._make(instance)
        if self._of_class is None:
            raise AttributeError("only an instance has it")
        return self._of_class


def python_signature(signature: program.Signature) -> inspect.Signature:
    """The kernel's arguments in the order of the text, then the keyword arguments that every call takes."""
    parameters = [*_arguments(signature)]
    names = {each.name for each in parameters}
    for name, kind in OPTIONS.items():
        if name not in names:
            parameters.append(Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind))
    results = ", ".join(print_parameter(each) for each in signature.results)
    return inspect.Signature(parameters, return_annotation=results if len(signature.results) == 1 else f"({results})")


def _arguments(signature: program.Signature) -> Iterator[Parameter]:
    for each in signature.parameters:
        default = None if isinstance(each, program.Tensor) else each.default
        annotation = print_parameter(each).partition(": ")[2].partition(" = ")[0]
        yield Parameter(
            each.name,
            Parameter.POSITIONAL_OR_KEYWORD,
            default=Parameter.empty if default is None else default,
            annotation=annotation,
        )


def documentation(name: str, signature: program.Signature, doc: str) -> str:
    """The signature as the text has it, and the docstring."""
    parameters = ", ".join(print_parameter(each) for each in signature.parameters)
    results = ", ".join(print_parameter(each) for each in signature.results)
    line = f"{name}({parameters}) -> {results if len(signature.results) == 1 else f'({results})'}"
    return f"{line}\n\n{inspect.cleandoc(doc)}" if doc else line
