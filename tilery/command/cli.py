"""The command line: what each command is called with. What it does stands in `commands.py`, imported when it runs."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

SEED = click.IntRange(0, 2**31 - 1)
"""What seeds numpy's generators and Optuna's samplers alike."""
Command = TypeVar("Command", bound=Callable[..., Any])

EPILOG = """\b
Example:
  tilery autotune kernels/matmul.tk M=2048 K=4096 N=14336 T=bf16 --chip trn2

Exit codes: 0 fine; 1 the kernel, the configuration or a file is at fault; 2 the command line is."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """How and when the command was called."""

    words: list[str]
    """For a command that says how to go on."""
    began_s: float
    """On the monotonic clock: a budget bounds the whole command, imports included."""


class Tilery(click.Group):
    """The group of commands, which also decides how errors are told: a message for a user's mistake, a plea for our bug."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Runs the command line and exits with its code."""
        debug = "--debug" in (sys.argv[1:] if args is None else args)
        extra["standalone_mode"] = False
        extra["obj"] = Invocation(list(sys.argv[1:] if args is None else args), time.monotonic())
        try:
            code = super().main(args, prog_name, **extra)
        except click.ClickException as error:
            from tilery.dsl.visible import visible

            # click quotes the command line's words, and has declared its message final.
            object.__setattr__(error, "message", visible(error.message))
            error.show()
            code = error.exit_code
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted", err=True)
            code = 130
        except BrokenPipeError:
            # The reader of our output has gone, as `| head` does; that is its right.
            sys.stderr.close()
            code = 0
        except Exception as error:
            code = _told(error, debug)
        sys.exit(code if isinstance(code, int) else 0)


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: compiled code that it breaks off may put an error of its own in its place."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _told(error: Exception, debug: bool) -> int:
    """Tells an error to the user and returns the exit code."""
    # Imported here: the package it stands in brings the parser along, which `--help` does without.
    from tilery.dsl.errors import TileryError
    from tilery.dsl.visible import visible

    if isinstance(error, TileryError):
        click.echo(error.told, err=True)
        return error.exit_code
    if _interrupted(error):
        click.echo("interrupted", err=True)
        return 130
    if debug:
        traceback.print_exc()
    click.echo(
        f"internal error: {type(error).__name__}: {visible(str(error))}\n"
        "This is a bug in tilery, not in your kernel. Please report it, with the kernel and what the same command prints "
        "with --debug added.",
        err=True,
    )
    return 1


