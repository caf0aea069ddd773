"""A kernel's `print` statements, as instructions of the exact execution.

They read buffers, and no engine executes them: the program that is timed and tuned has none. A printed value has a buffer, even
where its operation could have been fused with the one that reads it. Apart from that it is the same program.
"""

from __future__ import annotations

from dataclasses import replace

from .engine_program import EngineProgram


def with_prints(program: EngineProgram) -> EngineProgram:
    """The program with its kernel's prints. Choices of knobs that it no longer has are dropped."""
    kernel = replace(program.kernel, body=program.kernel.printing, printing=())
    lowering = program.family.lowering(kernel, program.chip)
    space = {each.name: each for each in lowering.tunables(program.dims, settable=True)}
    kept = {name: value for name, value in program.config.items() if name in space}
    defaults = {name: each.default for name, each in space.items()}
    return EngineProgram(lowering.structure(kept), program.dims, {**program.config, **defaults, **kept}, program.cores)
