"""`tilery explain-error`: the page of an error code."""

from __future__ import annotations

import click

from .shared.parameters import debug_option


@click.command(epilog="\b\nExample:\n  tilery explain-error TK204")
@click.argument("code")
@debug_option
def explain_error(code: str) -> None:
    """What a kind of mistake means, with a wrong and a right example."""
    from tilery import dsl
    from tilery.backends.machine.refusals import refusals
    from tilery.pages.console import echo

    echo(dsl.explain_error(code, refusals()), end="")
