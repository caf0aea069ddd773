"""Engine programs: what a chip executes for a kernel, how long it takes, and what it computes."""

from .machine.capacity import usage
from .machine.choosing.assemble import lower, tunables
from .machine.choosing.default import default_config
from .machine.choosing.footprint import Footprint, canonical, footprint
from .machine.choosing.screen import Screening, screen
from .machine.engine_program import EngineProgram
from .machine.errors import CannotLower, Infeasible
from .machine.execute.execute import execute
from .machine.time.summary import EngineShare, Report, simulate
from .machine.time.timing import latency_fs

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
