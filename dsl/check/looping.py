"""`tile` and `for`: their variables, what a `for` carries, and its guard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ..errors import Label
from ..program import Carried, ForLoop, Guard, LoopVariable, Reduce, Statement, TileLoop, Value
from ..text import syntax
from ..types import BOOL, F32, I32, ElementType, type_name
from .context import Context
from .expressions import evaluate
from .places.cuts import after_loop
from .places.inserts import unwritten
from .places.so_far import Filling
from .pure import always_true, closed_ops
from .scope import Binding, Frame, Local
from .variables import check_variable

Block = Callable[[Context, tuple[syntax.Stmt, ...]], None]


def check_tile(c: Context, node: syntax.Tile, block: Block) -> None:
    """`tile m of M, n of N:`."""
    if in_tiles(c, node):
        return
    if any(each.kind == "for" for each in c.scope.frames):
        help = "put the `tile` outside, with the `for` in it"
        c.report.error("TK437", "steps in order cannot hold a `tile`, whose steps have none", node.span, help=help)
        return
    variables: list[LoopVariable] = []
    for each in node.variables:
        if (variable := check_variable(c, each, variables)) is not None:
            variables.append(variable)
    if len(variables) < len(node.variables):
        return
    outside = dict(c.scope.names)
    frame = Frame("tile", tuple(variables), node.span, frozenset(c.scope.locals()))
    with _phase(c):
        c.scope.frames.append(frame)
        c.used -= {each.axis.name for each in variables}
        with c.emit.block() as body:
            block(c, node.body)
        _warn_idle(c, frame)
        c.scope.frames.pop()
    c.scope.leave(outside, f"it is bound in each step of `{frame.heading}`")
    c.emit.out.append(TileLoop(frame.variables, tuple(body), node.span))


@contextmanager
def _phase(c: Context) -> Iterator[None]:
    """A `tile` directly in the kernel is a phase of its own: all its steps come after what stands before it."""
    outermost = not c.scope.frames
    if outermost:
        c.phases.turn()
    yield
    if outermost:
        c.phases.turn()


def _warn_idle(c: Context, frame: Frame) -> None:
    for each in frame.variables:
        if c.constants is None and each.axis.name not in c.used:
            what = f"every step of `{each.axis}` does the same: nothing uses `{each.axis}`"
            c.report.warn("TK294", what, each.span)


def in_tiles(c: Context, node: syntax.Tile | syntax.For) -> bool:
    """Whether steps have a tile size that is chosen, which a reference knows nothing of; reports them there."""
    if not c.in_reference:
        return False
    help = "name whole dimensions: `sum[K](a[M, K] * b[K, N])`; for steps that need the one before them: `for s of S by 1`"
    c.report.error("TK414", "a `reference` has no tiles", node.span, help=help)
    return True


def _is_stepwise(node: syntax.For) -> bool:
    """`for s of S by 1`, without a guard: what it does is the same however a kernel is tuned."""
    by = node.variable.by
    return node.guard is None and by is not None and by.kind == "exactly" and by.numbers[0].value == 1


def check_for(c: Context, node: syntax.For, block: Block) -> None:
    """`for k of K if any(...):`."""
    if not _is_stepwise(node) and in_tiles(c, node):
        return
    variable = check_variable(c, node.variable, [])
    if variable is None:
        return
    frame = Frame("for", (variable,), node.span)
    outside = dict(c.scope.names)
    with _open(c, frame):
        guard = _guard(c, node.guard) if node.guard else None
    frame = replace(frame, guarded=guard is not None)
    starts = starts_of(c, node.body)
    c.used.discard(variable.axis.name)

    def inside(context: Context, statements: tuple[syntax.Stmt, ...]) -> None:
        with _open(context, frame):
            block(context, statements)
            _drop_unit(context, variable, starts)
        _warn_idle(context, frame)

    step = carried_through(c, node.body, starts, inside, variable)
    c.scope.leave({**outside, **_begun_here(starts)}, f"it is bound in the steps of `{frame.heading}`, and is gone after them")

    def filled(after: Filling | None, before: Filling | None) -> Filling | None:
        return after_loop(c, variable, frame.guarded, after, before)

    c.emit.out.append(ForLoop(variable, finish(c, starts, step, filled), guard, step.body, node.span))


def _begun_here(starts: dict[str, Start]) -> dict[str, Binding]:
    return {name: start.before for name, start in starts.items()}


def _drop_unit(c: Context, variable: LoopVariable, starts: dict[str, Start]) -> None:
    """Takes the loop's own axis off what it carries, where it is of extent one: `h = a[s, d] * h` with `s of S by 1`."""
    for name, start in starts.items():
        binding = _local(c.scope.names[name])
        value = binding.value
        if value is None or start.initial is None or not variable.axis.unit or value.dtype not in (F32, I32, BOOL):
            continue
        if variable.axis in value.axes and variable.axis not in start.initial.axes:
            kept = tuple(each for each in value.axes if each != variable.axis)
            reduced = c.emit.add(Reduce(c.emit.value(kept, value.dtype, value.span, name), "first", value, (variable.axis,)))
            c.scope.names[name] = Local(reduced, binding.span, binding.missing)


