"""`tilery check`: every mistake in some files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .shared.options import debug_option, json_option

if TYPE_CHECKING:
    from tilery.dsl import KernelDefinition


@click.command(epilog="\b\nExample:\n  tilery check kernels/*.tk")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@json_option
@debug_option
def check(files: tuple[str, ...], as_json: bool) -> None:
    """Every mistake in the files, or what they hold."""
    from tilery import dsl
    from tilery.dsl.errors import Diagnostic, Mistakes, TileryError
    from tilery.pages.console import echo, print_json

    mistakes: list[TileryError] = []
    diagnostics: list[Diagnostic] = []
    held: list[dict[str, object]] = []
    for file in files:
        try:
            module = dsl.load(file)
        except TileryError as error:
            mistakes.append(error)
            diagnostics += getattr(error, "diagnostics", ())
            continue
        diagnostics += module.warnings
        for warning in module.warnings:
            echo(f"{warning}\n", error=True)
        held += [_described(file, each) for each in module.kernels.values()]
    if as_json:
        print_json(
            {
                "kernels": held,
                "mistakes": [str(each) for each in mistakes],
                "diagnostics": [each.fields for each in diagnostics],
            }
        )
    else:
        for each in held:
            echo(f"{each['file']}: kernel {each['kernel']}: {each['doc']}")
    if mistakes:
        raise Mistakes(mistakes)


def _described(file: str, definition: KernelDefinition) -> dict[str, object]:
    signature = definition.signature
    return {
        "file": file,
        "kernel": definition.name,
        "doc": definition.doc.strip().split("\n")[0],
        "dimensions": signature.dimensions,
        "types": signature.type_variables,
        "constants": {each.name: each.default for each in signature.constants},
        "scalars": {each.name: each.default for each in signature.scalars},
    }
