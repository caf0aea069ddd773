"""Every result is written, and every element of it once, on every road through the text."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping

from tilery.dsl import sizes
from tilery.dsl.errors import Diagnostic, Label
from tilery.dsl.program import AffineIndex, CountedLoop, ForLoop, GatherIndex, If, Statement, Store, Tensor, TileLoop, index_axes
from tilery.dsl.report import Report
from tilery.dsl.spans import Span
from tilery.dsl.text import syntax

from ..context import Context
from .covers import Written, verdict

MOST_ROADS = 16
"""Ways through the branches of a kernel that are looked at."""


def check_coverage(c: Context, nodes: tuple[syntax.Stmt, ...], statements: tuple[Statement, ...], place: str) -> None:
    """Reports results that `place` (the kernel or its reference) leaves unwritten or writes more than once.

    What depends on sizes is left to `check_bounds`.
    """
    twice: set[str] = set()
    wanted = _to_be_written(c)
    written = _stores(nodes, wanted, c.report)
    for result in wanted.values():
        targets = written[result.name]
        if not targets:
            help = f"store it: `{result.name}[{', '.join(map(str, result.shape))}] = ...`, or tile by tile"
            c.report.error("TK423", f"{place} never writes the {result.role} `{result.name}`", result.span, help=help)
        _check_kinds(c, result.name, targets)
        if _written_twice(c, result, targets, place):
            twice.add(result.name)
    for road in _roads(statements):
        _check_road(c, wanted, [each for each in road if each.tensor.name not in twice])


def _to_be_written(c: Context) -> dict[str, Tensor]:
    """What has no elements before the kernel writes them, by name."""
    temps = () if c.in_reference else c.signature.temps
    return {each.name: each for each in (*c.signature.results, *temps) if each.role != "inout"}


def _check_kinds(c: Context, name: str, targets: list[_Target]) -> None:
    """A result that is added to is only added to."""
    first = next((each for each in targets if each.op is None), None)
    for each in targets:
        if each.op is not None and first is not None:
            others = (Label(first.span, "written here"),)
            what = f"`{name}` is both written and added to; what is added to starts from zero"
            c.report.error("TK429", what, each.span, help="use `+=` in both places, or `=` in one", others=others)


def _written_twice(c: Context, result: Tensor, targets: list[_Target], place: str) -> bool:
    """Reports two stores that name nothing but axes: they write the same elements, whatever the sizes."""
    plain = [each for each in targets if each.op is None and _names_axes(c, each.node)]
    for again in plain[1:]:
        others = (Label(plain[0].span, "written here"),)
        c.report.error("TK424", f"{place} writes the {result.role} `{result.name}` a second time", again.span, others=others)
    return len(plain) > 1


def _names_axes(c: Context, node: syntax.Subscript) -> bool:
    names = [each.text for each in node.items if isinstance(each, syntax.Name)]
    return len(names) == len(node.items) and all(c.size(name) is not None or name in c.variables for name in names)


# --- the checked stores -----------------------------------------------------------------------------------------------

Road = list[Store]


def _roads(statements: tuple[Statement, ...]) -> list[Road]:
    """The stores on each way through the branches; of counted loops that are not unrolled nothing is said."""
    roads: list[Road] = [[]]
    for each in statements:
        match each:
            case Store():
                _extend(roads, [[each]])
            case TileLoop() | ForLoop():
                _extend(roads, _roads(each.body))
            case CountedLoop():
                _extend(roads, [list(_opened(inner)) for inner in _roads(each.body)])
            case If():
                _extend(roads, [*_roads(each.then), *_roads(each.otherwise)])
            case _:
                pass
    return roads


def _extend(roads: list[Road], more: list[Road]) -> None:
    """Goes on along each road with each of the ways that follow."""
    if len(more) == 1:
        for road in roads:
            road += more[0]
    else:
        roads[:] = [[*road, *each] for road in roads for each in more][:MOST_ROADS]


def _opened(stores: Road) -> Iterator[Store]:
    """Stores of a loop whose steps are not told apart yet: as if they added, so that nothing is demanded of them."""
    return (dataclasses.replace(each, accumulate=True) for each in stores)


def _check_road(c: Context, wanted: Mapping[str, Tensor], road: Road) -> None:
    known = set(c.signature.dimensions)
    for result in wanted.values():
        stores = [each for each in road if each.tensor.name == result.name]
        if not stores or any(each.accumulate for each in stores) or not all(_settled(each, known) for each in stores):
            continue
        if not known.issuperset(name for size in result.shape for name in sizes.names_in(size)):
            continue
        try:
            found = verdict(result, [Written(each.index, each.span) for each in stores], result.shape)
        except sizes.Unwieldy:
            continue
        if isinstance(found, Diagnostic):
            names = {axis.name for each in stores for axis in index_axes(each.index)}
            loops = [each for each in c.variables.values() if each.axis.name in names]
            places = tuple(Label(each.span, f"the steps of `{each.axis}`") for each in loops)
            others = (*found.others, *places)
            c.report.error(found.code, found.message, found.span, found.note, found.help, others)


def _settled(store: Store, known: set[str]) -> bool:
    """Whether the places of a store depend on dimensions alone."""
    if any(isinstance(each, GatherIndex) for each in store.index):
        return False
    named = [axis.size for axis in index_axes(store.index)]
    for each in store.index:
        if isinstance(each, AffineIndex):
            named += [each.offset, *(stride for _, stride in each.terms)]
    return known.issuperset(name for size in named for name in sizes.names_in(size))


# --- the text ---------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Target:
    """A place of a result that the text writes."""

    node: syntax.Subscript
    op: str | None

    @property
    def span(self) -> Span:
        return self.node.span


def _stores(statements: tuple[syntax.Stmt, ...], results: Mapping[str, Tensor], report: Report) -> dict[str, list[_Target]]:
    found: dict[str, list[_Target]] = defaultdict(list)
    for each in statements:
        if isinstance(each, syntax.Assign) and isinstance(each.target, syntax.Subscript):
            if each.target.base.text in results:
                found[each.target.base.text].append(_Target(each.target, each.op))
        elif isinstance(each, syntax.If):
            _add(found, _either(each, results, report))
        elif not isinstance(each, syntax.Reference):
            for block in syntax.inner_blocks(each):
                _add(found, _stores(block, results, report))
    return found


def _add(found: dict[str, list[_Target]], more: dict[str, list[_Target]]) -> None:
    for name, spans in more.items():
        found[name] += spans


def _either(node: syntax.If, results: Mapping[str, Tensor], report: Report) -> dict[str, list[_Target]]:
    """What an `if` writes: one branch is taken, so both must write the same results."""
    then, otherwise = _stores(node.then, results, report), _stores(node.otherwise, results, report)
    for name in {*then, *otherwise}:
        if bool(then[name]) != bool(otherwise[name]) and results[name].role == "result":
            others = (Label(node.span, "the `if`"),)
            what = f"only one branch of the `if` writes the result `{name}`"
            report.error("TK425", what, (then[name] or otherwise[name])[0].span, help="write it in both", others=others)
    return {name: then[name] if len(then[name]) >= len(otherwise[name]) else otherwise[name] for name in {*then, *otherwise}}
