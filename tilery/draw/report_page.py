"""`tilery autotune --report`: one page that needs nothing else, with all that a tuning found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from tilery.backends.chips import Chip
from tilery.backends.truth.comparison import error_words
from tilery.pages.console import config_text, microseconds, percent
from tilery.pages.front_page import LABELS, figure_text
from tilery.pages.simulation_page import bound_words
from tilery.pages.tune_page import ENDINGS
from tilery.pipeline import Pipeline
from tilery.tuner.findings import Findings
from tilery.tuner.result import Result
from tilery.writing import writing

from . import report_figures

TEMPLATE = Path(__file__).with_name("report.html.j2")


@dataclass(frozen=True, slots=True)
class Section:
    """A figure with its heading and what it shows."""

    title: str
    about: str
    svg: str
    shape: str = ""
    """`wide`: too wide for a phone, scrolled in its own frame. `tall`: takes two rows where there are two columns.
    `narrow`: too coarse for all of a desktop's width."""


def write_report(pipeline: Pipeline, found: Findings, result: Result, command: str, path: str) -> None:
    """Writes the page; raises `UsageError` if what draws it is not installed, or the file cannot be written."""
    text = render(pipeline, found, result, command)
    with writing(path):
        Path(path).write_text(text, encoding="utf-8")


def render(pipeline: Pipeline, found: Findings, result: Result, command: str) -> str:
    """The page as HTML."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        title=pipeline.request.title,
        doc=pipeline.program.doc,
        result=result,
        winner=config_text(result.config),
        cards=_cards(pipeline.chip, result),
        ending=ENDINGS[result.stop],
        searching=_searching(found, result),
        winning=_winning(replace(pipeline, overrides=dict(result.config))),
        front=_front(result),
        figure_text=figure_text,
        labels=LABELS,
        runners_up=[(microseconds(each.latency_us), config_text(each.config)) for each in result.runners_up],
        tunables=found.outcome.trials.landscape.space.tunables,
        ruled_out=sorted(result.ruled_out.items(), key=lambda item: -item[1]),
        most=max((each.mean_loss or 1.0 for each in result.importance), default=1.0),
        command=command,
        version=version("tilery"),
        chip_print=pipeline.chip.fingerprint,
    )


def _cards(chip: Chip, result: Result) -> list[tuple[str, str, str]]:
    """The figures at the top: what, how much, and what to hold it against."""
    cards = [
        (
            "latency",
            microseconds(result.latency_us),
            f"{result.gain:.2f} times as fast as the default, {microseconds(result.default_latency_us)}",
        ),
        (
            "bound by",
            bound_words(chip, result.bound),
            f"{percent(result.peak_share)} of peak" if result.peak_share else "",
        ),
    ]
    for name, value in result.values.items():
        if name not in ("latency_us", "error"):
            cards.append((LABELS[name], figure_text(name, value), f"{figure_text(name, result.default_values[name])} by default"))
    shape = " ".join(f"{name}={size}" for name, size in result.verified_dims.items())
    words = error_words(result.max_error, result.tolerance, result.rounding_error, result.rounded_to).partition(", ")[2]
    cards.append(("error", f"{result.max_error:.2e}", f"{words}, executed at {shape}"))
    proof = "proved: none can be better" if not result.headroom else f"none can be more than {percent(result.headroom)} better"
    cards.append(("search", f"{result.evaluated:,} timed", f"of {result.feasible:,} that fit; {proof}"))
    return cards


def _searching(found: Findings, result: Result) -> list[Section]:
    sections = [
        Section(
            "Convergence",
            "Every configuration that was timed, in its order, and the best so far. The dotted line is the least bound of what "
            "is left.",
            report_figures.convergence(found, result),
        ),
        Section(
            "Slices",
            "The knobs that matter most. Dots: configurations that were timed with each choice; green: the best of them; "
            "dotted: the best bound of everything that fits with that choice; shaded: the winner's.",
            report_figures.slices(found, result),
            shape="tall",
        ),
    ]
    if region := report_figures.region(found, result):
        about = (
            "The best bound for each pair of tile sizes, whatever the other knobs. Grey: nothing fits the chip, or it was not "
            "looked at. The star is the winner."
        )
        sections.append(Section("Feasible region", about, region))
    return sections


def _winning(pipeline: Pipeline) -> list[Section]:
    return [
        Section("The winner's timeline", "", report_figures.timeline(pipeline), shape="wide"),
        Section("The winner's losses", "", report_figures.losses(pipeline)),
        Section("The winner's roofline", "", report_figures.roofs(pipeline)),
    ]


def _front(result: Result) -> Section | None:
    if not result.front:
        return None
    about = "None of these beats another in everything; each was executed and is right."
    return Section("The front", about, report_figures.front(result), shape="narrow" if len(result.values) == 2 else "")
