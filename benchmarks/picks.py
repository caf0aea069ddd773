"""How good is the pick of a kernel that nobody has tuned, beside what tuning finds?

    python -m benchmarks.picks [--chip trn2] [--trials 300] [NAME...]

For every kernel of `kernels/` and `tests/kernels/` at two shapes: the latency of the pick over that of the best of a search of
some hundred timings. Then the same with a knob set by hand to another value than the tuned one, as `--set` does. Worst first.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tilery.backends import engine
from tilery.backends.chips import load_chip
from tilery.backends.lazy import lazy
from tilery.backends.tunable import Choice, Tunable
from tilery.dsl import load
from tilery.dsl.errors import TileryError
from tilery.dsl.program import Program
from tilery.dsl.types import BF16
from tilery.tuner.budget import Times
from tilery.tuner.by_model import searched
from tilery.tuner.deadline import NEVER, Deadline
from tilery.tuner.model.engine_model import EngineModel
from tilery.tuner.options import Options
from tilery.tuner.preparing import set_up
from tilery.tuner.verify.small_shape import example_dims

ROOT = Path(__file__).resolve().parent.parent
SIZES: tuple[tuple[int, ...], ...] = ((4, 512, 512, 128, 3, 3), (2, 1000, 384, 64, 3, 3))
"""The extents of a kernel with four dimensions and more, in the order in which its text names them."""
FEW: Mapping[int, tuple[tuple[int, ...], ...]] = {
    1: ((1 << 20,), (100_000,)),
    2: ((2048, 4096), (1000, 600)),
    3: ((512, 1024, 2048), (1000, 384, 640)),
}
"""Those of a kernel with fewer."""
SCREENED_S = 4.0
"""How long a search screens at most."""


@dataclass(frozen=True)
class Given(EngineModel):
    """A model of which some choices are given."""

    given: Mapping[str, Choice] = field(default_factory=dict)

    @lazy
    def tunables(self) -> tuple[Tunable, ...]:
        """The space, with one value of what is given."""
        space = engine.tunables(self.kernel, self.dims, self.chip)
        return tuple(self._only(each) if each.name in self.given else each for each in space)

    def _only(self, tunable: Tunable) -> Tunable:
        value = self.given[tunable.name]
        return replace(tunable, values=(value,), default=value)

    def default(self, end: Deadline = NEVER) -> dict[str, Choice]:
        """The pick that goes with what is given."""
        return engine.default_config(self.kernel, self.dims, self.chip, self.given, self.cores)


@dataclass(frozen=True)
class Pick:
    """A pick beside the best that was found."""

    kernel: str
    chip: str
    dims: Mapping[str, int]
    given: Mapping[str, Choice]
    pick_us: float
    best_us: float
    picked: Mapping[str, Choice]
    best: Mapping[str, Choice]

    @property
    def ratio(self) -> float:
        """1 is as good as tuned."""
        return self.pick_us / self.best_us

    def differences(self) -> str:
        """Where the best differs from the pick."""
        return ", ".join(f"{name}={value}" for name, value in self.best.items() if self.picked.get(name) != value)


def kernels(names: Iterable[str]) -> Iterator[Program]:
    """The kernels of the repository whose names hold one of `names`, in bf16 where the type is open."""
    wanted = tuple(names)
    for file in (*sorted((ROOT / "kernels").glob("*.tk")), *sorted((ROOT / "tests" / "kernels").rglob("*.tk"))):
        for each in load(file).kernels.values():
            if not wanted or any(name in each.name for name in wanted):
                yield each.specialise(dict.fromkeys(each.signature.type_variables, BF16), {})


def shapes(kernel: Program) -> Iterator[dict[str, int]]:
    """Two shapes that the kernel allows."""
    names = list(kernel.signature.dimensions)
    for sizes in FEW.get(len(names), SIZES):
        # What does not go together is left open, the last first.
        known = dict(zip(names, sizes, strict=False))
        found = None
        while found is None and known:
            found = example_dims(kernel, known)
            known.popitem()
        if found is not None:
            yield found


def compare(kernel: Program, chip: str, dims: Mapping[str, int], given: Mapping[str, Choice], trials: int) -> Pick:
    """The pick, and the best of a search."""
    model = Given(kernel, dims, load_chip(chip), given=given)
    options = Options(trials=trials)
    ground = set_up(model, options, Times.of(None)).screened(1.0, SCREENED_S)
    best = searched(ground).trials.best
    assert best is not None
    config = ground.landscape.space.config(best.index)
    return Pick(kernel.name, chip, dims, given, model.measure(ground.default).latency_us, best.latency_us, ground.default, config)


def turned(pick: Pick, space: Iterable[Tunable]) -> Iterator[dict[str, Choice]]:
    """For the first tile size and the first knob of each kind: another value than the best one."""
    kinds: set[str] = set()
    for each in space:
        kind = each.name.split(".")[0] if each.kind == "knob" else each.kind
        others = [value for value in each.values if value != pick.best.get(each.name)]
        if kind not in kinds and kind != "buffers" and others:
            kinds.add(kind)
            yield {each.name: others[len(others) // 2]}


def picks(kernel: Program, chip: str, trials: int, sets: bool) -> Iterator[Pick]:
    """The picks of a kernel; nothing where the chip cannot run it."""
    for dims in shapes(kernel):
        try:
            plain = compare(kernel, chip, dims, {}, trials)
        except TileryError:
            continue
        yield plain
        for given in turned(plain, engine.tunables(kernel, dims, load_chip(chip))) if sets else ():
            try:
                yield compare(kernel, chip, dims, given, trials)
            except engine.Infeasible:
                continue  # nothing goes with that


def main() -> None:
    """Prints a line a pick, the worst first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="parts of the names of kernels; all of them if none is given")
    parser.add_argument("--chip", action="append", help="a chip; may be given again (trn1, trn2 and trn3)")
    parser.add_argument("--trials", type=int, default=300, help="timings of the search")
    parser.add_argument("--sets", action="store_true", help="also with one choice given, as --set does")
    asked = parser.parse_args()
    chips = asked.chip or ["trn1", "trn2", "trn3"]
    found = [each for kernel in kernels(asked.names) for chip in chips for each in picks(kernel, chip, asked.trials, asked.sets)]
    table = Table("kernel", "chip", "shape", "set", "pick, us", "best, us", "ratio", "the best differs in")
    for each in sorted(found, key=lambda pick: -pick.ratio):
        shape, given = (" ".join(f"{name}={value}" for name, value in one.items()) for one in (each.dims, each.given))
        numbers = (f"{each.pick_us:,.2f}", f"{each.best_us:,.2f}", f"{each.ratio:.2f}")
        table.add_row(each.kernel, each.chip, shape, given, *numbers, each.differences() if each.ratio > 1.1 else "")
    console = Console(width=200)
    console.print(table)
    within = sum(each.ratio <= 1.1 for each in found)
    console.print(f"{within} of {len(found)} within 10 %")


if __name__ == "__main__":
    main()
