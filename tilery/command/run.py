"""What `run` does: a kernel on random data, in one of several ways, compared with its reference."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tilery.backends import emulator
from tilery.backends.drawing import domains
from tilery.backends.emulator.stepping.stepwise import Run
from tilery.backends.memory import WORTH_SAYING_BYTES, check_memory
from tilery.backends.numbers.arithmetic import Arithmetic, HighPrecision, StochasticArithmetic
from tilery.backends.showing import Show
from tilery.backends.truth import accuracy, data
from tilery.backends.truth.comparison import Comparison, other_data
from tilery.backends.truth.reference import reference
from tilery.dsl.errors import TileryError, UsageError
from tilery.dsl.program import Kernel
from tilery.pages.console import bytes_text, console, echo, print_json
from tilery.pages.run_page import identity, print_run
from tilery.pipeline import Pipeline
from tilery.python.calling import Array, Call
from tilery.python.within import check_within, limits

from .running.archive import read_call, save
from .running.debugging import debugger_at
from .shared.opening import open_kernel, open_pipeline, read_names


class WrongValues(TileryError):
    """A run whose values differ from the reference."""


class Unproven(TileryError):
    """A run whose values were compared with a reference of NaN and infinities, so that nothing is known of them."""


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

    def _runner(self, kernel: Kernel) -> Callable[..., Run] | None:
        if self.stop is None:
            return None
        return partial(emulator.StoppingRun, kernel, debugger_at(Path(kernel.span.source.name), self.stop))

    @property
    def _arithmetic(self) -> Arithmetic:
        if self.high_precision:
            return HighPrecision()
        return Arithmetic() if self.stochastic is None else StochasticArithmetic(self.stochastic)


def run(
    file: str,
    names: tuple[str, ...],
    chip: str,
    as_json: bool,
    choices: tuple[str, ...],
    tuned: str | None,
    seed: int,
    data_file: str | None,
    save_file: str | None,
    **options: object,
) -> None:
    """Runs a kernel on random or given data; raises `WrongValues` if the reference disagrees, `Unproven` if it says nothing."""
    way = Way(**options)  # type: ignore[arg-type]
    way.check()
    if way.stop and as_json:
        raise UsageError("--break talks on the standard output, and --json writes there: leave one out")
    call = None if data_file is None else read_call(open_kernel(file, tuned).definition, Path(data_file), read_names(names))
    pipeline = open_pipeline(file, names if call is None else _words(call), chip, choices, tuned)
    kernel, dims = pipeline.program, pipeline.dims
    needed_bytes = check_memory(kernel, dims, compared=bool(kernel.reference))
    if needed_bytes > WORTH_SAYING_BYTES:
        echo(f"this takes {bytes_text(needed_bytes)} of memory and more", error=True)
    arguments: dict[str, Array | float]
    if call is None:
        arguments = {**data.random_arguments(kernel, dims, seed), **pipeline.request.scalars}
    else:
        arguments = dict(call.arguments)
    check_within(limits(kernel, dims), arguments, whole=True)
    told = drawn(kernel, dims, arguments, pipeline.request.scalars) if call is None else {}
    start = time.perf_counter()
    # What is printed must not come between the words of a JSON document.
    results, probes = way.run(pipeline, arguments, partial(echo, error=as_json))
    wall_s = time.perf_counter() - start
    probed = _saved(probes, Path(way.probe_file or f"{kernel.name}.probe.npz"))
    wanted = reference(kernel, dims, arguments) if kernel.reference else {}
    judged = pipeline.scheduled if way.on_chip else pipeline.emulated
    comparison = accuracy.compare(judged, dims, results, wanted, arguments) if wanted else None
    if save_file is not None:
        references = {f"reference.{name}": array for name, array in wanted.items()}
        save(Path(save_file), {**arguments, **kernel.constants, **results, **references})
    if as_json:
        compared = {**asdict(comparison), "ok": comparison.ok} if comparison else {}
        print_json(
            {
                **identity(pipeline, not way.on_chip),
                "exact": way.on_chip,
                "wall_s": wall_s,
                "probed": probed,
                "drawn": told,
                **compared,
            }
        )
    else:
        print_run(console(), pipeline, way.name, wall_s, comparison, {**told, **probed}, not way.on_chip)
    if comparison and way.stochastic is None:
        _insist(kernel, comparison)


def _words(call: Call) -> list[str]:
    types = {name: str(kind) for name, kind in call.types.items()}
    return [f"{name}={value}" for name, value in (dict(call.dims) | types | dict(call.constants)).items()]


def drawn(
    kernel: Kernel, dims: Mapping[str, int], arguments: Mapping[str, Array | float], given: Mapping[str, float]
) -> dict[str, str]:
    """What was drawn: the values of scalars, and over what tensors were that are not simply normal."""
    over = domains(kernel, dims)
    scalars = {each.name: f"{arguments[each.name]:.6g}" for each in kernel.signature.scalars if each.name not in given}
    return scalars | {each.name: f"drawn over {over[each.name]}" for each in kernel.signature.tensors if each.name in over}


def _insist(kernel: Kernel, comparison: Comparison) -> None:
    """An exit code other than 0 for all but `right`: a script must not take for right what nothing was proved of."""
    if comparison.verdict == "wrong":
        raise WrongValues(f"{kernel.name}: the values differ from the reference: {comparison}")
    if comparison.verdict == "unproven":
        what_to_do = f"help: {other_data(kernel.signature)}"
        raise Unproven(f"{kernel.name}: the values are neither right nor wrong: {comparison}\n{what_to_do}")


def _saved(probes: emulator.Probes | None, path: Path) -> dict[str, str]:
    """Writes what was probed; says what is where: `acc_line6` -> `f32 [m, n] 300 x 200, in matmul.probe.npz`."""
    if probes is None:
        return {}
    probes.save(path)
    return {name: f"{_form(array, probes.axes[name])} in {path}" for name, array in probes.arrays.items()}


def _form(array: Array, axes: tuple[str, ...]) -> str:
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    ends = f", {finite.min():g} to {finite.max():g}" if finite.size else ""
    return f"{array.dtype} [{', '.join(f'{name}={extent}' for name, extent in zip(axes, array.shape, strict=True))}]{ends}"
