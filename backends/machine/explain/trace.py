"""A recorded run in the Trace Event Format, as Perfetto (ui.perfetto.dev) and chrome://tracing show it.

One row a queue; a slice an instruction; counters for what each memory holds; an arrow from each producer to its
consumers. Times are whole nanoseconds, given in microseconds as the format wants them. Format: Google, Trace Event Format, 2016.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..engine_program import EngineProgram
from .recording import Event, Instance, Record

FS_PER_NS = 10**6
MOST = 20_000
"""Slices drawn at most: of a longer recording its first and its last ones."""
PID = 1

TraceEvent = dict[str, Any]


def trace(program: EngineProgram, record: Record) -> dict[str, Any]:
    """The whole file, as JSON has it; `otherData` says what it is a trace of."""
    rows = {queue: number + 1 for number, queue in enumerate(record.queues)}
    drawn = _drawn(record.events)
    events = [
        *_names(program, rows),
        *_jumps(record, rows),
        *(_slice(event, rows) for event in drawn),
        *_left_out(record.events, rows),
        *_flows(drawn, rows),
        *_counters(program, record),
    ]
    about = {
        "kernel": program.kernel.name,
        "chip": program.chip.name,
        "dims": " ".join(f"{name}={size}" for name, size in program.dims.items()),
        "config": " ".join(f"{name}={value}" for name, value in program.config.items()),
        "latency_us": record.latency / 1e9,
    }
    return {"traceEvents": sorted(events, key=lambda each: (each.get("ts", -1.0), each["ph"] == "f")), "otherData": about}


def _us(fs: int) -> float:
    """Microseconds, rounded to nanoseconds so that adjacent slices do not overlap."""
    return _ns(fs) / 1000


def _ns(fs: int) -> int:
    return round(fs / FS_PER_NS)


def _drawn(events: list[Event]) -> list[Event]:
    return events if len(events) <= MOST else events[: MOST // 2] + events[-MOST // 2 :]


def _names(program: EngineProgram, rows: Mapping[str, int]) -> Iterator[TraceEvent]:
    title = f"{program.kernel.name} on {program.chip.name}"
    yield {"ph": "M", "pid": PID, "tid": 0, "name": "process_name", "args": {"name": title}}
    for queue, row in rows.items():
        engine, _, rest = queue.partition(".")
        label = f"{engine} queue {rest}" if rest else f"{engine} engine"
        yield {"ph": "M", "pid": PID, "tid": row, "name": "thread_name", "args": {"name": label}}
        yield {"ph": "M", "pid": PID, "tid": row, "name": "thread_sort_index", "args": {"sort_index": row}}


def _slice(event: Event, rows: Mapping[str, int]) -> TraceEvent:
    node = event.instruction
    place = f"{node.span.source.name}:{node.span.line}"
    about = {
        "source": place,
        "text": node.span.source.line(node.span.line).strip(),
        "form": node.form,
        "reads": ", ".join(map(str, node.reads)),
        "writes": ", ".join(map(str, node.writes)),
        "waited for": _waited(event),
        "result ready after": f"{(event.ready - event.start) / FS_PER_NS:.0f} ns",
    }
    return _complete(f"{node.name}  {place}", node.form, rows[node.queue], event.start, event.end, about)


def _complete(name: str, category: str, row: int, start: int, end: int, about: Mapping[str, object]) -> TraceEvent:
    duration = (_ns(end) - _ns(start)) / 1000
    return {"ph": "X", "pid": PID, "tid": row, "name": name, "cat": category, "ts": _us(start), "dur": duration, "args": about}


def _waited(event: Event) -> str:
    if event.before is None:
        return "the launch"
    what = event.before.instruction.name
    match event.cause:
        case "input":
            return f"its input {event.buffer}, from {what}"
        case "slot":
            return f"a free slot of {event.buffer}, held by {what}"
        case "held up":
            return f"hardware that it shares with {what}"
        case _:
            return f"its engine, busy with {what}"


def _jumps(record: Record, rows: Mapping[str, int]) -> Iterator[TraceEvent]:
    for jump in record.jumps:
        for queue, start, end in jump.stretches:
            if _ns(end) > _ns(start):
                name = f"{jump.steps:,} more steps of {jump.loop} alike"
                yield _complete(name, "alike", rows[queue], start, end, {"steps": jump.steps, "loop": jump.loop})


def _left_out(events: list[Event], rows: Mapping[str, int]) -> Iterator[TraceEvent]:
    """For each row, a slice over the middle of a very long recording, which is left out."""
    if len(events) <= MOST:
        return
    middle = events[MOST // 2 : -MOST // 2]
    for queue, row in rows.items():
        here = [event for event in middle if event.instruction.queue == queue]
        if here:
            about = {"instructions": len(here)}
            yield _complete(f"{len(here):,} instructions not drawn", "alike", row, here[0].start, here[-1].end, about)


def _flows(events: Iterable[Event], rows: Mapping[str, int]) -> Iterator[TraceEvent]:
    """An arrow from the end of each producer's slice to its consumer's start."""
    number = 0
    known = {(event.instruction.queue, _ns(event.end)) for event in events}
    for event in events:
        if _ns(event.end) == _ns(event.start):
            continue
        for buffer, source in event.inputs:
            if (source.queue, _ns(source.end)) not in known:
                continue
            number += 1
            same: TraceEvent = {"pid": PID, "name": buffer.name, "cat": "data", "id": number}
            yield {**same, "ph": "s", "tid": rows[source.queue], "ts": (_ns(source.end) - 1) / 1000}
            yield {**same, "ph": "f", "bp": "e", "tid": rows[event.instruction.queue], "ts": _us(event.start)}


def _counters(program: EngineProgram, record: Record) -> Iterator[TraceEvent]:
    """Bytes held, over all partitions: an instance counts from its first write to its last use."""
    chip, takes = program.chip, program.family.takes
    for memory in program.family.memories(chip):
        each = {
            buffer: memory.unit_bytes * int(takes(buffer, chip, program.tile, program.extent))
            for buffer in program.structure.buffers
            if buffer.memory == memory.name
        }
        level = 0
        for ts, change in _changes(record.instances, each):
            level += change
            yield {"ph": "C", "pid": PID, "tid": 0, "name": f"{memory.title} bytes", "ts": ts / 1000, "args": {"bytes": level}}


def _changes(instances: Iterable[Instance], sizes: Mapping[Any, int]) -> list[tuple[int, int]]:
    """When how many bytes come or go, in nanoseconds: a sum a moment."""
    found: dict[int, int] = {}
    for instance in instances:
        if instance.buffer in sizes and instance.first is not None:
            first, last = _ns(instance.first), _ns(instance.last)
            found[first] = found.get(first, 0) + sizes[instance.buffer]
            found[last] = found.get(last, 0) - sizes[instance.buffer]
    return sorted(found.items())
