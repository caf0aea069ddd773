"""`kernel.reference` and `kernel.check`: the user's own arguments, the reference's results, and a verdict."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tilery.backends.numbers.rounding import numpy_dtype
from tilery.backends.truth.accuracy import compare
from tilery.backends.truth.comparison import Comparison
from tilery.backends.truth.reference import reference
from tilery.dsl import check_requirements, program
from tilery.dsl.errors import UsageError

from .calling import Call, bind_call
from .cures import conversion
from .foreign import to_numpy
from .leading import folded_results, unfolded
from .results import named_results
from .within import check_distinct, check_within, limits

if TYPE_CHECKING:
    from tilery.kernel import Kernel

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Verdict:
    """The verdict of a check on given arguments. It is true if the kernel is right."""

    kernel: str
    comparison: Comparison
    """The whole comparison, with the worst element and the share that rounding cannot avoid."""
    results: Any
    """The results that were judged: an array, or a named tuple."""
    reference: Any
    """The reference's results in float64, in the same form."""

    @property
    def right(self) -> bool:
        """Whether every result is within its tolerance and the comparison proves something."""
        return self.comparison.ok

    @property
    def verdict(self) -> str:
        """`right`, `wrong`, or `unproven` where the reference itself is NaN or infinite."""
        return self.comparison.verdict

    @property
    def error(self) -> float:
        """The error of the worst element, relative to the scale of its result."""
        return self.comparison.max_error

    @property
    def allowed(self) -> float:
        """The error that the kernel's arithmetic can explain at that element."""
        return self.comparison.tolerance

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"<{self.kernel} is {self.verdict}: {self.comparison}>"


def reference_of(kernel: Kernel, arguments: tuple[object, ...], named: Mapping[str, object]) -> Any:
    """The results of the kernel's `reference:` for these arguments, in float64."""
    call, specialised = _matched(kernel, arguments, named)
    return _as_called(specialised, call, reference(specialised, call.dims, call.arguments))


def check(kernel: Kernel, arguments: tuple[object, ...], named: dict[str, object]) -> Verdict:
    """Runs the kernel, or takes `results=`, and compares with its reference."""
    given = named.pop("results", None) if all(each.name != "results" for each in _parameters(kernel)) else None
    config = named.get("config") if all(each.name != "config" for each in _parameters(kernel)) else None
    plain = {name: value for name, value in named.items() if name != "config" or config is None}
    call, specialised = _matched(kernel, arguments, plain)
    wanted = reference(specialised, call.dims, call.arguments)
    if given is None:
        given = kernel(*_apart(kernel, arguments), **_named_apart(kernel, named))
    results = _results(specialised, call, given)
    types = {name: str(kind) for name, kind in call.types.items()}
    names: dict[str, Any] = dict(call.dims) | types | dict(call.constants)
    pipeline = kernel.pipeline(names, config=config)  # type: ignore[arg-type]
    comparison = compare(pipeline.emulated, call.dims, results, wanted, call.arguments)
    return Verdict(kernel.name, comparison, _as_called(specialised, call, results), _as_called(specialised, call, wanted))


def _apart(kernel: Kernel, arguments: tuple[object, ...]) -> tuple[object, ...]:
    """The arguments, copies of those that the kernel updates in place: a check changes nothing."""
    return tuple(_copied(each, value) for each, value in zip(_parameters(kernel), arguments, strict=False))


def _named_apart(kernel: Kernel, named: Mapping[str, object]) -> dict[str, object]:
    by_name = {each.name: each for each in _parameters(kernel)}
    return {name: _copied(by_name[name], value) if name in by_name else value for name, value in named.items()}


def _copied(parameter: program.Parameter, value: object) -> object:
    return copy.deepcopy(value) if isinstance(parameter, program.Tensor) and parameter.role == "inout" else value


def _parameters(kernel: Kernel) -> tuple[program.Parameter, ...]:
    return kernel.definition.signature.parameters


def _matched(kernel: Kernel, arguments: tuple[object, ...], named: Mapping[str, object]) -> tuple[Call, program.Program]:
    call = bind_call(kernel.name, kernel.definition.signature, arguments, named)
    specialised = kernel.definition.specialise(call.types, call.constants)
    check_requirements(specialised, call.dims)
    check_within(limits(specialised, call.dims), call.arguments, whole=True)
    check_distinct(specialised.signature, call.arguments, whole=True)
    return call, specialised


def _as_called(kernel: program.Program, call: Call, folded: Mapping[str, Array]) -> Any:
    """One array, or a named tuple, as a call gives them."""
    results = unfolded(kernel.signature, folded, call.leading)
    names = [each.name for each in kernel.signature.results]
    return results[names[0]] if len(names) == 1 else named_results(kernel.name, names, [results[each] for each in names])


def _results(kernel: program.Program, call: Call, given: object) -> dict[str, Array]:
    """Results by name. Raises UsageError if their number, types or shapes are not the kernel's."""
    wanted = kernel.signature.results
    found: dict[str, object]
    if isinstance(given, Mapping):
        found = dict(given)
    else:
        values = list(given) if isinstance(given, tuple | list) else [given]
        found = dict(zip((each.name for each in wanted), values, strict=False)) if len(values) == len(wanted) else {}
    if set(found) != {each.name for each in wanted}:
        raise UsageError(f"`results` holds one array for each result: {', '.join(each.name for each in wanted)}")
    arrays = {name: to_numpy(name, value) for name, value in found.items()}
    fitting = folded_results(kernel.signature, arrays, call.leading, "the result")
    return {each.name: _result(each, call, fitting[each.name], found[each.name]) for each in wanted}


def _result(tensor: program.Tensor, call: Call, array: Array, value: object) -> Array:
    shape = tuple(program.size_value(each, call.dims) for each in tensor.shape)
    if array.shape != shape:
        raise UsageError(f"the result `{tensor.name}` has the shape {list(shape)}, and was given as {list(array.shape)}")
    if array.dtype != np.dtype(numpy_dtype(tensor.element)):
        cure = conversion(tensor.name, value, array.dtype, tensor.dtype)
        raise UsageError(f"the result `{tensor.name}` is {tensor.dtype}, and was given as {array.dtype}; write {cure}")
    return array
