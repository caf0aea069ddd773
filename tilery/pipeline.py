"""The whole road, from the text of a kernel to its tuned entry, a line a stage.

p = Pipeline(definition, {"M": 2048, "K": 4096, "N": 14336}, "trn2", TunedFile.beside("kernels/matmul.tk"))
p.program      the checked program, specialised to element types and constants
p.tunables     what is to be chosen: tile sizes and schedule knobs
p.chosen       the tuned entry's choice, or the best that is known without tuning
p.lowered      the engine program of that choice
p.report       how long it takes, and why
p.for_values   the tiles of the emulator: the tuned entry's, or its own; nothing is lowered for them
p.emulation    the same kernel as numpy
p.tune(options)   a better choice
p.save(...)    its entry in the results file
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from .backends import emulator, engine
from .backends.chips import Chip
from .backends.families import family_of
from .backends.lazy import lazy
from .backends.machine.errors import Infeasible
from .backends.showing import Show
from .backends.tunable import Choice, Tunable, declared, retuned
from .dsl import KernelDefinition, program
from .dsl.errors import UsageError
from .dsl.program import Program
from .python import checks
from .python.calling import Array
from .request import Given, Request, make_request
from .tuner.results.choose import Chosen, choose, choose_for_values
from .tuner.results.entry import Entry, entry_of, key_of, prints_of
from .tuner.results.store import TunedFile
from .tuner.space.tile_choices import tile_sizes

if TYPE_CHECKING:
    from .backends.machine.explain.analysis import Analysis
    from .tuner.findings import Findings
    from .tuner.measured.campaign import Measure
    from .tuner.model.protocol import TuningModel
    from .tuner.options import Options
    from .tuner.progress import Watcher
    from .tuner.result import Result


@dataclass
class Pipeline:
    """One kernel, one shape, one chip. Each stage is run when it is first asked for, from the stages before it, and once."""

    definition: KernelDefinition
    """The kernel as `dsl.load(path)` checked it: types and constants open."""
    given: Mapping[str, Given]
    """Dimensions, element types, constants, scalars, by name."""
    chip_name: str
    store: TunedFile
    overrides: Mapping[str, Choice] = field(default_factory=dict)
    """Choices laid over the chosen configuration."""
    what_if: Sequence[str] = ()
    """Changes to the chip, as `sbuf.bytes_per_partition=*2`."""
    cores: int = 1
    """How many cores share the work."""
    launch: bool = False
    """True: latencies include what starting the kernel takes."""

    @lazy
    def request(self) -> Request:
        """What is given, sorted by the signature, and checked against it."""
        return make_request(self.definition, self.given, self.chip_name, self.what_if)

    @property
    def program(self) -> program.Program:
        """The checked program, specialised."""
        return self.request.kernel

    @property
    def dims(self) -> Mapping[str, int]:
        """Every dimension's extent."""
        return self.request.dims

    @property
    def chip(self) -> Chip:
        """The chip's description."""
        return self.request.chip

    @lazy
    def entries(self) -> list[Entry]:
        """The results file."""
        return self.store.read_for(self.program)

    @lazy
    def tunables(self) -> tuple[Tunable, ...]:
        """What can be chosen."""
        return engine.tunables(self.program, self.dims, self.chip)

    @property
    def open_in_text(self) -> tuple[Tunable, ...]:
        """What the text leaves open: its tile sizes and what it declares with `tune`. It takes no lowering to know it."""
        return (*declared(self.program), *family_of(self.chip).tile_sizes(self.program, self.dims, self.chip))

    @lazy
    def settable(self) -> tuple[Tunable, ...]:
        """The same with every option that may be set, those too that no search tries at these shapes."""
        return engine.tunables(self.program, self.dims, self.chip, settable=True)

    @lazy
    def chosen(self) -> Chosen:
        """The configuration that is best without tuning, and where it comes from."""
        return choose(self.program, self.dims, self.chip, self.entries, self.cores)

    @lazy
    def for_values(self) -> Chosen:
        """The tiles and choices of the text that the emulator takes."""
        return choose_for_values(self.program, self.dims, self.chip, self.entries)

    @property
    def note(self) -> str:
        """What a user should know of the choice; empty for a tuned entry, and where the user has a say in it."""
        return "" if self.overrides else self.chosen.note(self.tuning_command)

    @property
    def values_note(self) -> str:
        """The same of the tiles that the emulator takes."""
        return "" if self.overrides else self.for_values.note(self.tuning_command)

    @property
    def tuning_command(self) -> str:
        """The command that tunes this."""
        source = self.definition.kernel.span.source.name
        kernel = shlex.quote(f"{source}:{self.program.name}")
        return f"tilery autotune {kernel} {self.request.arguments} {self.chip_words}{self.cores_words}"

    @property
    def title(self) -> str:
        """The kernel, its shape, chip and cores in a line, for a person."""
        return self.request.title if self.cores == 1 else f"{self.request.title}, {self.cores} cores"

    @property
    def chip_words(self) -> str:
        """The chip as a command line names it."""
        return shlex.join(["--chip", self.chip_name, *(word for each in self.what_if for word in ("--what-if", each))])

    @property
    def cores_words(self) -> str:
        """How many cores, as a command line says it; nothing for one."""
        return f" --cores {self.cores}" if self.cores > 1 else ""

    @lazy
    def config(self) -> dict[str, Choice]:
        """The chosen configuration under the overrides; without a tuned entry, the model's pick goes with them."""
        if not self.overrides:
            return dict(self.chosen.config)
        try:
            chosen = self.chosen
        except Infeasible:
            return dict(self.overrides)  # what is set may fit where the model's pick does not
        if chosen.origin in ("default", "cores"):
            return engine.default_config(self.program, self.dims, self.chip, self.overrides, self.cores)
        return {**chosen.config, **self.overrides}

    @property
    def scheduled(self) -> Program:
        """The program with what the configuration chooses of the text's `tune`."""
        return retuned(self.program, self.config)

    @property
    def tiles(self) -> dict[str, int]:
        """The tile sizes that the emulator takes."""
        return tile_sizes(self.program, {**self.for_values.config, **self.overrides})

    @property
    def emulated(self) -> Program:
        """The program with what the emulator takes of the text's `tune`."""
        return retuned(self.program, {**self.for_values.config, **self.overrides})

    @lazy
    def lowered(self) -> engine.EngineProgram:
        """The engine program."""
        return engine.lower(self.program, self.dims, self.chip, self.config, self.cores)

    @lazy
    def report(self) -> engine.Report:
        """The predicted run."""
        return engine.simulate(self.lowered, self.launch)

    @lazy
    def analysis(self) -> Analysis:
        """Why the run takes as long as it does, and what would help."""
        from .backends.machine.explain.analysis import analyse

        return analyse(self.lowered, self.report)

    @lazy
    def emulation(self) -> emulator.Emulation:
        """The kernel as vectorised numpy, with `tiles`; what it prints goes to the standard output."""
        return emulator.compile(self.emulated, self.dims, self.tiles, show=print)

    def execute(
        self, arguments: Mapping[str, Array | float], shuffle: int | None = None, show: Show | None = None
    ) -> dict[str, Array]:
        """The engine program's values, instruction by instruction; `show` is given what the kernel prints."""
        return engine.execute(self.lowered, arguments, shuffle, show)

    def model(self, options: Options) -> TuningModel:
        """The engine model, as a tuning with these options asks it."""
        from .tuner.model.engine_model import EngineModel

        return EngineModel.of(self.program, self.dims, self.chip, options, self.cores)

    def tune(
        self,
        options: Options,
        *,
        measure: Measure | None = None,
        progress: Watcher | None = None,
        keep: Callable[[Findings], None] | None = None,
    ) -> Result:
        """Searches and verifies, starting from what earlier tunings of this kernel found too.

        `measure` is a function that gives a configuration's latency in microseconds, in place of the model, as a command of
        `options.measure` is. `progress` is told how it goes, and `keep` is given all that a search by the model saw.
        """
        from .command.together.jobs import sharing
        from .command.together.measuring import command
        from .tuner.by_model import autotune
        from .tuner.interrupts import interruptible

        checks.search(options, progress)
        options = replace(options, seeds=(*options.seeds, *self._known()))
        options.check(cores=self.cores, function=measure is not None)
        self.store.check()  # a file that cannot be added to is told now, not after the search
        if options.resume and not options.storage:
            options = self._resumed(options)
        with interruptible(), sharing(self, options) as shared:
            means = measure or command(self, options)
            if means is None:
                return autotune(self.model(options), options, progress=progress, sharing=shared, keep=keep)
            from .tuner.measured.by_measurement import autotune_measured  # brings Optuna along

            return autotune_measured(self.model(options), means, options, progress=progress, sharing=shared)

    def _known(self) -> list[dict[str, Choice]]:
        """Configurations to start from: what earlier tunings of the kernel found."""
        return [dict(each.config) for each in self.entries if each.key.kernel == self.program.name]

    def _resumed(self, options: Options) -> Options:
        """The options of a search that starts from this entry and its runners-up, with another seed than the search before."""
        key = key_of(self.program, self.dims, self.chip, self.cores)
        here = [each for each in self.entries if each.key == key]
        if not here:
            raise UsageError(
                f"nothing to continue: {self.store.path} has no entry of {self.request.title}\n"
                "help: without --continue it is begun; with --storage everything that was tried is kept"
            )
        gone_on = [dict(config) for each in here for config in (each.config, *(other.config for other in each.runners_up))]
        seed = options.seed + sum(each.evaluated for each in here)
        return replace(options, seeds=(*gone_on, *options.seeds), seed=seed)

    def save(self, result: Result) -> Entry:
        """Writes a result to the results file."""
        key, prints = key_of(self.program, self.dims, self.chip, self.cores), prints_of(self.program, self.chip)
        entry = entry_of(result, key, prints, version("tilery"))
        self.store.write(entry)
        return entry
