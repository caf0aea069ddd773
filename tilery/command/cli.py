"""The command line, put together from one file a command."""

from __future__ import annotations

import click

from .shared.group import Tilery

COMMANDS = (
    "autotune",
    "calibrate",
    "check",
    "chips",
    "compare",
    "explain",
    "explain-error",
    "fmt",
    "freeze",
    "run",
    "show",
    "simulate",
    "tuned",
)
"""In the order of `--help`. Each stands in a file of its name beside this one."""

EPILOG = """\b
Example:
  tilery autotune kernels/matmul.tk M=2048 K=4096 N=14336 T=bf16 --chip trn2

Exit codes: 0 fine; 1 the kernel, the configuration or a file is at fault; 2 the command line is."""


@click.group(
    cls=Tilery, names=COMMANDS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="tilery")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an internal error.")
def main() -> None:
    """Write a tile kernel once; run it, time it on a chip you do not have, tune it."""
