"""`tilery show`: the program after a stage of the pipeline."""

from __future__ import annotations

import click

from .shared.parameters import options, set_option, shape_options, tuned_option


@click.command(epilog="\b\nExample:\n  tilery show kernels/softmax.tk M=512 N=1024 --stage engine")
@options(shape_options, set_option, tuned_option)
@click.option("--stage", metavar="STAGE", help="Which stage; without it, all of them are listed.")
def show(
    file: str,
    names: tuple[str, ...],
    chip: str,
    as_json: bool,
    choices: tuple[str, ...],
    tuned: str | None,
    stage: str | None,
) -> None:
    """The program after a stage of the pipeline, as text."""
    from tilery.backends.chips import load_chip
    from tilery.dsl.errors import UsageError
    from tilery.pages.console import echo, print_json

    from .shared.opening import open_pipeline
    from .stages import stages

    known = stages(load_chip(chip))
    if stage is None:
        if as_json:
            print_json({name: each.what for name, each in known.items()})
        else:
            echo("\n".join(f"{name:12} {each.what}" for name, each in known.items()))
        return
    if stage not in known:
        raise UsageError(f"there is no stage `{stage}`; there are {', '.join(known)}")
    text = known[stage].text(open_pipeline(file, names, chip, choices, tuned))
    if as_json:
        print_json({"stage": stage, "text": text})
    else:
        echo(text)
