"""The heading of a kernel: parameters, results, dimensions and type variables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from .. import sizes
from ..errors import Label
from ..program import LEADING, ConstantParameter, Parameter, ScalarParameter, Signature, Size, Tensor
from ..report import Report, did_you_mean, listed
from ..spans import Span
from ..text import syntax
from ..text.borrowed import TYPES, type_help
from ..types import ELEMENT_TYPES, F32, I32, AnyType, ElementType, TypeVariable
from .heading.constants import constant_sizes, why_undefined
from .heading.leading_or_one import check_shape, either_of
from .ranges import ranged
from .shapes import check_extent, solvable, written_size

_SCALARS = {each.name: each for each in (F32, I32)}
_CONSTANTS = ("int", "bool")
_TYPE_VARIABLE = re.compile(r"[A-Z]")


def check_signature(
    kernel: syntax.KernelNode, types: Mapping[str, ElementType], constants: Mapping[str, int | bool], report: Report
) -> tuple[Signature, frozenset[str]]:
    """The signature of a kernel, type variables and constants replaced by what they are bound to; reports every mistake in it.

    Also gives the names whose declaration has a mistake.
    """
    ones = {name for name in constants if "." in name}
    heading = _Heading(report, types, constant_sizes(kernel.parameters, constants), ones)
    for each in kernel.parameters:
        heading.parameter(each)
    heading.bind()
    requires = [each.condition for each in kernel.body if isinstance(each, syntax.Require)]
    heading.define_all(requires)
    for statement in kernel.body:
        if isinstance(statement, syntax.AxisName):
            heading.name_axis(statement)
    heading.define_all(requires)
    parameters = ranged(heading.parameters, kernel.parameters, {**heading.sizes, **constants}, report)
    for each in kernel.results:
        heading.result(each)
    if not kernel.results and not any(each.word and each.word.text == "inout" for each in kernel.parameters):
        help = f"name what it gives, `{kernel.name}(...) -> y: T[M]:`, or what it updates in place, `x: inout T[M]`"
        report.error("TK122", "a kernel says what it gives", kernel.span, "expected `->`", help)
    for statement in kernel.body:
        if isinstance(statement, syntax.Temp):
            heading.temp(statement)
    heading.check_dimensions()
    names = tuple(name for name in heading.variables if name not in types)
    dimensions = tuple(name for name in heading.dimensions if name not in heading.derived)
    derived = tuple(heading.derived.items())
    updated = (each for each in parameters if isinstance(each, Tensor) and each.role == "inout")
    results = (*heading.results, *updated)
    signature = Signature(parameters, results, dimensions, names, tuple(heading.temps), derived, tuple(heading.named))
    return signature, frozenset(heading.broken)


@dataclass(slots=True)
class _Heading:
    report: Report
    types: Mapping[str, ElementType]
    constants: Mapping[str, Size]
    """What the `int` constants are as sizes."""
    ones: AbstractSet[str]
    """The dimensions `1 or M` that have one element, as `bias.M`."""
    parameters: list[Parameter] = field(default_factory=list)
    results: list[Tensor] = field(default_factory=list)
    temps: list[Tensor] = field(default_factory=list)
    dimensions: dict[str, Span] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    """The dimensions that the shapes of the arguments say."""
    derived: dict[str, Size] = field(default_factory=dict)
    """The dimensions that follow from others."""
    undefined: dict[str, str] = field(default_factory=dict)
    """The names that a `require P == ...` meant to define, and why it does not."""
    named: list[str] = field(default_factory=list)
    """Those of them that an `axis` statement names."""
    variables: dict[str, Span] = field(default_factory=dict)
    names: dict[str, Span] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    defaulted: syntax.Parameter | None = None

    def parameter(self, node: syntax.Parameter) -> None:
        self._declare(node.name)
        if node.default is not None:
            self.defaulted = node
        elif self.defaulted:
            others = (Label(self.defaulted.name.span, "this one has a default"),)
            what = f"`{node.name.text}` has no default and follows a parameter that has one"
            self.report.error("TK209", what, node.name.span, help="move it to the front", others=others)
        self._check_word(node)
        if node.dimensions is None:
            self._scalar(node)
        elif node.default is not None:
            self.report.error("TK208", f"the tensor `{node.name.text}` cannot have a default", node.default.span)
        else:
            updated = node.word is not None and node.word.text == "inout"
            self.parameters.append(self._full_tensor(node, "argument updated in place") if updated else self._tensor(node))

    def _check_word(self, node: syntax.Parameter, argument: bool = True) -> None:
        """What stands before a type fits it: a tensor is updated in place, whole numbers are distinct."""
        if node.word is None:
            return
        word, kind = node.word.text, ELEMENT_TYPES.get(node.type.text)
        if not argument or node.dimensions is None:
            what = f"`{word}` is said of a tensor among the arguments"
            self.report.error("TK237", what, node.word.span, help=f"write `{node.name.text}: {node.type.text}` without it")
        elif word == "distinct" and kind is not None and kind.kind != "int":
            what = f"`distinct` is said of whole numbers that choose places, and `{node.name.text}` is {kind}"
            self.report.error("TK237", what, node.word.span)

    def result(self, node: syntax.Parameter) -> None:
        self._declare(node.name)
        self._check_word(node, argument=False)
        if node.dimensions is None:
            kind = node.type.text
            help = f"write `{node.name.text}: {kind}[M, N]`, with its dimensions; a single number is `{kind}[]`"
            self.broken.add(node.name.text)
            self.report.error("TK207", f"the result `{node.name.text}` is no tensor", node.span, help=help)
            return
        if node.default is not None:
            self.report.error("TK208", f"the result `{node.name.text}` cannot have a default", node.default.span)
        if node.range is not None:
            what = f"the result `{node.name.text}` cannot have a range: it is what the kernel makes it"
            self.report.error("TK227", what, node.range.span, help="a range stands with an argument, or with nothing")
        self.results.append(replace(self._full_tensor(node, "result"), role="result"))

    def temp(self, node: syntax.Temp) -> None:
        declared = syntax.Parameter(node.span, node.name, node.type, node.dimensions, None)
        self._declare(node.name)
        self.temps.append(replace(self._full_tensor(declared, "temp"), role="temp"))

    def _full_tensor(self, node: syntax.Parameter, what: str) -> Tensor:
        tensor = self._tensor(node)
        if tensor.either:
            message = f"the {what}, `{node.name.text}`, has every element: `1 or` stands with arguments that are only read"
            self.report.error("TK232", message, node.span, help=f"write `{tensor.written[tensor.either[0]]}`")
        return tensor

    @property
    def sizes(self) -> dict[str, Size]:
        """What the dimensions that are known and the `int` constants are."""
        return {**{each: each for each in self.given}, **self.constants, **self.derived}

    def bind(self) -> None:
        """Finds the dimensions that follow from the arguments' shapes, `G` of `G * R` where `R` is known too."""
        shapes = _binding([each for each in self.parameters if isinstance(each, Tensor)])
        before = -1
        while len(self.given) > before:
            before, known = len(self.given), {*self.given, *self.constants}
            for size in shapes:
                unknown = [name for name in sizes.names_in(size) if name not in known]
                if len(unknown) == 1 and solvable(size, unknown[0], known):
                    self.given.add(unknown[0])

    def define_all(self, conditions: Sequence[syntax.Expr]) -> None:
        """Takes from all conditions what they define; one may rest on another that stands below it."""
        known = -1
        while len(self.derived) > known:
            known = len(self.derived)
            for each in conditions:
                self.define(each)

    def define(self, condition: syntax.Expr) -> None:
        """Takes `require P == H // 2` as what `P` is, if no argument binds it."""
        match condition:
            case syntax.Binary(op="==", left=syntax.Name() as name, right=node) if self._open(name.text):
                pass
            case syntax.Binary(op="==", left=node, right=syntax.Name() as name) if self._open(name.text):
                pass
            case _:
                return
        trial = Report()
        size = written_size(node, self._known, trial)
        if size is None:
            self.undefined.setdefault(name.text, why_undefined(node, self.sizes, trial.errors))
            return
        self.undefined.pop(name.text, None)
        self.dimensions.setdefault(name.text, name.span)
        self.derived[name.text] = size

    def name_axis(self, node: syntax.AxisName) -> None:
        """Takes `axis G of H` as another name for the axis `H`."""
        name = node.name.text
        if not self._open(name):
            what = "a dimension" if name in self.dimensions else "an element type" if name in ELEMENT_TYPES else "a parameter"
            what = "an element type" if name in self.variables else what
            self.report.error("TK340", f"`{name}` is {what} already and cannot name another axis", node.name.span)
            return
        size = written_size(node.dimension, self._axis_size, self.report)
        if size is not None and not check_extent(size, node.dimension, self.report):
            return
        self.dimensions.setdefault(name, node.name.span)
        if size is None:
            self.broken.add(name)
            self.given.add(name)
            return
        self.derived[name] = size
        self.named.append(name)

    def _axis_size(self, node: syntax.Name) -> Size | None:
        size = self._known(node)
        if size is None:
            known = [*sorted(self.given), *self.derived]
            help = did_you_mean(node.text, known) or f"the dimensions are {listed(known)}"
            self.report.error("TK201", f"there is no dimension `{node.text}`", node.span, "not found", help)
        return size

    def _open(self, name: str) -> bool:
        taken = name in self.names or name in ELEMENT_TYPES or name in self.dimensions or name in self.variables
        return not taken and name not in self.derived and name != LEADING

    def _known(self, node: syntax.Name) -> Size | None:
        return self.sizes.get(node.text)

    def check_dimensions(self) -> None:
        """Names must not clash, and every dimension must follow from an argument."""
        for name, span in self.dimensions.items():
            if name in self.variables:
                others = (Label(self.variables[name], "here as an element type"),)
                self.report.error("TK205", f"`{name}` is both a dimension and an element type", span, others=others)
            elif name in self.names:
                others = (Label(self.names[name], "here as a name"),)
                help = "a size is known before the kernel runs: an `int` constant may stand here"
                self.report.error("TK205", f"`{name}` is both a dimension and a parameter", span, help=help, others=others)
            elif name not in self.given and name not in self.derived:
                self._unknown(name, span)

    def _unknown(self, name: str, span: Span) -> None:
        tensors = [each for each in self.parameters if isinstance(each, Tensor)]
        if name in self.undefined:
            what = f"nothing says how large `{name}` is: what is required of it does not"
            help = self.undefined[name]
        elif any(name in sizes.names_in(size) for size in _binding(tensors)):
            what = f"nothing says how large `{name}` is: it does not follow from the shapes of the arguments"
            help = "a dimension follows from `+`, `-` and `*` with known ones, as `G` does from `G * R` if `R` is known"
        else:
            what = f"nothing says how large `{name}` is: no argument has this dimension"
            known = f"; known are {listed(sorted(self.given))}" if self.given else ""
            help = f"an argument must have the dimension `{name}`, or say what it is: `require {name} == ...`{known}"
            if name == LEADING:
                help = "an argument must have the same dimensions in front: `x: T[..., N]`"
        self.report.error("TK206", what, span, help=help)

    def _declare(self, name: syntax.Name) -> None:
        if name.text in self.names:
            others = (Label(self.names[name.text], "first here"),)
            self.report.error("TK204", f"`{name.text}` is declared twice", name.span, others=others)
        elif name.text in ELEMENT_TYPES or name.text in (*_CONSTANTS, "inf", "index", "zeros"):
            self.report.error("TK204", f"`{name.text}` has a meaning of its own and cannot name a parameter", name.span)
        self.names.setdefault(name.text, name.span)

    def _tensor(self, node: syntax.Parameter) -> Tensor:
        dimensions = node.dimensions or ()
        shape = [self._dimension(each) for each in dimensions]
        element = self._element(node.type)
        if element is None or None in shape or not check_shape(node, shape, self.constants, self.report):
            self.broken.add(node.name.text)
        found = tuple(each for each in shape if each is not None)
        either = tuple(place for place, each in enumerate(dimensions) if either_of(each) and len(found) == len(shape))
        spread = tuple((place, found[place]) for place in either if f"{node.name.text}.{found[place]}" in self.ones)
        found = tuple(1 if place in dict(spread) else size for place, size in enumerate(found))
        word = node.word.text if node.word else ""
        role, distinct = "inout" if word == "inout" else "argument", word == "distinct"
        made = Tensor(node.name.text, element or F32, found, node.span, either=either, spread=spread)
        return replace(made, role=role, distinct=distinct)

    def _dimension(self, node: syntax.Expr) -> Size | None:
        node = either_of(node) or node
        size = written_size(node, self._dimension_name, self.report)
        return size if size is None or check_extent(size, node, self.report) else None

    def _dimension_name(self, node: syntax.Name) -> Size | None:
        if node.text in ELEMENT_TYPES:
            self.report.error("TK205", f"`{node.text}` is an element type and cannot name a dimension", node.span)
        if node.text in self.constants:
            return self.constants[node.text]
        self.dimensions.setdefault(node.text, node.span)
        return self.derived.get(node.text, node.text)

    def _element(self, node: syntax.Name) -> AnyType | None:
        if node.text in ELEMENT_TYPES:
            return ELEMENT_TYPES[node.text]
        if _TYPE_VARIABLE.fullmatch(node.text):
            self.variables.setdefault(node.text, node.span)
            return self.types.get(node.text) or TypeVariable(node.text)
        help = type_help(node.text) or did_you_mean(node.text, ELEMENT_TYPES) or f"there are {listed(ELEMENT_TYPES)}"
        self.report.error(
            "TK202", f"`{node.text}` is no element type", node.span, "expected one, or a single capital for any", help
        )
        return None

    def _scalar(self, node: syntax.Parameter) -> None:
        name, kind = node.name.text, node.type.text
        default = self._default(node)
        if kind in _SCALARS:
            self.parameters.append(ScalarParameter(name, _SCALARS[kind], default, node.span))
        elif kind in _CONSTANTS:
            constant = default if isinstance(default, int) else None
            self.parameters.append(ConstantParameter(name, kind, constant, node.span))
        else:
            near = _scalar_help(kind) or did_you_mean(kind, [*_SCALARS, *_CONSTANTS])
            help = near or f"a tensor has its dimensions, `{name}: {kind}[M]`"
            expected = "expected f32 or i32 for a scalar, int or bool for a constant"
            self.report.error("TK203", f"a parameter without dimensions cannot be `{kind}`", node.type.span, expected, help)
            self.broken.add(name)

    def _default(self, node: syntax.Parameter) -> float | int | bool | None:
        if node.default is None:
            return None
        value = _literal(node.default)
        kind = node.type.text
        if kind == "f32" and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        wanted = {"f32": float, "i32": int, "int": int, "bool": bool}.get(kind)
        if wanted and type(value) is not wanted:
            self.report.error("TK208", f"this default is no {kind}", node.default.span, f"expected a literal {kind}")
            return None
        return value


def _binding(tensors: Sequence[Tensor]) -> list[Size]:
    """The dimensions that say how large their names are: `1 or M` does not."""
    return [size for each in tensors for place, size in enumerate(each.shape) if place not in each.either]


def _literal(node: syntax.Expr) -> float | int | bool | None:
    match node:
        case syntax.Number(value=value) | syntax.Truth(value=value):
            return value
        case syntax.Name(text="inf"):
            return float("inf")
        case syntax.Unary(op="-", operand=syntax.Number(value=value)):
            return -value
        case syntax.Unary(op="-", operand=syntax.Name(text="inf")):
            return float("-inf")
        case _:
            return None


def _scalar_help(kind: str) -> str:
    """What to write for a scalar's type as other languages name it."""
    known = TYPES.get(kind.lower())
    return f"write `{'i32' if known.startswith(('i', 'u')) else 'f32'}`" if known and known != "bool" else ""
