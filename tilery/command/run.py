"""`tilery run`: a kernel on random or given data, in one of several ways, compared with its reference."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import click

from .shared.parameters import SEED, options, set_option, shape_options, tuned_option


@click.command(epilog="\b\nExample:\n  tilery run kernels/matmul.tk M=300 K=200 N=500 T=f32 --exact")
@options(shape_options, set_option, tuned_option)
@click.option("--exact", is_flag=True, help="Execute the engine program, instruction by instruction.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="For the random arguments.")
@click.option("--data", "data_file", metavar="FILE.npz|FOLDER", help="Arguments by name from a numpy archive, or .npy files.")
@click.option("--save", "save_file", metavar="FILE.npz", help="Write arguments, results and reference.* there; --data reads it.")
@click.option("--shuffle", type=SEED, metavar="SEED", help="As --exact, independent work in a random order: shows races.")
@click.option("--high-precision", is_flag=True, help="float64 throughout, nothing rounds: tells a bug from rounding.")
@click.option("--stochastic", type=SEED, metavar="SEED", help="Casts and stores round stochastically.")
@click.option("--fast-accumulate", is_flag=True, help="Loops that only add products up take several tiles at once.")
@click.option(
    "--scratch",
    "scratch_mib",
    type=click.IntRange(1, 1 << 20),
    default=256,
    show_default=True,
    metavar="MIB",
    help="Memory for temporaries.",
)
@click.option("--probe", multiple=True, metavar="NAME", help="Save every tile that NAME is given in the text.")
@click.option("--probe-file", metavar="FILE.npz", help="Where to, instead of KERNEL.probe.npz.")
@click.option("--break", "stop", type=click.IntRange(min=1), metavar="LINE", help="Debugger after LINE, tiles by name.")
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
    **how: Any,
) -> None:
    """Run on random data, compare with the kernel's own reference."""
    from tilery.dsl.errors import UsageError
    from tilery.pages.console import console, echo, print_json
    from tilery.pages.run_page import print_run, run_figures

    from .running.arguments import drawn, make_arguments, open_with_data
    from .running.outcome import insist, judge, save_all, save_probes
    from .running.ways import Way

    way = Way(**how)
    way.check()
    if way.stop and as_json:
        raise UsageError("--break talks on the standard output, and --json writes there: leave one out")
    pipeline, call = open_with_data(file, names, chip, choices, tuned, data_file)
    arguments = make_arguments(pipeline, call, seed)
    told = drawn(pipeline, arguments) if call is None else {}
    start = time.perf_counter()
    # What is printed must not come between the words of a JSON document.
    results, probes = way.run(pipeline, arguments, partial(echo, error=as_json))
    wall_s = time.perf_counter() - start
    probed = save_probes(probes, way.probe_file or f"{pipeline.program.name}.probe.npz")
    wanted, comparison = judge(pipeline, way.on_chip, arguments, results)
    if save_file is not None:
        save_all(save_file, pipeline, arguments, results, wanted)
    if as_json:
        print_json(run_figures(pipeline, way.on_chip, wall_s, comparison, probed=probed, drawn=told))
    else:
        print_run(console(), pipeline, way.name, wall_s, comparison, {**told, **probed}, not way.on_chip)
    if comparison and way.stochastic is None:
        insist(pipeline.program, comparison)