# --- carried values ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Start:
    """A name that a loop carries, as it is before the loop; without a value after a mistake."""

    before: Local
    initial: Value | None


@dataclass(frozen=True, slots=True)
class Step:
    """A checked loop body, and what each carried name is at its start and at its end."""

    body: tuple[Statement, ...]
    ends: dict[str, tuple[Value | None, Local]]

    def __getitem__(self, name: str) -> tuple[Value | None, Local]:
        return self.ends[name]


@contextmanager
def _open(c: Context, frame: Frame) -> Iterator[None]:
    c.scope.frames.append(frame)
    yield
    c.scope.frames.pop()


def starts_of(c: Context, body: tuple[syntax.Stmt, ...]) -> dict[str, Start]:
    """The names bound before a loop that its body binds anew."""
    bindings = {name: c.scope.names.get(name) for name in bound_names(body)}
    return {name: Start(each, each.value) for name, each in bindings.items() if isinstance(each, Local)}


def bound_names(statements: tuple[syntax.Stmt, ...]) -> list[str]:
    """The names that statements bind or write in parts, in order, those of blocks inside them too."""
    return list(dict.fromkeys(base.text for _, base in _assigned(statements)))


def written_in_brackets(statements: tuple[syntax.Stmt, ...]) -> list[str]:
    """The names that statements write in parts, or store to."""
    return [base.text for target, base in _assigned(statements) if isinstance(target, syntax.Subscript)]


def _assigned(statements: tuple[syntax.Stmt, ...]) -> Iterator[tuple[syntax.Expr, syntax.Name]]:
    """What stands left of every `=`, and its name."""
    rest = list(reversed(statements))
    while rest:
        each = rest.pop()
        if isinstance(each, syntax.Assign):
            match each.target:
                case syntax.Name() as name:
                    yield name, name
                case syntax.Subscript() as target:
                    yield target, target.base
        for inner in reversed(syntax.inner_blocks(each)):
            rest += reversed(inner)


def carried_through(
    c: Context, nodes: tuple[syntax.Stmt, ...], starts: dict[str, Start], block: Block, variable: LoopVariable | None = None
) -> Step:
    """A loop's body, checked again where a value that it carries turns out to have more axes of extent one, and where it
    writes tiles in parts, which begin before the loop."""
    mark, outside, broken = c.report.mark(), dict(c.scope.names), c.broken
    step = _step(c, nodes, starts, block)
    while _begin(c, starts, variable, outside) or _widen(c, starts, step):
        c.report.rewind(mark)
        c.scope.names, c.broken = dict(outside), broken
        step = _step(c, nodes, starts, block)
    return step


def _begin(c: Context, starts: dict[str, Start], variable: LoopVariable | None, outside: dict[str, Binding]) -> bool:
    """Lets the tiles begin here that the body writes in parts, the loop's variable among their places; whether there were any."""
    names = [name for name, each in c.begun.items() if variable and each.loop == variable.axis.name]
    for name in names:
        empty = unwritten(c, name, c.begun.pop(name))
        starts[name], outside[name] = Start(empty, empty.value), empty
    return bool(names)


Filled = Callable[[Filling | None, Filling | None], Filling | None]
"""What is written of a tile after a loop, given what was at the end of a step and what was before the loop."""


def finish(c: Context, starts: dict[str, Start], step: Step, filled: Filled) -> tuple[Carried, ...]:
    """What the loop carries; binds the names to what they are after it."""
    return tuple(each for name in starts if (each := _carried(c, name, starts[name], step[name], filled)))


