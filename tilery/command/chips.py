"""`tilery chips`: the chips there are, or one chip's numbers."""

from __future__ import annotations

import click

from .shared.parameters import debug_option, json_option


@click.command(epilog="\b\nExample:\n  tilery chips trn2\n  tilery chips mychip.toml")
@click.argument("name", required=False)
@json_option
@debug_option
def chips(name: str | None, as_json: bool) -> None:
    """The chips, their numbers and sources; validates a file of yours."""
    from tilery.backends.chips import chip_names, load_chip, tables
    from tilery.pages.chips_page import print_chip, print_chips
    from tilery.pages.console import console, print_json

    known = [load_chip(each) for each in ([name] if name else chip_names())]
    if as_json:
        shown = [tables(each) for each in known]
        print_json(shown[0] if name else shown)
    elif name:
        print_chip(console(), known[0])
    else:
        print_chips(console(), known)
