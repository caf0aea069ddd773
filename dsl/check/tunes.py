"""`tune TK in 64..512 step 64 = 128`: constants that the tuner chooses."""

from __future__ import annotations

from ..errors import Label
from ..program import Tune
from ..report import did_you_mean, listed
from ..text import syntax
from ..types import ELEMENT_TYPES, TypeVariable
from .context import Context


def declare_tunes(c: Context, statements: tuple[syntax.Stmt, ...]) -> None:
    """Makes the tuning parameters that a kernel declares known throughout it."""
    tunes: dict[str, Tune] = {}
    types = dict(c.types)
    c.tunes = tunes
    for node in statements:
        if not isinstance(node, syntax.Tune):
            continue
        tune = _tune(c, node)
        if tune is None:
            c.broken |= {node.name.text}
        else:
            tunes[tune.name] = tune
            if isinstance(tune.default, str):
                chosen = str((c.tuned or {}).get(tune.name, ""))
                types[tune.name] = ELEMENT_TYPES.get(chosen) or TypeVariable(tune.name)
    c.types = types


def _tune(c: Context, node: syntax.Tune) -> Tune | None:
    name = node.name.text
    if (what := c.taken(name)) is not None:
        others = (Label(c.tunes[name].span, "first here"),) if name in c.tunes else ()
        c.report.error("TK215", f"`{name}` is {what} and cannot name a tuning parameter", node.span, others=others)
        return None
    choices = [_choice(c, each) for each in node.choices]
    known = tuple(dict.fromkeys(each for each in choices if each is not None))
    default = known[0] if known and node.default is None else node.default and _choice(c, node.default)
    if len(known) < len(set(choices)) or not known or default is None:
        return None
    if len({type(each) for each in known}) > 1:
        c.report.error("TK219", "these choices are of two kinds", node.span, "expected numbers or element types, not both")
        return None
    if default not in known:
        assert node.default is not None
        c.report.error("TK220", f"the default {default} is none of the choices", node.default.span, _shown(known))
        return None
    return Tune(name, known, default, node.span)


def _shown(choices: tuple[int | str, ...]) -> str:
    return f"expected one of {', '.join(map(str, choices))}" if len(choices) <= 8 else f"expected {choices[0]} to {choices[-1]}"


def _choice(c: Context, node: syntax.Choice) -> int | str | None:
    if isinstance(node, syntax.Number):
        assert isinstance(node.value, int)
        return node.value
    if node.text in ELEMENT_TYPES:
        return node.text
    help = did_you_mean(node.text, ELEMENT_TYPES) or f"the element types are {listed(ELEMENT_TYPES)}"
    c.report.error("TK219", f"`{node.text}` is no choice", node.span, "expected a whole number or an element type", help)
    return None