def _step(c: Context, nodes: tuple[syntax.Stmt, ...], starts: dict[str, Start], block: Block) -> Step:
    arguments: dict[str, Value | None] = {}
    for name, start in starts.items():
        value, span = start.initial, start.before.span
        arguments[name] = c.emit.value(value.axes, value.dtype, span, name) if value else None
        if value and (argument := arguments[name]):
            c.emit.lacks(argument, c.emit.lacking.get(value, ()))
        c.scope.names[name] = Local(arguments[name], span, start.before.missing)
    with c.emit.block() as body:
        block(c, nodes)
        for name, start in starts.items():
            _spread_end(c, name, start)
    ends = {name: (arguments[name], _local(c.scope.names[name])) for name in starts}
    return Step(tuple(body), ends)


def _spread_end(c: Context, name: str, start: Start) -> None:
    """Gives what a step leaves under a name the axes that it lacks and entered the step with."""
    binding = c.scope.names[name]
    if start.initial is not None and isinstance(binding, Local) and binding.value is not None:
        spread = c.emit.spread(binding.value, start.initial.axes)
        if spread is not binding.value:
            c.scope.names[name] = Local(spread, binding.span)


def _local(binding: Binding) -> Local:
    return binding if isinstance(binding, Local) else Local(None, binding.span)


def _widen(c: Context, starts: dict[str, Start], step: Step) -> bool:
    """Gives initial values the axes of extent one that a step adds to them; whether there were any.

    In `tile h of H by 1` a sum may start as `zeros[i]` and gather `q[h, i, D] @ k[h, j, D]`: one element is one element.
    """
    grown = False
    for name, start in starts.items():
        updated = step[name][1].value
        if start.initial is None or updated is None:
            continue
        extra = tuple(each for each in updated.axes if each not in start.initial.axes)
        spread = c.emit.spread(start.initial, extra)
        if spread is not start.initial:
            grown, start.initial = True, spread
            continue
        if extra and all(each.unit and c.scope.axis(each.name) for each in extra):
            wider = c.emit.widened(start.initial, extra)
            grown = grown or wider is not None
            start.initial = wider or start.initial
    return grown


def _carried(c: Context, name: str, start: Start, end: tuple[Value | None, Local], filled: Filled) -> Carried | None:
    """What the loop carries under a name, and its binding after the loop; None after a report."""
    initial, (argument, after) = start.initial, end
    updated = after.value
    c.scope.names[name] = Local(None, after.span)
    if initial is None or argument is None or updated is None or not _agree(c, name, start, after, updated):
        return None
    result = c.emit.value(initial.axes, initial.dtype, after.span, name)
    c.emit.lacks(result, c.emit.lacking.get(initial, ()))
    c.scope.names[name] = Local(result, after.span, filled(after.missing, start.before.missing))
    return Carried(initial, argument, updated, result)


def _agree(c: Context, name: str, start: Start, after: Local, updated: Value) -> bool:
    initial = start.initial
    if initial is None or (set(initial.axes) == set(updated.axes) and initial.dtype == updated.dtype):
        return True
    others = (Label(start.before.span, f"before the loop it is {_shown(initial)}"),)
    here = f"here it is {_shown(updated)}"
    if set(initial.axes) != set(updated.axes):
        what = f"`{name}` leaves a step of the loop with other axes than it enters it with"
        c.report.error("TK415", what, after.span, here, others=others)
    else:
        what = f"`{name}` leaves a step of the loop with another type than it enters it with"
        type_ = updated.dtype if isinstance(updated.dtype, ElementType) else F32
        help = f"let both be {type_}: `{type_}(...)` casts"
        c.report.error("TK416", what, after.span, here, help, others)
    return False


def _shown(value: Value) -> str:
    """`f32 over [m, n]`, or `f32` for a scalar."""
    over = f" over [{', '.join(map(str, value.axes))}]" if value.axes else ""
    return f"{type_name(value.dtype)}{over}"


# --- guards -----------------------------------------------------------------------------------------------------------


def _guard(c: Context, node: syntax.Expr) -> Guard | None:
    """The condition of `if any(COND)`; None where it is a mistake, or true and nothing is left out."""
    if not isinstance(node, syntax.Call) or node.function.text != "any" or node.axes is not None or len(node.arguments) != 1:
        c.report.error("TK417", "a loop's `if` leaves steps out", node.span, "expected `any(CONDITION)`")
        return None
    with c.emit.block() as out:
        value = evaluate(c, node.arguments[0])
    if value is None:
        return None
    if value.dtype != BOOL:
        c.report.error("TK314", f"a condition is bool, and this is {value.dtype}", node.arguments[0].span, "expected bool")
        return None
    ops = closed_ops(c, out, value, node.arguments[0].span, "a guard")
    return None if ops is None or always_true(c, ops) else Guard(ops)
