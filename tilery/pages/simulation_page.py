"""The page of `tilery simulate`: a prediction that a person reads in ten seconds, and the same for machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tilery.backends.chips import Chip
from tilery.backends.families import family_of
from tilery.backends.machine.engine_program import DEVICE
from tilery.backends.machine.explain.analysis import Analysis
from tilery.backends.machine.explain.assumed import Assumption
from tilery.backends.machine.explain.elements import Single
from tilery.backends.machine.family import Memory
from tilery.backends.machine.time.summary import EngineShare, MemoryUse, Report
from tilery.pipeline import Pipeline

from .apart_page import LOST, apart_text
from .console import bar, bars, bytes_text, facts, microseconds, percent, seldom
from .run_page import print_head

WAITING = "waiting: no engine is busy half of the time"
WORTH = 0.005
"""Gains below this share are not shown."""
TOLD_STRETCHED = 1.05
"""An engine that is slower than this is said to be."""
PARTS = 3
"""How many instructions of the critical path, and how many improvements, are shown."""


def print_simulation(console: Console, pipeline: Pipeline) -> None:
    """Prints latency, bound, what would help, shares of peak and bandwidth, memory used, and every engine's shares."""
    print_head(console, pipeline)
    console.print(_verdict(pipeline))
    console.print(_resources(pipeline))
    console.print(_engines(pipeline))


def _verdict(pipeline: Pipeline) -> Table:
    report, analysis = pipeline.report, pipeline.analysis
    page = facts()
    page.add_row("")
    page.add_row("latency", _latency(report))
    page.add_row("bound", bound_words(pipeline.chip, report.bound))
    page.add_row("critical", _critical(analysis))
    page.add_row("would help", _help(analysis))
    for name, engine in report.engines.items():
        if engine.stretched >= TOLD_STRETCHED:
            page.add_row("stretched", f"a profile shows the {name} engine active {engine.stretched:.2f} times as long: it waits")
    if rests := [each for each in analysis.assumptions if abs(each.effect) >= WORTH]:
        page.add_row("rests on", Text(_rests_on(pipeline.chip, rests), style="dim"))
    if report.cores > 1:
        page.add_row("cores", _cores(report))
    for single in pipeline.analysis.singles:
        if single.lost_s >= LOST * report.kernel_us / 1e6:
            page.add_row("single", _single(single))
    for each in analysis.apart:
        if each.gain >= LOST:
            page.add_row("elements", apart_text(each))
    return page


def _latency(report: Report) -> Text:
    text = Text(microseconds(report.latency_us), style="bold green")
    if report.launch_us:
        told = f" with the launch: {microseconds(report.launch_us)}; the kernel {microseconds(report.kernel_us)}"
        text.append(told, style="default not bold")
    return text


def bound_words(chip: Chip, bound: str) -> str:
    """What holds a run up, in words: an engine by its title, or waiting."""
    return {each.name: each.title for each in family_of(chip).engines(chip)}.get(bound, WAITING)


def _single(single: Single) -> Text:
    """Tensors that are moved an element at a time, and what to do about it."""
    tensors, lost = ", ".join(single.tensors), microseconds(single.lost_s * 1e6)
    text = Text(f"{tensors}: one element of {single.axis} a partition, at least {lost} more than in runs", "bold")
    return text.append(f"\n{single.why}: {single.instead}", style="not bold dim")


def _critical(analysis: Analysis) -> str:
    found = analysis.critical
    parts = [f"{name} {100 * share:.0f} %" for name, share in list(found.shares.items())[:PARTS] if share >= 0.01]
    if not found.waits:
        waits = f"the {' and '.join(found.engines)} engine{'s never pause' if len(found.engines) > 1 else ' never pauses'}"
    else:
        waits = "; ".join(found.waits)
    return f"{', '.join(parts)} of the time\n{waits}"


def _cores(report: Report) -> str:
    """How many of the cores are busy, by which loops, and why the others are not."""
    dealt = ", ".join(f"{name} over {cores}" for name, cores in report.dealt.items() if cores > 1) or "no loop"
    text = f"{report.busy_cores} of {report.cores} busy: {dealt} dealt out"
    if report.busy_cores == report.cores:
        return text
    loops = " x ".join(f"{name} {steps:,}" for name, steps in report.steps.items())
    why = f"the independent loops have {loops} steps" if report.steps else "the kernel has no independent loop"
    return f"{text}\n{why}: " + ("smaller tiles give the others work" if report.steps else "write one as `tile`")


def _help(analysis: Analysis) -> Text:
    worth = [each for each in analysis.improvements if each.gain >= WORTH]
    if not worth:
        return Text(f"nothing by more than {percent(WORTH)}: neither a resource 10 % better nor a slot more")
    best, *others = worth
    text = Text(f"{best.what}: {percent(best.gain)} less time", style="bold")
    if others:
        told = ", ".join(f"{each.what} {percent(each.gain)}" for each in others[:PARTS])
        text.append(f"\nthen {told}", style="not bold dim")
    return text.append(f"\n{best.how}", style="not bold dim")


