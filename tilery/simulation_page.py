"""The page of `tilery simulate`: a prediction that a person reads in ten seconds, and the same for machines."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from .backends.engine import Report
from .console import bar, bytes_text, facts, microseconds, percent
from .pages import print_head
from .pipeline import Pipeline

BOUNDS = {
    "tensor": "the tensor engine",
    "vector": "the vector engine",
    "scalar": "the scalar engine",
    "gpsimd": "the gpsimd engine",
    "dma": "moving data (dma)",
    "waiting": "waiting: no engine is busy half of the time",
}


def print_simulation(console: Console, pipeline: Pipeline) -> None:
    """Prints latency, bound, share of peak, every engine's busy share, bytes moved and on-chip memory."""
    report, chip = pipeline.report, pipeline.chip
    print_head(console, pipeline)
    seconds = report.latency_us / 1e6
    rate, peak = report.flops / seconds / 1e12, chip.peak_flops / 1e12
    moved, most = report.hbm_bytes / seconds / 1e9, chip.dma_bytes_per_s / 1e9
    used, available = bytes_text(report.sbuf_bytes_per_partition), bytes_text(report.sbuf_bytes_available)
    banks, all_banks = report.psum_banks, report.psum_banks_available
    page = facts()
    page.add_row("")
    page.add_row("latency", Text(microseconds(report.latency_us), style="bold green"))
    page.add_row("bound", BOUNDS[report.bound])
    page.add_row("")
    page.add_row("peak", _share(report.peak_share, f"{rate:.1f} of {peak:.1f} TFLOP/s"))
    page.add_row("bandwidth", _share(report.bandwidth_share, f"{moved:.0f} of {most:.0f} GB/s, {bytes_text(report.hbm_bytes)}"))
    page.add_row("SBUF", _share(report.sbuf_bytes_per_partition / report.sbuf_bytes_available, f"{used} of {available}"))
    page.add_row("PSUM", _share(banks / all_banks, f"{banks} of {all_banks} banks"))
    page.add_row("")
    for name, engine in report.engines.items():
        busy = f"{microseconds(engine.busy_us)}, {engine.instructions:,} instructions" if engine.instructions else "idle"
        page.add_row(f"{name}", _share(engine.busy_share, busy))
    console.print(page)


def _share(share: float, words: str) -> str:
    return f"{bar(share)} {percent(share):>7}  {words}"


def figures(report: Report) -> dict[str, object]:
    """A report for machines."""
    return asdict(report)
