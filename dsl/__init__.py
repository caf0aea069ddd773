"""The `.tk` language: text -> checked tile program. It knows no chip, no data and no tuner."""

from .check.places.outside import Condition, check_bounds
from .errors import Diagnostic, SourceErrors, TileryError, UsageError
from .explanations import explain_error
from .module import Module, load, parse
from .printer import fingerprint, print_program
from .specialise.bind import check_requirements, conditions
from .specialise.definition import KernelDefinition
from .specialise.dimensions import bind_dimensions
from .texts import texts_of

__all__ = [
    "Condition",
    "Diagnostic",
    "KernelDefinition",
    "Module",
    "SourceErrors",
    "TileryError",
    "UsageError",
    "bind_dimensions",
    "check_bounds",
    "check_requirements",
    "conditions",
    "explain_error",
    "fingerprint",
    "load",
    "parse",
    "print_program",
    "texts_of",
]
