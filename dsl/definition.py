"""A kernel as its text defines it, and what becomes of it once types and constants are known."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import syntax
from .checker import check_kernel
from .errors import SourceErrors, UsageError
from .program import Axis, ConstantParameter, ForLoop, Kernel, Signature, Statement, TileLoop, walk
from .prune import pruned
from .report import Report, did_you_mean, listed
from .types import ElementType


@dataclass(frozen=True, slots=True)
class KernelDefinition:
    """A kernel of a module, checked for any types and constants."""

    kernel: Kernel
    """The generic program: type variables open, an `If` for each condition that constants decide."""
    node: syntax.Kernel = field(repr=False)
    functions: Mapping[str, syntax.Function] = field(repr=False)
    """The `fn`s that its text may call."""

    @property
    def name(self) -> str:
        """The kernel's name."""
        return self.kernel.name

    @property
    def doc(self) -> str:
        """The docstring, empty if there is none."""
        return self.kernel.doc

    @property
    def signature(self) -> Signature:
        """What the kernel takes and gives."""
        return self.kernel.signature

    def specialise(self, types: Mapping[str, ElementType], constants: Mapping[str, int | bool]) -> Kernel:
        """The program for given element types and constants: no type variable, no `If`, nothing without use.

        Constants not given take their defaults. Raises UsageError for one without, and for names that the signature does not
        have; SourceErrors if the text is wrong for these types although it is right in general.
        """
        bound_types = self._types(types)
        bound_constants = self._constants(constants)
        report = Report()
        kernel = check_kernel(self.node, self.functions, report, bound_types, bound_constants)
        if report.errors:
            raise SourceErrors(report.errors)
        body, reference = pruned(kernel.body), pruned(kernel.reference)
        kept = {each for loop in walk(body) for each in _variables(loop)}
        variables = tuple(each for each in kernel.loop_variables if each.axis in kept)
        return dataclasses.replace(kernel, body=body, reference=reference, loop_variables=variables)

    def _types(self, types: Mapping[str, ElementType]) -> dict[str, ElementType]:
        variables = self.signature.type_variables
        _refuse_unknown(self.name, "element type", types, variables)
        missing = [each for each in variables if each not in types]
        if missing:
            raise UsageError(f"{self.name}: the element type {listed(missing)} is not given")
        return {each: types[each] for each in variables}

    def _constants(self, constants: Mapping[str, int | bool]) -> dict[str, int | bool]:
        declared = self.signature.constants
        _refuse_unknown(self.name, "constant", constants, [each.name for each in declared])
        return {each.name: self._constant(each, constants) for each in declared}

    def _constant(self, declared: ConstantParameter, constants: Mapping[str, int | bool]) -> int | bool:
        value = constants.get(declared.name, declared.default)
        if value is None:
            raise UsageError(f"{self.name}: the constant `{declared.name}: {declared.kind}` has no default and is not given")
        if isinstance(value, bool) != (declared.kind == "bool") or not isinstance(value, int):
            raise UsageError(f"{self.name}: the constant `{declared.name}` is {declared.kind}, and {value!r} is not")
        if not -(2**31) <= value < 2**31:
            raise UsageError(f"{self.name}: the constant `{declared.name}` does not fit a 32-bit integer")
        return value


def _variables(statement: Statement) -> tuple[Axis, ...]:
    match statement:
        case TileLoop():
            return tuple(each.axis for each in statement.variables)
        case ForLoop():
            return (statement.variable.axis,)
        case _:
            return ()


def _refuse_unknown(kernel: str, what: str, given: Mapping[str, object], known: list[str] | tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or (f"it has {listed(known)}" if known else "it has none")
            raise UsageError(f"{kernel} has no {what} `{name}`; {hint}")
