"""Engine programs: what a chip executes for a kernel, how long it takes, and what it computes."""

from .capacity import usage
from .default import default_config
from .errors import CannotLower, Infeasible
from .execute import execute
from .footprint import Footprint, canonical, footprint
from .lower import lower, tunables
from .program import EngineProgram
from .report import EngineShare, Report, simulate
from .screen import Screening, screen
from .timing import latency_fs

__all__ = [
    "CannotLower",
    "EngineProgram",
    "EngineShare",
    "Footprint",
    "Infeasible",
    "Report",
    "Screening",
    "canonical",
    "default_config",
    "execute",
    "footprint",
    "latency_fs",
    "lower",
    "screen",
    "simulate",
    "tunables",
    "usage",
]
