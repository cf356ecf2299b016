"""Drives ``_core.scan`` over a whole buffer, and says the oracle's answer in the same words.

The policy is that of ``tbtools.events`` with ``on_damage="skip"``, in as few lines as it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle

import pyarrow as pa
from oracle import HEADER, Damage, Reading, plugin_name

from tbtools import _core

SMALLEST_WINDOW = HEADER  # a search gets no further in a window that holds no header
POINT = "point"  # the field of what came as a point: its own member is not told


@dataclass(frozen=True)
class Row:
    """A value as the core gives it. Numbers as text: NaN is itself and -0.0 is not 0.0."""

    offset: int
    step: int
    wall_time: str
    tag: str | None
    field: str
    metadata: bytes | None
    payload: bytes | None
    value: str | None

    def declined(self) -> Row:
        """The same tensor if the core does not take it for a number, as it always may."""
        return replace(self, value=None)


@dataclass
class Drive:
    """What a whole file gave."""

    rows: list[Row] = field(default_factory=list)
    metadata: dict[str, bytes] = field(default_factory=dict)  # the first of each tag
    damages: list[Damage] = field(default_factory=list)
    pending: int = 0
    records: int = 0
    unread: int = 0
    stops: list[str] = field(default_factory=list)


def rows_of(scan: _core.Scan) -> list[Row]:
    """Points and rows of one scan (with offsets) in the order of the file."""
    points, rows = pa.record_batch(scan.points), pa.record_batch(scan.rows)
    points.validate(full=True)
    rows.validate(full=True)
    numbers = [
        Row(p["offset"], p["step"], repr(p["wall_time"]), p["tag"], POINT, None, None,
            repr(p["value"]))
        for p in points.to_pylist()
    ]  # fmt: skip
    merged: list[Row] = []
    done = 0
    for r in rows.to_pylist():
        merged += numbers[done : r["points_before"]]
        done = r["points_before"]
        value = None if r["value"] is None else repr(r["value"])
        merged.append(
            Row(r["offset"], r["step"], repr(r["wall_time"]), r["tag"], r["field"], r["metadata"],
                r["payload"], value)
        )  # fmt: skip
    return merged + numbers[done:]


def tags_of(scan: _core.Scan) -> dict[str, bytes | None]:
    """The tags of one scan, and the first metadata of each."""
    batch = pa.record_batch(scan.tags)
    batch.validate(full=True)
    return {row["tag"]: row["metadata"] for row in batch.to_pylist()}


def drive(
    data: bytes,
    windows: Iterable[int] = (1 << 16,),
    before: int = 0,
    salvage: bool = False,
    **selection: object,
) -> Drive:
    """Everything that ``data`` holds, read in windows of these sizes, over and over.

    Each window holds up to ``before`` bytes that were read already. With ``salvage``, the core goes
    on behind what is damaged by itself. Other arguments are those of ``_core.scan``.
    """
    result = Drive()
    sizes = cycle(windows)
    offset = need = resume = 0
    lost: tuple[int, str] | None = None
    declared, scalars = _core.NameSet([]), _core.NameSet([])
    while True:
        end = offset + max(next(sizes), need, SMALLEST_WINDOW)
        begin = max(0, offset - before)
        at_end = end >= len(data)
        scan = _core.scan(
            memoryview(data)[begin:end],
            offset - begin,
            position=begin,
            at_end=at_end,
            search=lost is not None,
            salvage=salvage,
            resume=resume,
            offsets=True,
            declared=declared,
            scalars=scalars,
            **selection,
        )
        stop = str(scan.stop).removeprefix("Stop.")
        result.stops.append(stop)
        if lost is not None and (stop != "lost" or scan.lost is not None):
            result.damages.append(Damage(lost[0], scan.found - lost[0], lost[1]))
            lost = None
        damages = [Damage(**damage) for damage in table(scan.damages)]
        assert salvage or not damages
        assert scan.damaged_bytes == sum(damage.size for damage in damages)
        result.damages += damages
        result.rows += rows_of(scan)
        result.records += scan.records
        result.unread += scan.unread
        for tag, metadata in tags_of(scan).items():
            _note_first(result.metadata, tag, metadata)
        plugins = {tag: plugin_name(each) for tag, each in result.metadata.items()}
        declared = _core.NameSet([tag for tag, plugin in plugins.items() if plugin])
        scalars = _core.NameSet([tag for tag, plugin in plugins.items() if plugin == b"scalars"])

        was, need = (offset, end, resume), 0
        resume = scan.resume
        if stop in ("end", "full"):
            offset = scan.offset
            if stop == "end" and at_end:
                return result
        elif stop == "unwanted":
            offset = scan.skip_to
            if offset > len(data):
                result.unread -= scan.unread
                result.pending = len(data) - scan.offset
                return result
        elif stop == "lost":
            if scan.lost is not None:
                lost = (scan.offset, scan.lost)
            offset = scan.skip_to
            if at_end:
                assert lost is not None
                if lost[1] == "torn":
                    result.pending = len(data) - lost[0]
                else:
                    result.damages.append(Damage(lost[0], len(data) - lost[0], lost[1]))
                return result
        elif stop == "cut" and not at_end:
            offset, need = scan.offset, scan.need
        elif stop == "cut" and len(data) - scan.offset < HEADER:
            result.pending = len(data) - scan.offset
            return result
        elif stop == "cut" or not scan.framed:
            offset = scan.offset + HEADER if stop == "cut" else scan.skip_to
            lost = (scan.offset, "torn" if stop == "cut" else stop)
        else:
            offset = scan.skip_to
            result.damages.append(Damage(scan.offset, offset - scan.offset, stop))
        assert was < (offset, offset + need, resume), f"no progress behind {was} after {stop}"


def _note_first(first: dict[str, bytes], tag: str, metadata: bytes | None) -> None:
    """Keep the first metadata of a tag that names a plugin, else the first."""
    known = first.get(tag)
    if metadata is not None and (
        known is None or plugin_name(metadata) > plugin_name(known) == b""
    ):
        first[tag] = metadata


def expected(reading: Reading) -> tuple[list[Row], dict[str, bytes]]:
    """The rows that the core owes for what the oracle read, and the first metadata of each tag."""
    rows: list[Row] = []
    first: dict[str, bytes] = {}
    for event in reading.events:
        for value in event.values:
            row = Row(event.offset, event.step, repr(event.wall_time), value.tag, value.field,
                      value.metadata, value.payload, None)  # fmt: skip
            number = None if value.scalar is None else repr(value.scalar)
            if value.tag is None:
                rows.append(row)
                continue
            _note_first(first, value.tag, value.metadata)
            own = plugin_name(value.metadata)
            plugin = own or plugin_name(first.get(value.tag))
            is_point = value.field == "simple_value" or plugin == b"scalars"
            if number is not None and is_point:
                rows.append(replace(row, field=POINT, metadata=None, payload=None, value=number))
            else:
                rows.append(replace(row, value=None if own else number))
    return rows, first


def assert_agrees(driven: Drive, reading: Reading) -> None:
    """The core read what the oracle read; it may only have declined to see a number."""
    rows, first = expected(reading)
    tensors = {(e.offset, v.payload): v for e in reading.events for v in e.values}
    for ours, theirs in zip(driven.rows, rows, strict=True):
        if ours != theirs and ours.field == "tensor":
            value = tensors[ours.offset, ours.payload]
            theirs = replace(
                theirs, field="tensor", metadata=value.metadata, payload=value.payload, value=None
            )
        assert ours == theirs
    assert driven.metadata == first
    assert driven.damages == reading.damages
    assert driven.pending == reading.pending
    assert driven.records == len(reading.events)


def points_of(data: bytes, **selection: object) -> list[tuple[str, int, float]]:
    """(tag, step, value) of the points of a file that is one good window."""
    scan = _core.scan(data, at_end=True, **selection)
    assert scan.stop == _core.Stop.end
    points = pa.record_batch(scan.points)
    columns: Sequence[list] = [points[name].to_pylist() for name in ("tag", "step", "value")]
    return list(zip(*columns, strict=True))


def table(part: _core.Table) -> list[dict]:
    """A part of a scan as dictionaries."""
    batch = pa.record_batch(part)
    batch.validate(full=True)
    return batch.to_pylist()