def _options(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for each in reversed(decorators):
            command = each(command)
        return command

    return decorate


file_argument = click.argument("file", metavar="FILE[:KERNEL]")
names_argument = click.argument("names", nargs=-1, metavar="[NAME=VALUE]...")
chip_option = click.option("--chip", default="trn2", show_default=True, metavar="NAME|FILE.toml", help="The chip.")
what_if_option = click.option(
    "--what-if", multiple=True, metavar="FIELD=CHANGE", help="Change a number of the chip: sbuf.bytes_per_partition=*2."
)
cores_option = click.option(
    "--cores", type=click.IntRange(min=1), default=1, show_default=True, help="How many cores of the chip share the work."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
set_option = click.option("--set", "choices", multiple=True, metavar="NAME=VALUE", help="A tile size or knob, e.g. --set m=128.")
tuned_option = click.option("--tuned", metavar="FILE", help="Tuned entries to use instead of those beside FILE.")
debug_option = click.option("--debug", is_flag=True, hidden=True, expose_value=False)
shape_options = _options(file_argument, names_argument, chip_option, json_option, debug_option)


@click.group(cls=Tilery, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tilery")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an internal error.")
def main() -> None:
    """Write a tile kernel once; run it, time it on a chip you do not have, tune it."""


@main.command(epilog="\b\nExample:\n  tilery check kernels/*.tk")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@_options(json_option, debug_option)
def check(files: tuple[str, ...], as_json: bool) -> None:
    """Every mistake in the files, or what they hold."""
    from .commands import check

    check(files, as_json)


@main.command(epilog="\b\nExample:\n  tilery fmt kernels/*.tk --check")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@debug_option
def fmt(files: tuple[str, ...], check: bool, diff: bool) -> None:
    """One canonical layout."""
    from .text_commands import fmt

    fmt(files, check, diff)


@main.command("explain-error", epilog="\b\nExample:\n  tilery explain-error TK204")
@click.argument("code")
@debug_option
def explain_error(code: str) -> None:
    """What a kind of mistake means, with a wrong and a right example."""
    from .text_commands import explain_error

    explain_error(code)


@main.command(epilog="\b\nExample:\n  tilery run kernels/matmul.tk M=300 K=200 N=500 T=f32 --exact")
@_options(shape_options, set_option, tuned_option)
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
def run(**options: Any) -> None:
    """Run on random data, compare with the kernel's own reference."""
    from .run import run

    run(**options)


@main.command(epilog="\b\nExample:\n  tilery simulate kernels/matmul.tk M=2048 K=4096 N=14336 T=bf16 --set m=256")
@_options(shape_options, set_option, tuned_option, what_if_option, cores_option)
@click.option("--trace", metavar="FILE.json", help="Write a timeline for Perfetto (ui.perfetto.dev).")
@click.option("--plot", metavar="FILE.png", help="Draw the timeline, the roofline and where the time goes.")
def simulate(**options: Any) -> None:
    """Predicted latency, what bounds it, engines, memory."""
    from .simulate import simulate

    simulate(**options)


@main.command(epilog="\b\nExample:\n  tilery explain kernels/matmul.tk M=2048 K=4096 N=14336 --chip trn1")
@_options(shape_options, what_if_option)
def explain(**options: Any) -> None:
    """The search space, why it ends where it does, what does not fit."""
    from .commands import explain

    explain(**options)


@main.command(epilog="\b\nExample:\n  tilery autotune kernels/matmul.tk M=2048 K=4096 N=14336 T=bf16 --budget 30s")
@_options(shape_options, what_if_option, cores_option)
@click.option("--budget", metavar="BUDGET", help="30s, 5m, 1h, 200 trials, or both; 20s (5m with --measure) if left out.")
@click.option("--trials", type=click.IntRange(min=1), help="How many configurations to time at most.")
@click.option("--objective", default="latency", show_default=True, help="latency, energy, cost, error; several: a,b.")
@click.option("--max-error", type=click.FloatRange(min=0, min_open=True), help="Search element types whose error is below.")
@click.option("--plot", metavar="FILE.png", help="With two objectives or more: draw the front.")
@click.option("--report", metavar="FILE.html", help="Write a page with all that was found: convergence, what mattered, timeline.")
@click.option("--sampler", help="tpe, random, gp, cmaes, nsga2, brute; with --measure also surrogate, descent.")
@click.option("--measure", metavar="COMMAND", help="Measure: JSON on its standard input, microseconds on its standard output.")
@click.option("--measure-timeout", metavar="TIME", help="How long one measurement may take.")
@click.option(
    "--storage", metavar="URL", help="Keep the trials, and share them: sqlite:///x.db, journal:FILE, postgresql://, grpc://."
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Processes of this machine.")
@click.option("--grace", default="60s", show_default=True, metavar="TIME", help="After what silence a worker counts as dead.")
@click.option("--continue", "resume", is_flag=True, help="Go on from what is stored, or from the tuned entry.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seeds the search and the arguments of the verification.")
@click.option("--output", metavar="FILE", help="Results file to write, instead of the one beside FILE.")
def autotune(**options: Any) -> None:
    """Search, verify, and write the tuned entry."""
    from .autotune import autotune

    autotune(**options)


@main.command(epilog="\b\nExample:\n  tilery compare kernels/matmul.tk M=2048 K=4096 N=14336 --chips trn1,trn2,trn3 --whole-chip")
@_options(file_argument, names_argument, json_option, debug_option, what_if_option, tuned_option)
@click.option("--chips", default="trn1,trn2,trn3", show_default=True, metavar="A,B,C", help="Chips or TOML files.")
@click.option("--budget", default="5s", show_default=True, metavar="TIME", help="How long to search for each chip.")
@click.option("--whole-chip", is_flag=True, help="All cores of each chip, the work split evenly; without it, one core.")
def compare(**options: Any) -> None:
    """One kernel on several chips, each tuned: latency, share of peak, energy, price."""
    from .compare import compare

    compare(**options)


@main.command(epilog="\b\nExample:\n  tilery freeze kernels/matmul.tk M=2048 K=4096 N=14336 -o mine/matmul.tk")
@_options(file_argument, names_argument, chip_option, set_option, tuned_option, debug_option)
@click.option("-o", "--output", metavar="FILE", help="Write the copy there, and the schedule beside it; else print the text.")
def freeze(**options: Any) -> None:
    """The kernel's text with its tile sizes written in."""
    from .freeze import freeze

    freeze(**options)


@main.command(epilog="\b\nExample:\n  tilery tuned kernels")
@click.argument("folder", default=".", metavar="[FOLDER|FILE]")
@click.option("--prune", is_flag=True, help="Remove the stale entries.")
@click.option("--retune", is_flag=True, help="Tune the stale entries anew, where the kernel still takes their shape.")
@click.option("--budget", default="20s", show_default=True, metavar="TIME", help="How long to search for each of them.")
@_options(json_option, debug_option)
def tuned(**options: Any) -> None:
    """The tuned entries of a folder, stale ones marked."""
    from .tuned import tuned

    tuned(**options)


@main.command(epilog="\b\nExample:\n  tilery show kernels/softmax.tk M=512 N=1024 --stage engine")
@_options(shape_options, set_option, tuned_option)
@click.option("--stage", metavar="STAGE", help="Which stage; without it, all of them are listed.")
def show(**options: Any) -> None:
    """The program after a stage of the pipeline, as text."""
    from .commands import show

    show(**options)


@main.command(epilog="\b\nExample:\n  tilery chips trn2\n  tilery chips mychip.toml")
@click.argument("name", required=False)
@_options(json_option, debug_option)
def chips(name: str | None, as_json: bool) -> None:
    """The chips, their numbers and sources; validates a file of yours."""
    from .commands import chips

    chips(name, as_json)
