"""The group of commands: each is imported when it is called, and errors are told in one place."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Invocation:
    """How and when the command was called."""

    words: list[str]
    """The words of the command line, for commands that print how to continue."""
    began_s: float
    """On the monotonic clock: a budget bounds the whole command, imports included."""


class Tilery(click.Group):
    """The group of commands. Decides how an error is shown: a message for a user's mistake, a request to report our bug."""

    def __init__(self, *args: Any, names: Sequence[str], **extra: Any) -> None:
        super().__init__(*args, **extra)
        self._names = names

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return list(self._names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the file of a command: `explain-error` is the function `explain_error` of `explain_error.py`."""
        if cmd_name not in self._names:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"tilery.command.{name}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command. With `--json`, mistakes that have a code are printed as JSON too, if nothing was printed before."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            found = getattr(error, "diagnostics", ())
            if found and "--json" in ctx.obj.words:
                from tilery.pages.console import PRINTED, print_json

                if not ctx.meta.get(PRINTED):
                    print_json({"diagnostics": [each.fields for each in found]})
            raise

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
            # The reader of our output has closed it, as `| head` does. That is no error.
            sys.stderr.close()
            code = 0
        except Exception as error:
            code = _failed(error, debug)
        sys.exit(code if isinstance(code, int) else 0)


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C caused an error: compiled code that it interrupts may raise an error of its own instead."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _failed(error: Exception, debug: bool) -> int:
    """Shows an error to the user and returns the exit code."""
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