def _rests_on(chip: Chip, assumptions: list[Assumption]) -> str:
    """Numbers that nobody has published for the chip, and what they matter here."""
    names, first = ", ".join(each.field for each in assumptions), assumptions[0]
    most = f"10 % more of {first.field if len(assumptions) > 1 else 'it'} {percent(first.effect)}"
    return f"{names}: not published for {chip.name.split()[0]}; {most}"


def _resources(pipeline: Pipeline) -> Table:
    report, chip = pipeline.report, pipeline.chip
    seconds = report.kernel_us / 1e6
    rate, peak = report.flops / seconds / 1e12, report.peak_flops / 1e12
    moved, most = report.hbm_bytes / seconds / 1e9, pipeline.cores * chip.memory_bytes_per_s / 1e9
    page = facts()
    page.add_row("")
    page.add_row("peak", _share(report.peak_share, f"{rate:.1f} of {peak:.1f} TFLOP/s"))
    page.add_row("bandwidth", _share(report.bandwidth_share, f"{moved:.0f} of {most:.0f} GB/s, {bytes_text(report.hbm_bytes)}"))
    for memory in pipeline.lowered.family.memories(chip):
        used = report.memories[memory.name]
        page.add_row(memory.title, _share(used.used / used.available, _memory_words(memory, used)))
    for name, said in (("energy", _energy(pipeline)), ("price", _price(pipeline))):
        if said:
            page.add_row(name, said)
    return page


def _memory_words(memory: Memory, use: MemoryUse) -> str:
    if memory.unit.split()[0] == "bytes":
        return f"{bytes_text(use.used)} of {bytes_text(use.available)}"
    return f"{use.used} of {use.available} {memory.unit}"


def _energy(pipeline: Pipeline) -> str:
    used = pipeline.analysis.energy
    if used is None or not used.total_j:
        return ""
    titles = {DEVICE: "HBM"} | {each.name: each.title for each in pipeline.lowered.family.memories(pipeline.chip)}
    parts = {titles[name]: joules for name, joules in used.moved_j.items()}
    parts |= {"products": used.products_j, "rest": used.rest_j}
    shares = ", ".join(
        f"{name} {100 * part / used.total_j:.0f} %" for name, part in sorted(parts.items(), key=lambda each: -each[1])
    )
    return f"{seldom(used.total_j, 'J')}: {shares}"


def _price(pipeline: Pipeline) -> str:
    price, chip = pipeline.analysis.price_usd, pipeline.chip
    if price is None or chip.price is None:
        return ""
    hour = f"{chip.price.usd_per_chip_hour:.2f} USD/h for {chip.cores.count} cores"
    cores = "one core" if pipeline.cores == 1 else f"{pipeline.cores} cores"
    return f"{1e6 * price:.3g} USD a million runs on {cores}: {hour}, {chip.price.instance}, {chip.price.date}"


def _engines(pipeline: Pipeline) -> Table:
    page = Table.grid(padding=(0, 2))
    page.add_column(style="bold", no_wrap=True, min_width=13)
    page.add_column(no_wrap=True)
    for _ in range(3):
        page.add_column(justify="right", no_wrap=True)
    page.add_row("")
    heads = ("█ busy ░ stalled · idle", "busy", "stalled", "instructions")
    page.add_row("engine", *(Text(each, style="dim") for each in heads))
    for name, engine in pipeline.report.engines.items():
        page.add_row(name, *_engine(engine, pipeline.analysis.stalled[name]))
    return page


def _engine(engine: EngineShare, stalled: float) -> tuple[str, str, str, str]:
    if not engine.instructions:
        return bars((0.0, 0.0)), "", "", ""
    return bars((engine.busy_share, stalled)), percent(engine.busy_share), percent(stalled), f"{engine.instructions:,}"


def _share(share: float, words: str) -> str:
    return f"{bar(share)} {percent(share):>7}  {words}"


def figures(pipeline: Pipeline) -> dict[str, object]:
    """A prediction for machines."""
    data, analysis = _report_figures(pipeline), pipeline.analysis
    for name, engine in data["engines"].items():
        engine["stalled_share"] = analysis.stalled[name]
        engine["active_us"] = pipeline.report.engines[name].active_us
    used = analysis.energy
    return {
        **data,
        "critical": asdict(analysis.critical),
        "improvements": [asdict(each) for each in analysis.improvements],
        "assumptions": [asdict(each) for each in analysis.assumptions],
        "single_elements": [asdict(each) for each in analysis.singles],
        "elements_apart": [asdict(each) for each in analysis.apart],
        "energy_j": used.total_j if used else None,
        "price_usd": analysis.price_usd,
    }


def _report_figures(pipeline: Pipeline) -> dict[str, Any]:
    """The report's fields, the use of each memory under the names that its family gives it."""
    found: dict[str, Any] = {}
    for name, value in asdict(pipeline.report).items():
        if name != "memories":
            found[name] = value
            continue
        for memory in pipeline.lowered.family.memories(pipeline.chip):
            use = pipeline.report.memories[memory.name]
            found |= {memory.used_field: use.used, memory.available_field: use.available}
    return found
