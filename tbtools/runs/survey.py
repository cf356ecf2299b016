"""What a run holds, from one pass over its files that copies hardly any payload.

``tags``, ``runs`` and ``files`` are made of it, the plugin of a tag that some file does not name,
and the restarts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import DecodeError

from tbtools import _core
from tbtools.files.discovery import Run
from tbtools.files.health import FileHealth
from tbtools.files.scans import EventReader, OnDamage, Progress, ScanOptions
from tbtools.proto.metadata import plugin_of
from tbtools.proto.tfevents_pb2 import SessionLog, TaggedRunMetadata
from tbtools.runs.purging import RUN_GRAPH, Purge, Purging

__all__ = ["EMPTY", "SCALAR", "Survey", "TagStats", "position_of", "survey"]

FLUSH = 1 << 19  # rows that are kept before they are counted
SCALAR = "scalar"  # the field of what the core read as a number, whatever member it was
EMPTY = "empty_summary"  # the field of an event whose Summary has no values

PAYLOADS = ("session_log", "file_version", "tagged_run_metadata")
MARKS = pa.array(["session_log", "file_version"])  # fields that may begin a piece of a scan
NO_VALUES = pa.array(["file_version", EMPTY])  # fields of events that no segment is made of
# Fields of the events that have no tag and are a Summary to TensorBoard, if not in the file.
SUMMARIES = pa.array(["graph_def", "tagged_run_metadata", EMPTY])

_Empty = list[tuple[int, int, float]]  # offset, step and wall_time of each empty Summary

KEYS = ["segment", "tag", "field", "plugin"]
SUMS = [
    ("step", "count"),
    ("step", "first"),
    ("step", "last"),
    ("step", "min"),
    ("step", "max"),
    ("wall_time", "first"),
    ("wall_time", "last"),
    ("wall_time", "min"),
    ("wall_time", "max"),
]


@dataclass
class TagStats:
    """The values of one tag in one segment that have the same field and declare the same plugin."""

    segment: int
    tag: str | None
    field: str
    plugin: str  # that the values themselves name; "" if they name none
    points: int
    first_step: int  # of the first that was written, as all "first" and "last"
    last_step: int
    min_step: int
    max_step: int
    first_time: float
    last_time: float
    min_time: float
    max_time: float

    def add(self, later: TagStats) -> None:
        """Count what was written after it, too."""
        self.points += later.points
        self.last_step, self.last_time = later.last_step, later.last_time
        self.min_step = min(self.min_step, later.min_step)
        self.max_step = max(self.max_step, later.max_step)
        self.min_time = min(self.min_time, later.min_time)
        self.max_time = max(self.max_time, later.max_time)


@dataclass
class Survey:
    """What a run holds."""

    health: list[FileHealth]
    metadata: list[dict[str, bytes]]  # by file: a tag's first SummaryMetadata there
    segments: list[int]  # where each begins
    purges: list[Purge]
    stats: list[TagStats] = field(default_factory=list)

    def metadata_of(self, tag: str) -> bytes | None:
        """A tag's first metadata in the run that names a plugin, else the first."""
        found = [each[tag] for each in self.metadata if tag in each]
        return next((each for each in found if plugin_of(each)), next(iter(found), None))


def position_of(file: int, offset: pa.Array | int) -> pa.Array | int:
    """The place of a record in its run, as a number: by file, then by offset in bytes."""
    base = file << 44
    return base + offset if isinstance(offset, int) else pc.add(offset.cast(pa.int64()), base)


def survey(run: Run, on_damage: OnDamage = "skip", progress: Progress | None = None) -> Survey:
    """Read a run once. Raises DamageError as the reader does."""
    purging = Purging()
    result = Survey([], [], [], purging.purges)
    counter = _Counter()
    for number, file in enumerate(run.files):
        health = FileHealth(run.name, file.path)
        options = ScanOptions(payloads=PAYLOADS, offsets=True)
        reader = EventReader(file, health, options, on_damage, progress)
        result.segments.append(position_of(number, 0))
        try:
            for scan in reader.read():
                if _is_plain(scan) and not _may_purge(scan, purging):
                    purging.last_step = pa.record_batch(scan.points)["step"][-1].as_py()
                    counter.add_points(len(result.segments) - 1, scan)
                    continue
                for piece in _pieces(scan):
                    if piece.start is not None:
                        offset, step = piece.start
                        position = position_of(number, offset)
                        # A file that begins with a START is one segment, not two.
                        if counter.rows:
                            result.segments.append(position)
                        purging.start(position, step)
                    if piece.version is not None:
                        purging.version(piece.version)
                    counter.add(len(result.segments) - 1, piece.keys)
                    _feed(purging, number, piece)
        finally:
            reader.close()
        result.health.append(health)
        result.metadata.append(reader.metadata)
    result.stats = counter.finish()
    return result


