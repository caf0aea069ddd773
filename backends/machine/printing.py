"""What a kernel prints, as instructions of the exact execution.

They read buffers, and no engine carries them out: the program that is timed and tuned has none. A value that is printed has a
buffer, also where one instruction with what reads it would have done; otherwise it is the same program.
"""

from __future__ import annotations

from dataclasses import replace

from ..trainium.lowering.lower import Lowering
from .program import EngineProgram


def with_prints(program: EngineProgram) -> EngineProgram:
    """The program with what its kernel prints; choices that it does not have any more are left out."""
    kernel = replace(program.kernel, body=program.kernel.printing, printing=())
    lowering = Lowering(kernel, program.chip)
    space = {each.name: each for each in lowering.tunables(program.dims, settable=True)}
    kept = {name: value for name, value in program.config.items() if name in space}
    defaults = {name: each.default for name, each in space.items()}
    return EngineProgram(lowering.structure(kept), program.dims, {**program.config, **defaults, **kept}, program.cores)
