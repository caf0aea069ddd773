"""Options and arguments that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

SEED = click.IntRange(0, 2**31 - 1)
"""What seeds numpy's generators and Optuna's samplers alike."""


def options(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several decorators as one; help lists the options in the order given here."""

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
launch_option = click.option("--launch", is_flag=True, help="Add what starting a kernel takes, where the chip's file says it.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
set_option = click.option("--set", "choices", multiple=True, metavar="NAME=VALUE", help="A tile size or knob, e.g. --set m=128.")
tuned_option = click.option("--tuned", metavar="FILE", help="Tuned entries to use instead of those beside FILE.")
debug_option = click.option("--debug", is_flag=True, hidden=True, expose_value=False)
shape_options = options(file_argument, names_argument, chip_option, json_option, debug_option)