def _is_plain(scan: _core.Scan) -> bool:
    """Whether a scan has nothing but points, so that they need not be looked at one by one."""
    return not len(scan.rows) and len(scan.points) > 0 and not scan.empty_summaries


def _may_purge(scan: _core.Scan, purging: Purging) -> bool:
    """Whether TensorBoard may drop something because of a scan that has nothing but points."""
    return purging.looks_at_steps and scan.steps_fall(purging.last_step)


@dataclass
class _Piece:
    """Events of a scan up to the next START or file_version, which begins the next piece."""

    keys: pa.Table  # a row per value, or event without values, in the order of the file
    rows: pa.RecordBatch  # those of the scan that are in it
    start: tuple[int, int] | None = None  # offset and step of the START that it begins with
    version: str | None = None  # that it begins with


def _pieces(scan: _core.Scan) -> Iterator[_Piece]:
    rows = pa.record_batch(scan.rows)
    empty = scan.empty_summaries
    keys = _keys_of(pa.record_batch(scan.points), rows, empty)
    piece, begin, begin_rows = _Piece(keys, rows), 0, 0
    marks = pc.indices_nonzero(pc.is_in(rows["field"].cast(pa.string()), MARKS))
    for index, mark in zip(marks.to_pylist(), rows.take(marks).to_pylist(), strict=True):
        payload = mark["payload"] or b""
        if mark["field"] == "file_version":
            following = _Piece(keys, rows, version=payload.decode("utf-8", "replace"))
        elif _is_start(payload):
            following = _Piece(keys, rows, start=(mark["offset"], mark["step"]))
        else:
            continue
        end = index + mark["points_before"] + bisect_left(empty, (mark["offset"],))
        piece.keys = keys.slice(begin, end - begin)
        piece.rows = rows.slice(begin_rows, index - begin_rows)
        yield piece
        piece, begin, begin_rows = following, end, index
    piece.keys, piece.rows = keys.slice(begin), rows.slice(begin_rows)
    yield piece


def _is_start(payload: bytes) -> bool:
    try:
        return SessionLog.FromString(payload).status == SessionLog.START
    except DecodeError:
        return False


def _feed(purging: Purging, file: int, piece: _Piece) -> None:
    """Feed a piece's events that may purge something, and those that stand before them."""
    keys = piece.keys
    if keys["tag"].null_count:
        others = pc.is_in(keys["field"].cast(pa.string()), SUMMARIES)
        keys = keys.filter(pc.or_(keys["tag"].is_valid(), others))
    if not keys.num_rows:
        return
    steps = keys["step"].combine_chunks()
    before = pa.concat_arrays([pa.array([purging.last_step], pa.int64()), steps[:-1]])
    falls = pc.less(steps, before)
    if not purging.looks_at_steps or not pc.any(falls).as_py():
        purging.last_step = steps[-1].as_py()
        return
    stands_before = pa.concat_arrays([falls[1:], pa.array([True])])
    offsets = keys["offset"].combine_chunks()
    # All values of an event count, not only the first that falls.
    fed = pc.is_in(offsets, offsets.filter(pc.or_(falls, stands_before)))
    events = keys.filter(fed).select(["offset", "step", "tag", "field"]).to_pylist()
    names = _tags_of_others(piece.rows)
    for offset, values in groupby(events, key=lambda value: value["offset"]):
        parts = list(values)
        tags = [part["tag"] for part in parts if part["tag"] is not None]
        tags.extend(names.get(offset, ()))
        purging.summary(position_of(file, offset), parts[0]["step"], tags)


def _tags_of_others(rows: pa.RecordBatch) -> dict[int, tuple[str]]:
    """By offset: the tag that an event which is no Summary in the file has in TensorBoard."""
    found: dict[int, tuple[str]] = {}
    for row in rows.filter(pc.is_in(rows["field"].cast(pa.string()), SUMMARIES)).to_pylist():
        if row["field"] == "graph_def":
            found[row["offset"]] = (RUN_GRAPH,)
            continue
        with suppress(DecodeError):
            found[row["offset"]] = (TaggedRunMetadata.FromString(row["payload"] or b"").tag,)
    return found


