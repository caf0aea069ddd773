"""A kernel as a Python function: numpy in, numpy out, with the tuned configuration of its shape."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from . import dsl
from .backends import emulator
from .backends.lazy import lazy
from .backends.tunable import Choice
from .dsl.reading import read_text
from .pipeline import Pipeline
from .python import checks
from .python.calling import Call, Forms, TypesAndDims, bind_call
from .python.foreign import in_kind
from .python.introspection import OPTIONS, PerInstance, documentation, python_signature
from .python.leading import folded_results, unfolded
from .python.outputs import Outputs, read_outputs, refuse_overlaps, updating
from .python.results import named_results
from .python.within import Limits, check_distinct, check_within, limits
from .request import DEFAULT_CHIP, Given
from .tuner.results.store import TunedFile

if TYPE_CHECKING:
    from .backends.machine.time.summary import Report
    from .python.verdict import Verdict
    from .tuner.result import Result
    from .tuner.space.feasibility import Landscape

log = logging.getLogger("tilery")
"""Where a kernel says once that it runs untuned. A logger, not a warning: no strict test suite should fail for it."""

SHAPES_KEPT = 128
"""How many specialisations a kernel keeps ready."""


class Kernel:
    """A tile kernel that is called like a function.

    `kernel(a, b)` takes numpy arrays (bf16 and fp8 through ml_dtypes), by position or by name, and run-time scalars and
    constants alike; it returns an array, or a named tuple of them where the kernel has several results. Element types and
    dimensions are read off the arrays. The tiles are those of the tuned entry for this shape on trn2, else the emulator's own;
    a call never tunes nor lowers for the chip, and says once, through the logger `tilery`, when there is no entry. The values
    are those of the emulator, which rounds as the chip does.
    """

    def __init__(self, path: Path, name: str, definition: dsl.KernelDefinition | None = None, tuned: Path | None = None) -> None:
        self.path = path
        """The `.tk` file."""
        self.name = self.__name__ = self.__qualname__ = name
        self.tuned = TunedFile(tuned) if tuned else TunedFile.beside(path)
        """Its results file."""
        self._home = path
        """The name of its file in its text's spans: in another process than the one that read it, not `path`."""
        self._texts: Mapping[str, str] | None = None
        """Texts to make it from instead of reading files."""
        if definition:
            self.__dict__["definition"] = definition
        self._seen_forms: dict[Forms, TypesAndDims] = {}
        self._prepared = lru_cache(maxsize=SHAPES_KEPT)(self._prepare)
        self._limits = lru_cache(maxsize=SHAPES_KEPT)(self._find_limits)

    @lazy
    def definition(self) -> dsl.KernelDefinition:
        """The checked kernel; a shipped one is parsed when it is first needed."""
        return dsl.load(self._home, self._texts).kernels[self.name]

    def __reduce__(self) -> tuple[object, ...]:
        """Pickles the texts, so that the kernel stays the same in other processes if files change."""
        known = self.__dict__.get("definition")
        home, texts = self._home if self._texts else self._home.absolute(), self._texts
        if known is not None:
            home, texts = Path(known.kernel.span.source.name), dsl.texts_of(known)
        return _restored, (self.path.absolute(), self.name, self.tuned.path.absolute(), home, texts)

    def __copy__(self) -> Kernel:
        return self

    def __deepcopy__(self, memo: object) -> Kernel:
        return self

    @property
    def source(self) -> str:
        """The text of its file."""
        return read_text(self.path)

    @property
    def doc(self) -> str:
        """The docstring of the text."""
        return self.definition.doc

    def __call__(self, *arguments: object, **named: object) -> Any:
        """The results for these arguments; raises `UsageError` if they do not fit the signature or each other.

        Results are of the kind of the arguments: torch tensors for torch tensors. `out=` takes an array, numpy's or torch's, to
        write to (a tuple or a mapping of them where there are several results); it may overlap the arguments, and is what is
        returned. `config=` overrides tile sizes, and what the text leaves to a `tune`.
        """
        signature = self.definition.signature
        out, config = (self._option(name, named) for name in OPTIONS)
        call = bind_call(self.name, signature, arguments, named, self._seen_forms)
        types = {name: str(kind) for name, kind in call.types.items()}
        given = tuple((dict(call.dims) | types | dict(call.constants)).items())
        emulation = self._prepared(given, self._checked(config))
        if signature.ranges:
            check_within(self._limits(given), call.arguments)
        check_distinct(signature, call.arguments)
        if any(each.role == "inout" for each in signature.results):
            call, updated = updating(signature, call, call.given)
            results: Mapping[str, Any] = self._updated(updated, out, emulation, call, in_kind((*arguments, *named.values())))
        elif out is None:
            convert = in_kind((*arguments, *named.values()))
            made = unfolded(signature, emulation(call.arguments), call.leading)
            results = {name: convert(array) for name, array in made.items()}
        else:
            results = self._into(out, emulation, call)
        names = [each.name for each in signature.results]
        return results[names[0]] if len(names) == 1 else named_results(self.name, names, [results[each] for each in names])

    def reference(self, *arguments: object, **named: object) -> Any:
        """What the text's `reference:` gives for these arguments, in float64: an array, or a named tuple as from a call.

        Raises `UsageError` if the text has no reference, or if an argument does not fit the signature or its range.
        """
        from .python.verdict import reference_of

        return reference_of(self, arguments, named)

    def check(self, *arguments: object, **named: object) -> Verdict:
        """Runs the kernel on these arguments and compares with its reference: `assert matmul.check(a, b)`.

        `results=` takes results to be judged instead of running it: an array, or a tuple or mapping of them. The verdict says
        `right`, `error`, `allowed` and what was compared.
        """
        from .python.verdict import check

        return check(self, arguments, dict(named))

    def _find_limits(self, given: tuple[tuple[str, Given], ...]) -> Mapping[str, Limits]:
        pipeline = self.pipeline(dict(given))
        return limits(pipeline.program, pipeline.dims)

    __signature__ = PerInstance(lambda self: python_signature(self.definition.signature))
    __doc__ = PerInstance(lambda self: documentation(self.name, self.definition.signature, self.doc), __doc__)

    def _option(self, name: str, named: dict[str, object]) -> object:
        """Takes one of `OPTIONS` out of the arguments, unless the kernel has one of that name."""
        if name in named and all(each.name != name for each in self.definition.signature.parameters):
            return named.pop(name)
        return None

    def _checked(self, config: object) -> tuple[tuple[str, Choice], ...]:
        if not config:
            return ()
        checks.config(config)
        return tuple(cast(Mapping[str, Choice], config).items())

    def _into(self, out: object, emulation: emulator.Emulation, call: Call) -> Mapping[str, object]:
        signature = self.definition.signature
        outputs = read_outputs(signature, out)
        arrays = folded_results(signature, outputs.arrays, call.leading, "out of")
        emulation.check_results(arrays)
        if outputs.direct(call.arguments.values()):
            emulation(call.arguments, arrays)
        else:
            for name, array in unfolded(signature, emulation(call.arguments), call.leading).items():
                np.copyto(outputs.arrays[name], array)
        outputs.finish()
        return outputs.given

    def _updated(
        self, updated: Outputs, out: object, emulation: emulator.Emulation, call: Call, convert: Callable[[Any], Any]
    ) -> Mapping[str, object]:
        """The results of a kernel that updates arguments in place: those, and what it gives besides."""
        signature = self.definition.signature
        beside = read_outputs(signature, out) if out is not None else Outputs({}, {})
        targets = {**updated.arrays, **beside.arrays}
        refuse_overlaps(targets)
        into = folded_results(signature, targets, call.leading, "the array of")
        # Where an array lies as it comes, the kernel writes to it as it goes.
        if updated.contiguous and beside.direct(call.arguments.values()) and updated.are_read(call.arguments):
            found = emulation({**call.arguments, **{name: into[name] for name in updated.arrays}}, into)
        else:
            found = emulation(call.arguments)
            for name in targets:
                np.copyto(targets[name], unfolded(signature, found, call.leading)[name])
        updated.finish()
        beside.finish()
        kept = {**beside.given, **updated.given}
        made = unfolded(signature, found, call.leading)
        return {name: kept[name] if name in kept else convert(array) for name, array in made.items()}

    def _prepare(self, given: tuple[tuple[str, Given], ...], config: tuple[tuple[str, Choice], ...]) -> emulator.Emulation:
        pipeline = self.pipeline(dict(given), config=dict(config))
        checks.open_in_text(pipeline.overrides, pipeline.open_in_text)
        self._tell(pipeline, pipeline.values_note)
        return pipeline.emulation

    def pipeline(
        self,
        given: Mapping[str, Given],
        chip: str = DEFAULT_CHIP,
        config: Mapping[str, Choice] | None = None,
        what_if: Sequence[str] = (),
    ) -> Pipeline:
        """Every stage of this kernel for one shape and chip.

        `config` overrides choices of the configuration, `what_if` numbers of the chip.
        """
        checks.names("shapes", given, "dict(M=2048, T='bf16')")
        checks.text("chip", chip)
        if config is not None:
            checks.config(config)
        return Pipeline(self.definition, given, chip, self.tuned, config or {}, checks.changes(what_if))

    def _tell(self, pipeline: Pipeline, note: str) -> None:
        if note:
            log.warning("%s: %s", pipeline.request.title, note)

    def simulate(
        self,
        chip: str = DEFAULT_CHIP,
        *,
        config: Mapping[str, Choice] | None = None,
        what_if: Sequence[str] = (),
        cores: int = 1,
        launch: bool = False,
        **names: Given,
    ) -> Report:
        """Predicts a run on a chip, by name or TOML file: `matmul.simulate(chip="trn2", M=2048, K=4096, N=14336)`.

        `names` are the dimensions, element types (bf16 if left out) and constants; `config` overrides single choices of the
        configuration, which is else the tuned entry's; `what_if` changes numbers of the chip, as
        `["sbuf.bytes_per_partition=*2"]`; `cores` of the chip share the work; with `launch` the latency includes what starting
        the kernel takes, where the chip's file says it.
        The report says the latency in microseconds, the bound and more.
        Raises `UsageError` for names that do not fit, `Infeasible` if the configuration does not fit the chip.
        """
        pipeline = self.pipeline(names, chip, config, what_if)
        checks.whole("cores", cores, 1)
        pipeline.cores, pipeline.launch = cores, checks.yes_or_no("launch", launch)
        self._tell(pipeline, pipeline.note)
        return pipeline.report

    def space(self, chip: str = DEFAULT_CHIP, **names: Given) -> Landscape:
        """What can be chosen for one shape and chip, and which of it fits: `tilery.tuner.Search(matmul.space(M=2048, ...))`.

        Raises `Infeasible` if nothing fits the chip.
        """
        from .tuner.model.engine_model import EngineModel
        from .tuner.space.configurations import Space
        from .tuner.space.feasibility import survey

        pipeline = self.pipeline(names, chip)
        model = EngineModel(pipeline.program, pipeline.dims, pipeline.chip)
        space = Space(model.tunables)
        return survey(model, space, space.index(model.default()))

    def autotune(self, chip: str = DEFAULT_CHIP, *, budget: str | float = "20s", **names: Given) -> Result:
        """Searches, verifies and writes a tuned entry: `matmul.autotune(M=2048, K=4096, N=14336, budget="30s")`.

        `tilery.autotune` has more to set.
        """
        from .tuning import autotune, misplaced

        misplaced(names, self.definition.signature)
        return autotune(self, chip=chip, shapes=names, budget=budget)

    def forget(self) -> None:
        """Drops what is kept ready, so that the next call sees results written since."""
        self._prepared.cache_clear()

    def __repr__(self) -> str:
        return f"<tilery kernel {self.name} of {self.path}>"


def _restored(path: Path, name: str, tuned: Path, home: Path, texts: Mapping[str, str] | None) -> Kernel:
    kernel = Kernel(path, name, tuned=tuned)
    kernel._home, kernel._texts = home, texts
    return kernel
