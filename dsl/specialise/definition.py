"""A kernel as its text defines it, and what becomes of it once types and constants are known."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..check.checker import check_kernel
from ..check.context import Uneven
from ..errors import SourceErrors, UsageError
from ..known_fns import Functions
from ..program import Axis, ConstantParameter, ForLoop, Print, Program, Signature, Statement, TileLoop, walk
from ..report import Report, did_you_mean, listed
from ..text import syntax
from ..types import ElementType
from .needed import pruned, silent, within

KEPT = 256
"""Specialisations of one kernel that are kept."""

NOTHING: Mapping[str, int | str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class KernelDefinition:
    """A kernel of a module, checked for any types and constants."""

    kernel: Program
    """The generic program: type variables open, an `If` for each condition that constants decide."""
    node: syntax.KernelNode = field(repr=False)
    functions: Functions = field(repr=False)
    """The `fn`s that its text may call."""
    uneven: Uneven = field(default_factory=dict, repr=False, compare=False)
    """Axes that branches of an `if` do not share, as checking the generic program found."""
    _made: dict[object, Program] = field(default_factory=dict, repr=False, compare=False)
    """The latest specialisations."""

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

    def specialise(
        self,
        types: Mapping[str, ElementType],
        constants: Mapping[str, int | bool],
        tunes: Mapping[str, int | str] = NOTHING,
    ) -> Program:
        """The program for given types, constants and tuning parameters: no type variable, no `If`, nothing without use.

        Constants and tuning parameters not given take their defaults. Raises UsageError for a constant without, for names that
        the kernel does not have, and for a value that is none of a tuning parameter's choices; SourceErrors if the text is
        wrong for these although it is right in general. The latest programs are kept: the same arguments give the same object.
        """
        bound_types, bound_constants, tuned = self._types(types), self._constants(constants), self._tunes(tunes)
        # Of a truth value and a number that are equal, only one fits the kind of the constant.
        key = (tuple(bound_types.items()), tuple(bound_constants.items()), tuple(tuned.items()))
        if key not in self._made:
            while len(self._made) >= KEPT:
                self._made.pop(next(iter(self._made)), None)
            self._made[key] = self._specialised(bound_types, bound_constants, tuned)
        return self._made[key]

    def _specialised(
        self, types: Mapping[str, ElementType], constants: Mapping[str, int | bool], tuned: Mapping[str, int | str]
    ) -> Program:
        report = Report()
        kernel = check_kernel(self.node, self.functions, report, types, constants, tuned, uneven=self.uneven)
        if report.errors:
            raise SourceErrors(report.errors)
        body, reference = pruned(silent(kernel.body)), pruned(kernel.reference)
        kept = {each for loop in walk(body) for each in _variables(loop)}
        variables = tuple(each for each in kernel.loop_variables if each.axis in kept)
        printing = pruned(within(kernel.body, kept)) if any(isinstance(each, Print) for each in walk(kernel.body)) else ()
        return dataclasses.replace(
            kernel, body=body, reference=reference, loop_variables=variables, printing=printing, definition=self
        )

    def _tunes(self, tunes: Mapping[str, int | str]) -> dict[str, int | str]:
        declared = self.kernel.tunes
        _refuse_unknown(self.name, "tuning parameter", tunes, [each.name for each in declared])
        for each in declared:
            value = tunes.get(each.name, each.default)
            if value not in each.choices or isinstance(value, bool):
                choices = ", ".join(map(str, each.choices))
                raise UsageError(f"{self.name}: the tuning parameter `{each.name}` is one of {choices}, and {value!r} is not")
        return {each.name: tunes.get(each.name, each.default) for each in declared}

    def _types(self, types: Mapping[str, ElementType]) -> dict[str, ElementType]:
        variables = self.signature.type_variables
        _refuse_unknown(self.name, "element type", types, variables)
        missing = [each for each in variables if each not in types]
        if missing:
            raise UsageError(f"{self.name}: the element type {listed(missing)} is not given")
        return {each: types[each] for each in variables}

    def _constants(self, constants: Mapping[str, int | bool]) -> dict[str, int | bool]:
        declared, ones = self.signature.constants, self.signature.ones
        _refuse_unknown(self.name, "constant", constants, [*(each.name for each in declared), *ones])
        for name in ones:
            if constants.get(name, 1) != 1:
                raise UsageError(f"{self.name}: `{name}` is 1 or is not given, and {constants[name]!r} is neither")
        bound = {each.name: self._constant(each, constants) for each in declared}
        return bound | {name: 1 for name in ones if name in constants}

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
