"""`from FILE import NAMES`: other `.tk` files, looked up beside this one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Label, SourceErrors, UsageError
from ..looking import is_file
from ..report import Report, did_you_mean, listed
from ..spans import Span
from ..text import syntax

if TYPE_CHECKING:
    from ..known_fns import Known
    from ..module import Module
    from ..specialise.definition import KernelDefinition

DEEPEST_IMPORT = 16
"""Files that take something from each other."""


@dataclass(frozen=True, slots=True)
class Place:
    """The file being read, and how it came to be read."""

    path: Path | None
    """None for a text without a file."""
    road: tuple[tuple[Path, Span], ...] = ()
    """The files that lead here, each with the `from` that took the next one."""
    read: dict[Path, Module] = field(default_factory=dict)
    """The files read already."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Texts that are known without reading their files."""


@dataclass(slots=True)
class Taken:
    """What a file takes from others."""

    functions: dict[str, Known] = field(default_factory=dict)
    kernels: dict[str, KernelDefinition] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    """Where each name is taken."""
    whole: bool = True
    """False if a file could not be taken from: a name that is missing may have been meant to come from it."""


Read = Callable[[Path, Place], "Module"]


def take(items: list[syntax.Item], place: Place, report: Report, read: Read) -> Taken:
    """What the `from`s of a file bring; reports every one that brings nothing."""
    taken = Taken()
    for node in items:
        if not isinstance(node, syntax.Import):
            continue
        module = _module(node, place, report, read)
        taken.whole = taken.whole and module is not None
        for name in node.names if module else ():
            assert module is not None
            _take(taken, node, name, module, report)
    return taken


def _take(taken: Taken, node: syntax.Import, name: syntax.Name, module: Module, report: Report) -> None:
    if name.text in taken.spans:
        others = (Label(taken.spans[name.text], "first here"),)
        report.error("TK204", f"`{name.text}` is taken twice", name.span, others=others)
    elif name.text in module.functions:
        taken.functions[name.text] = module.functions[name.text]
    elif name.text in module.kernels:
        taken.kernels[name.text] = module.kernels[name.text]
    else:
        names: Mapping[str, object] = {**module.functions, **module.kernels}
        help = did_you_mean(name.text, names) or (f"it has {listed(names)}" if names else "it has nothing to take")
        report.error("TK222", f"`{node.file}.tk` has no `{name.text}`", name.span, "not found", help)
        return
    taken.spans.setdefault(name.text, name.span)


def _module(node: syntax.Import, place: Place, report: Report, read: Read) -> Module | None:
    if place.path is None:
        help = "save the text as a file, or write the `fn` here"
        report.error("TK223", f"this text is no file, so `{node.file}.tk` cannot be looked up beside it", node.span, help=help)
        return None
    path = place.path.with_name(f"{node.file}.tk")
    if str(path) not in place.texts and not is_file(path):
        beside = sorted(each.stem for each in place.path.parent.glob("*.tk") if each != place.path)
        help = did_you_mean(node.file, beside) or f"it would be {path}"
        report.error("TK224", f"there is no file `{node.file}.tk` beside this one", node.span, "not found", help)
        return None
    if str(path) not in place.texts and not _at_home(path, place.path):
        what = f"`{node.file}.tk` is a link that leads out of this folder, to {path.resolve()}"
        report.error("TK224", what, node.span, "not followed", "put a copy of the file here, or name a file of this folder")
        return None
    road = (*place.road, (place.path.resolve(), node.span))
    if _circle(node, path.resolve(), road, report):
        return None
    if path.resolve() not in place.read:
        try:
            place.read[path.resolve()] = read(path, Place(path, road, place.read, place.texts))
        except SourceErrors as error:
            report.error("TK226", f"`{node.file}.tk` has mistakes of its own", node.span, help="they are reported with it")
            report.errors += [each for each in error.diagnostics if each not in report.errors]
            return None
        except UsageError as error:
            report.error("TK224", str(error), node.span)
            return None
    return place.read[path.resolve()]


def _at_home(path: Path, reader: Path) -> bool:
    """Whether a file lies where its reader does, links followed: a text may name its neighbours, and nothing else of the disk."""
    return path.resolve().parent in (reader.parent.resolve(), reader.resolve().parent)


def _circle(node: syntax.Import, path: Path, road: tuple[tuple[Path, Span], ...], report: Report) -> bool:
    for file, span in road:
        if file == path:
            others = (Label(span, "which takes from here"),) if span != node.span else ()
            report.error(
                "TK225", f"`{node.file}.tk` takes from this file itself", node.span, "this closes a circle", others=others
            )
            return True
    if len(road) > DEEPEST_IMPORT:
        report.error("TK111", f"files take from each other more than {DEEPEST_IMPORT} deep", node.span)
        return True
    return False
