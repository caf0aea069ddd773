"""`tilery check`: every mistake in some files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .shared.parameters import debug_option, json_option

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
    held: list[dict[str, Any]] = []
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
            for name, text in each["ranges"].items():
                echo(f"  {name} {text}")
    if mistakes:
        raise Mistakes(mistakes)


def _described(file: str, definition: KernelDefinition) -> dict[str, Any]:
    signature = definition.signature
    return {
        "file": file,
        "kernel": definition.name,
        "doc": definition.doc.strip().split("\n")[0],
        "dimensions": signature.dimensions,
        "types": signature.type_variables,
        "constants": {each.name: each.default for each in signature.constants},
        "scalars": {each.name: each.default for each in signature.scalars},
        "ranges": _ranges(definition),
    }


def _ranges(definition: KernelDefinition) -> dict[str, str]:
    """What arguments lie in: as the text declares it, or why it is implied. Where that ends depends on the sizes: `explain`."""
    from tilery.backends.drawing import reasons
    from tilery.dsl.errors import TileryError
    from tilery.dsl.types import F32

    signature = definition.signature
    declared = {name: f"in {each} (declared)" for name, each in signature.ranges.items()}
    if any(each.default is None for each in signature.constants):
        return declared
    try:
        kernel = definition.specialise(dict.fromkeys(signature.type_variables, F32), {})
    except TileryError:  # right, but not of f32
        return declared
    drawn = {name: f"has a range: {why}" for name, why in reasons(kernel).items()}
    return {each.name: (declared | drawn)[each.name] for each in signature.data if each.name in declared | drawn}
