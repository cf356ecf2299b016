"""What a run holds, from one pass over its files that copies no payload.

``tags``, ``runs`` and ``files`` are made of it, the plugin of a tag that some file does not name,
and the restarts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from tbtools import _core
from tbtools.files.discovery import Run
from tbtools.files.health import FileHealth
from tbtools.files.scans import EventReader, OnDamage, Progress, ScanOptions
from tbtools.proto.metadata import plugin_of
from tbtools.proto.tfevents_pb2 import SessionLog

__all__ = ["Purge", "Survey", "TagStats", "position_of", "survey"]

FLUSH = 1 << 19  # rows that are kept before they are counted
SCALAR = "scalar"  # the field of what the core read as a number, whatever member it was

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


@dataclass(frozen=True)
class Purge:
    """A place where TensorBoard drops what was read before it, at ``step`` and above.

    Of all tags if ``tag`` is None. Source: docs/format.md, "Restarts".
    """

    position: int
    step: int
    tag: str | None = None


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
    result = Survey([], [], [], [])
    counter = _Counter()
    purging = _Purging(result.purges)
    for number, file in enumerate(run.files):
        health = FileHealth(run.name, file.path)
        options = ScanOptions(payloads=("session_log",), offsets=True)
        reader = EventReader(file, health, options, on_damage, progress)
        result.segments.append(position_of(number, 0))
        try:
            for scan in reader.read():
                purging.version = health.file_version or purging.version
                if _plain(scan) and purging.may_pass(scan):
                    counter.add_points(len(result.segments) - 1, scan)
                    continue
                for piece, start in _pieces(scan):
                    if start is not None:
                        offset, step = start
                        position = position_of(number, offset)
                        # A file that begins with a START is one segment, not two.
                        if counter.rows:
                            result.segments.append(position)
                        purging.start(position, step)
                    counter.add(len(result.segments) - 1, piece)
                    purging.values(number, piece)
        finally:
            reader.close()
        result.health.append(health)
        result.metadata.append(reader.metadata)
    result.stats = counter.finish()
    return result


def _plain(scan: _core.Scan) -> bool:
    """Whether a scan has nothing but points, so that they need not be looked at one by one."""
    return not len(scan.rows) and len(scan.points) > 0


def _pieces(scan: _core.Scan) -> Iterator[tuple[pa.Table, tuple[int, int] | None]]:
    """The values of a scan up to each SessionLog START, which comes with the piece behind it."""
    points = _keys_of_points(scan)
    if not len(scan.rows):
        yield points, None
        return
    rows = pa.record_batch(scan.rows)
    start: tuple[int, int] | None = None
    done_rows = done_points = 0
    for at in _starts(rows):
        before = rows["points_before"][at].as_py()
        piece = points.slice(done_points, before - done_points)
        yield _joined(piece, rows.slice(done_rows, at - done_rows)), start
        start = (rows["offset"][at].as_py(), rows["step"][at].as_py())
        done_rows, done_points = at, before
    yield _joined(points.slice(done_points), rows.slice(done_rows)), start


def _starts(rows: pa.RecordBatch) -> list[int]:
    field_ = rows["field"].cast(pa.string())
    logs = pc.indices_nonzero(pc.equal(field_, "session_log")).to_pylist()
    payloads = rows["payload"]
    return [at for at in logs if _is_start(payloads[at].as_py() or b"")]


def _is_start(payload: bytes) -> bool:
    try:
        return SessionLog.FromString(payload).status == SessionLog.START
    except ValueError:  # protobuf's DecodeError is one
        return False


def _keys_of_points(scan: _core.Scan) -> pa.Table:
    batch = pa.record_batch(scan.points)
    count = batch.num_rows
    offset = batch["offset"] if count else pa.array([], pa.int64())
    return pa.table(
        {
            "tag": batch["tag"],
            "field": _same(SCALAR, count),
            "plugin": _same("", count),
            "step": batch["step"],
            "wall_time": batch["wall_time"],
            "offset": offset,
        }
    )


def _same(text: str, count: int) -> pa.DictionaryArray:
    codes = pa.repeat(pa.scalar(0, pa.int32()), count)
    return pa.DictionaryArray.from_arrays(codes, pa.array([text]))


def _joined(points: pa.Table, rows: pa.RecordBatch) -> pa.Table:
    if not rows.num_rows:
        return points
    metadata = rows["metadata"]
    plugins = pa.array([plugin_of(each) for each in metadata.dictionary.to_pylist()], pa.string())
    # Events without a Summary have their writer where values have metadata.
    of_value = pc.and_(pc.is_valid(rows["tag"]), pc.is_valid(metadata))
    plugin = pc.if_else(of_value, plugins.take(metadata.indices), "")
    fields = rows["field"].cast(pa.string())
    table = pa.table(
        {
            "tag": rows["tag"],
            "field": fields.dictionary_encode(),
            "plugin": plugin.dictionary_encode(),
            "step": rows["step"],
            "wall_time": rows["wall_time"],
            "offset": rows["offset"],
        }
    )
    if not points.num_rows:
        return table
    both = pa.concat_tables([points, table])
    return both.take(pc.sort_indices(both["offset"]))


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
        self.rows += count - _count_of(keys["field"], "file_version")
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


def _count_of(column: pa.ChunkedArray, value: str) -> int:
    count: int = pc.sum(pc.equal(column.cast(pa.string()), value)).as_py() or 0
    return count


class _Purging:
    """Finds the places where TensorBoard's Python loader purges."""

    def __init__(self, purges: list[Purge]) -> None:
        self.version: str | None = None
        self._purges = purges
        self._started = False
        self._last_step = -1  # of the latest event with a Summary

    def _looks_at_starts(self) -> bool:
        try:
            return float((self.version or "").rpartition("brain.Event:")[2]) >= 2
        except ValueError:
            return False

    def start(self, position: int, step: int) -> None:
        if self._started and self._looks_at_starts():
            self._purges.append(Purge(position, step))
        self._started = True

    def may_pass(self, scan: _core.Scan) -> bool:
        """Whether nothing is purged in a scan that has nothing but points; it is noted then."""
        if not self._looks_at_starts() and scan.steps_fall(self._last_step):
            return False
        steps = pa.record_batch(scan.points)["step"]
        self._last_step = steps[-1].as_py()
        return True

    def values(self, file: int, keys: pa.Table) -> None:
        keys = keys.filter(pc.is_valid(keys["tag"]))
        if not keys.num_rows:
            return
        steps = keys["step"].combine_chunks()
        before = pa.concat_arrays([pa.array([self._last_step], pa.int64()), steps[:-1]])
        self._last_step = steps[-1].as_py()
        if self._looks_at_starts():
            return
        back = pc.less(steps, before)
        if not pc.any(back).as_py():
            return
        offsets = keys["offset"].combine_chunks()
        # All values of the event purge their tags, not only the first.
        purging = keys.filter(pc.is_in(offsets, offsets.filter(back)))
        for tag, step, offset in zip(
            purging["tag"].to_pylist(),
            purging["step"].to_pylist(),
            purging["offset"].to_pylist(),
            strict=True,
        ):
            self._purges.append(Purge(position_of(file, offset), step, tag))