def _keys_of(points: pa.RecordBatch, rows: pa.RecordBatch, empty: _Empty) -> pa.Table:
    """Points, rows and empty Summaries of a scan in the order of the file."""
    parts = [_keys_of_points(points)] if points.num_rows else []
    if empty:
        parts.append(_keys_of_empty(empty))
    if rows.num_rows or not parts:
        parts.append(_keys_of_rows(rows))
    if len(parts) == 1:
        return parts[0]
    joined = pa.concat_tables(parts)
    return joined.take(pc.sort_indices(joined["offset"]))


def _keys_of_points(points: pa.RecordBatch) -> pa.Table:
    return pa.table(
        {
            "tag": points["tag"],
            "field": _same(SCALAR, points.num_rows),
            "plugin": _same("", points.num_rows),
            "step": points["step"],
            "wall_time": points["wall_time"],
            "offset": points["offset"],
        }
    )


def _same(text: str, count: int) -> pa.DictionaryArray:
    codes = pa.repeat(pa.scalar(0, pa.int32()), count)
    return pa.DictionaryArray.from_arrays(codes, pa.array([text]))


def _keys_of_rows(rows: pa.RecordBatch) -> pa.Table:
    metadata = rows["metadata"]
    plugins = pa.array([plugin_of(each) for each in metadata.dictionary.to_pylist()], pa.string())
    # Events without a Summary have their writer where values have metadata.
    of_value = pc.and_(pc.is_valid(rows["tag"]), pc.is_valid(metadata))
    plugin = pc.if_else(of_value, plugins.take(metadata.indices), "")
    fields = rows["field"].cast(pa.string())
    return pa.table(
        {
            "tag": rows["tag"],
            "field": fields.dictionary_encode(),
            "plugin": plugin.dictionary_encode(),
            "step": rows["step"],
            "wall_time": rows["wall_time"],
            "offset": rows["offset"],
        }
    )


def _keys_of_empty(empty: _Empty) -> pa.Table:
    offset, step, wall_time = zip(*empty, strict=True)
    count = len(empty)
    return pa.table(
        {
            "tag": pa.nulls(count, pa.dictionary(pa.int32(), pa.string())),
            "field": _same(EMPTY, count),
            "plugin": _same("", count),
            "step": pa.array(step, pa.int64()),
            "wall_time": pa.array(wall_time, pa.float64()),
            "offset": pa.array(offset, pa.int64()),
        }
    )


class _Counter:
    """Counts values by segment, tag, field and plugin."""

    def __init__(self) -> None:
        self.rows = 0  # of the last segment
        self.segment = -1
        self._waiting: list[pa.Table] = []
        self._size = 0
        self._stats: dict[tuple[int, str | None, str, str], TagStats] = {}

    def add(self, segment: int, keys: pa.Table) -> None:
        if segment != self.segment:
            self.segment, self.rows = segment, 0
        count = keys.num_rows
        if not count:
            return
        # The event that opens a file belongs to no segment in particular.
        self.rows += count - _count_of(keys["field"], NO_VALUES)
        column = pa.repeat(pa.scalar(segment, pa.int32()), count)
        self._waiting.append(keys.drop_columns(["offset"]).append_column("segment", column))
        self._size += count
        if self._size >= FLUSH:
            self._flush()

    def add_points(self, segment: int, scan: _core.Scan) -> None:
        """Count a scan that has nothing but points."""
        self._flush()  # what came before stands before it
        if segment != self.segment:
            self.segment, self.rows = segment, 0
        self.rows += len(scan.points)
        for each in scan.summaries():
            self._keep(TagStats(segment, each[0], SCALAR, "", *each[1:]))

    def _flush(self) -> None:
        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting).unify_dictionaries()
        self._waiting, self._size = [], 0
        # "first" and "last" mean the order of rows, which only one thread keeps.
        sums = table.group_by(KEYS, use_threads=False).aggregate(SUMS)
        names = [*KEYS, *(f"{column}_{what}" for column, what in SUMS)]
        for row in zip(*(sums[name].to_pylist() for name in names), strict=True):
            self._keep(TagStats(*row))

    def _keep(self, stats: TagStats) -> None:
        key = (stats.segment, stats.tag, stats.field, stats.plugin)
        if key in self._stats:
            self._stats[key].add(stats)
        else:
            self._stats[key] = stats

    def finish(self) -> list[TagStats]:
        self._flush()
        return list(self._stats.values())


def _count_of(column: pa.ChunkedArray, values: pa.Array) -> int:
    count: int = pc.sum(pc.is_in(column.cast(pa.string()), values)).as_py() or 0
    return count
