"""Are the tuner's programs as good as the best written by hand? Its predictions beside published measurements.

    python -m benchmarks.experts                        the table, from the configurations that earlier searches found
    python -m benchmarks.experts --budget 60 [ROW...]   searches (these rows) again first, from what was found before
    python -m benchmarks.experts --write                the table as docs/measured/experts.md too

Predictions are always those of the present model: `data/expert_configurations.json` holds configurations, no latencies. A
search writes what it found into that file. A prediction is no measurement: how far the model was off on published
measurements of the same chip (`truth.py`) stands beside it.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rich.console import Console
from rich.table import Table

import tilery
from tilery.backends import engine
from tilery.backends.machine.explain.critical import critical
from tilery.backends.machine.explain.recording import record
from tilery.backends.tunable import Choice
from tilery.dsl.errors import UsageError
from tilery.pipeline import Pipeline
from tilery.request import Given
from tilery.tuner.options import Options

from . import truth

HERE = Path(__file__).parent
ROOT = HERE.parent
FOUND = HERE / "data" / "expert_configurations.json"
PAGE = ROOT / "docs" / "measured" / "experts.md"


@dataclass(frozen=True, slots=True)
class Expert:
    """A published measurement of a program that experts wrote, and the kernels that do the same work."""

    id: str
    chip: str
    task: str
    kernels: tuple[str, ...]
    """FILE:NAME each; the fastest counts."""
    given: Mapping[str, Given]
    """Dimensions, element types and constants, of which a kernel takes those that it has."""
    measured_us: float
    source: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table."""

    expert: Expert
    kernel: str
    predicted_us: float
    bound: str
    engines: str
    """How busy each engine is, the busiest first."""
    path: str
    """The critical path: what it consists of, and what waits for what."""

    @property
    def over(self) -> float:
        """How much slower the prediction is than the measurement, as a share; negative if it is faster."""
        return self.predicted_us / self.expert.measured_us - 1


def experts() -> Iterator[Expert]:
    """The rows, in the order of the file."""
    with (HERE / "data" / "experts.csv").open() as file:
        for each in csv.DictReader(file):
            given = dict(_given(word) for word in each["given"].split())
            kernels = tuple(each["kernels"].split())
            yield Expert(each["id"], each["chip"], each["task"], kernels, given, float(each["measured_us"]), each["source"])


def _given(word: str) -> tuple[str, Given]:
    name, value = word.split("=")
    return name, json.loads(value) if value[0].isdigit() or value in ("true", "false") else value


def pipeline(expert: Expert, kernel: str) -> Pipeline:
    """The road of one kernel at the row's shape."""
    path, name = kernel.split(":")
    found = tilery.load(ROOT / path)[name]
    signature = found.definition.signature
    names = {*signature.dimensions, *signature.type_variables, *(each.name for each in signature.parameters)}
    return found.pipeline({name: value for name, value in expert.given.items() if name in names}, expert.chip)


# --- what searches found ----------------------------------------------------------------------------------------------

Found = dict[str, dict[str, dict[str, Choice]]]
"""Row -> kernel -> configuration."""


def read_found() -> Found:
    """What earlier searches found."""
    found: Found = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    return found


def search(expert: Expert, found: Found, budget_s: float) -> None:
    """Tunes the row's kernels, each from what is known of it, and keeps the configurations."""
    known = found.setdefault(expert.id, {})
    for kernel in expert.kernels:
        seeds = (known[kernel],) if kernel in known else ()
        try:
            result = pipeline(expert, kernel).tune(Options(budget_s=budget_s, seeds=seeds))
        except engine.Infeasible as error:
            print(f"{expert.id} {kernel} does not fit: {error}", file=sys.stderr, flush=True)
            continue
        known[kernel] = dict(result.config)
        print(f"{expert.id} {kernel}: {result.latency_us:,.1f} us, {result.stop}", file=sys.stderr, flush=True)
        FOUND.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


# --- the table --------------------------------------------------------------------------------------------------------


def line(expert: Expert, known: Mapping[str, Mapping[str, Choice]]) -> Line | None:
    """The fastest of the row's kernels as the model sees it now; None if no configuration is known that still fits."""
    programs = {kernel: program for kernel in expert.kernels if (program := _program(expert, kernel, known))}
    if not programs:
        return None
    kernel = min(programs, key=lambda each: engine.latency_fs(programs[each]))
    report, path = engine.simulate(programs[kernel]), critical(record(programs[kernel]))
    busy = sorted(report.engines.items(), key=lambda each: -each[1].busy_share)
    shares = ", ".join(f"{name} {each.busy_share:.0%}" for name, each in busy if each.busy_share >= 0.005)
    chain = ", ".join(f"{name} {share:.0%}" for name, share in list(path.shares.items())[:3])
    waits = f"; {path.waits[0]}" if path.waits else ""
    return Line(expert, kernel.split(":")[1], report.latency_us, report.bound, shares, chain + waits)


