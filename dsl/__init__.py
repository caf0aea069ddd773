"""The `.tk` language: text -> checked tile program. It knows no chip, no data and no tuner."""

from .bind import bind_dimensions, check_requirements
from .definition import KernelDefinition
from .errors import Diagnostic, SourceErrors, TileryError, UsageError
from .module import Module, load, parse
from .printer import fingerprint, print_program

__all__ = [
    "Diagnostic",
    "KernelDefinition",
    "Module",
    "SourceErrors",
    "TileryError",
    "UsageError",
    "bind_dimensions",
    "check_requirements",
    "fingerprint",
    "load",
    "parse",
    "print_program",
]
