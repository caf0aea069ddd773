"""The ways to run a kernel: emulated, executed on the engine program, in float64, rounding stochastically."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tilery.backends import emulator
from tilery.backends.emulator.stepping.stepwise import Run
from tilery.backends.numbers.rounding_modes import Arithmetic, HighPrecision, StochasticArithmetic
from tilery.backends.showing import Show
from tilery.dsl.errors import UsageError
from tilery.dsl.program import Program
from tilery.pipeline import Pipeline
from tilery.python.calling import Array

from .debugging import debugger_at


@dataclass(frozen=True, slots=True)
class Way:
    """How a kernel is to be run."""

    exact: bool
    shuffle: int | None
    high_precision: bool
    stochastic: int | None
    fast_accumulate: bool
    scratch_mib: int
    probe: tuple[str, ...]
    probe_file: str | None
    stop: int | None

    @property
    def name(self) -> str:
        """What is done, for a person."""
        if self.on_chip:
            order = "" if self.shuffle is None else ", independent work in random order"
            return f"executing the engine program, instruction by instruction{order}"
        if self.high_precision:
            return "emulating tile by tile in float64, rounding nothing"
        if self.stochastic is not None:
            return "emulating tile by tile, rounding stochastically"
        return "emulating tile by tile" if self.probe or self.stop else "emulating"

    @property
    def on_chip(self) -> bool:
        """Whether the kernel is lowered for the chip; else nothing about the chip matters."""
        return self.exact or self.shuffle is not None

    def check(self) -> None:
        """Raises UsageError for options that contradict each other."""
        asked = {
            "--exact or --shuffle": self.on_chip,
            "--high-precision": self.high_precision,
            "--stochastic": self.stochastic is not None,
            "--fast-accumulate": self.fast_accumulate,
        }
        chosen = [option for option, given in asked.items() if given]
        if len(chosen) > 1:
            raise UsageError(f"{chosen[0]} and {chosen[1]} are two ways to run a kernel: choose one")
        looking = "--probe" if self.probe else "--break" if self.stop else ""
        if looking and chosen and chosen[0] in ("--exact or --shuffle", "--fast-accumulate"):
            raise UsageError(f"{looking} looks at values of the text, which {chosen[0]} does not keep: leave one out")

    def run(
        self, pipeline: Pipeline, arguments: Mapping[str, Array | float], show: Show
    ) -> tuple[dict[str, Array], emulator.Probes | None]:
        """The results, and what was probed; `show` is given what the kernel prints."""
        if self.on_chip:
            return pipeline.execute(arguments, self.shuffle, show), None
        kernel, dims = pipeline.emulated, pipeline.dims
        if self.fast_accumulate and kernel.printing:
            raise UsageError(f"{kernel.name} prints step by step, and --fast-accumulate takes several at once: leave one out")
        if not (self.high_precision or self.stochastic is not None or self.probe or self.stop):
            compiled = emulator.compile(
                kernel,
                dims,
                pipeline.tiles,
                scratch_bytes=self.scratch_mib << 20,
                fast_accumulate=self.fast_accumulate,
                show=show,
            )
            return compiled(arguments), None
        tiles = emulator.tile_sizes(kernel, dims, pipeline.tiles)
        probes = emulator.Probes(kernel, dims, tiles, self.probe) if self.probe else None
        runner = self._runner(kernel)
        results = emulator.step_through(kernel, dims, tiles, arguments, self._arithmetic, probes, show=show, runner=runner)
        return results, probes

    def _runner(self, kernel: Program) -> Callable[..., Run] | None:
        if self.stop is None:
            return None
        return partial(emulator.StoppingRun, kernel, debugger_at(Path(kernel.span.source.name), self.stop))

    @property
    def _arithmetic(self) -> Arithmetic:
        if self.high_precision:
            return HighPrecision()
        return Arithmetic() if self.stochastic is None else StochasticArithmetic(self.stochastic)