def _program(expert: Expert, kernel: str, known: Mapping[str, Mapping[str, Choice]]) -> engine.EngineProgram | None:
    road = pipeline(expert, kernel)
    if kernel not in known:
        return None
    try:
        return engine.lower(road.program, road.dims, road.chip, known[kernel])
    except (engine.Infeasible, UsageError) as error:
        print(f"{expert.id} {kernel} is to be searched again: {error}", file=sys.stderr)
        return None


@cache
def model_error(chip: str) -> str:
    """How far the model was off on published measurements of this chip: the mean, and of how many."""
    off = [abs(truth.predicted_us(row) / row.measured_us - 1) for row in truth.rows() if row.chip == chip]
    return f"{sum(off) / len(off):.0%} of {len(off)}"


def cells(line: Line) -> tuple[str, ...]:
    """The row as text."""
    return (
        line.expert.task,
        line.expert.chip,
        f"{line.expert.measured_us:,.0f}",
        f"{line.predicted_us:,.0f}",
        f"{line.over:+.0%}",
        model_error(line.expert.chip),
        f"bound by {line.bound}; {line.engines}",
    )


WHY: Mapping[str, str] = {
    "trn2-attention-causal": "The DMA engines transpose the exponentials, and load the values again for every block of rows."
    " With the values kept (`hoist.v=i`) no engine is busy for more than three quarters of 2,398 us: no stage begins behind such"
    " a transpose, so the tensor engine waits for its latency in every step. Transposed on the tensor engine, the exponentials"
    " are copied out of PSUM by one engine, the vector engine: 2,874 us with these tiles; shared with the"
    " scalar engine, both would need less.",
    "trn1-mamba": "The vector engine takes four instructions of two cycles an element for each state: the input's product, the"
    " scan, the output's product and the sum over states. The sum could be the tensor engine's, in PSUM; six cycles an element"
    " take some 350 us.",
    "trn1-silu": "Every byte is moved once and the DMA engines never pause; their rate was fitted on this measurement.",
}
"""What is missing where a prediction is slower, in words."""
ABOUT = """\
Each row is a published measurement of a program that experts wrote (people, or a search with the chip at hand), and what
the engine model predicts for the tuned kernel that does the same work. The kernels stand in `tests/kernels/experts/` and
`kernels/`. A prediction is no measurement: *model's error* is how far the model was off, in the mean, on published
measurements of the same chip (`benchmarks/truth.py`). `python -m benchmarks.experts --write` draws this page again,
`--budget 60` searches first.
"""
COLUMNS = ("task", "chip", "measured us", "predicted us", "over", "model's error", "engines")


def page(lines: Sequence[Line], missing: Sequence[Expert]) -> str:
    """The table as a page."""
    rows = ["| " + " | ".join(cells(each)) + " |" for each in lines]
    slower = [each for each in lines if each.over > 0]
    reasons = [
        f"- **{each.expert.task}** ({each.expert.chip}, {each.over:+.1%}): {each.path}. {WHY.get(each.expert.id, '')}".rstrip()
        for each in slower
    ]
    sources = [f"- {each.task}: {each.source}." for each in experts()]
    absent = [f"- {each.task}: no configuration is known." for each in missing]
    return "\n".join(
        [
            "# Beside the best programs written by hand",
            "",
            *ABOUT.splitlines(),
            "",
            "| " + " | ".join(COLUMNS) + " |",
            "|" + "---|" * len(COLUMNS),
            *rows,
            "",
            "## Where the prediction is slower: the critical path, and why",
            "",
            *(reasons or ["Nowhere."]),
            *absent,
            "",
            "## Sources",
            "",
            *sources,
            "",
        ]
    )


def main() -> None:
    """Searches if told to, prints the table, and writes the page."""
    parser = argparse.ArgumentParser(description="Tuned predictions beside the best programs written by hand.")
    parser.add_argument("rows", nargs="*", help="ids of rows; all if left out")
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="search first, for so many seconds a kernel")
    parser.add_argument("--write", action="store_true", help="write docs/measured/experts.md")
    arguments = parser.parse_args()
    chosen = [each for each in experts() if not arguments.rows or each.id in arguments.rows]
    found = read_found()
    if arguments.budget:
        for expert in chosen:
            search(expert, found, arguments.budget)
    lines, missing = [], []
    table = Table(*COLUMNS)
    for expert in chosen:
        made = line(expert, found.get(expert.id, {}))
        if made is None:
            missing.append(expert)
            continue
        lines.append(made)
        table.add_row(*cells(made))
    console = Console(width=170)
    console.print(table)
    for each in (made for made in lines if made.over > 0):
        console.print(f"{each.expert.id} ({each.kernel}): {each.path}")
    if arguments.write:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(lines, missing))


if __name__ == "__main__":
    main()
