"""`--sampler`: the search strategies by name, which help lists without importing any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


class SamplerOption(click.Option):
    """An option whose help is made when it is asked for: it lists the files of a folder."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option, and what strategies there are."""
        from tilery.tuner.registry import ELSEWHERE, own_names

        self.help = f"The search strategy: {', '.join(own_names())}; your own as {ELSEWHERE}. docs/tuning.md tells them apart."
        return super().get_help_record(ctx)


def sampler_option(command: Command) -> Command:
    """The option, under both of its names."""
    return click.option("--sampler", "--strategy", "sampler", cls=SamplerOption, metavar="NAME")(command)
