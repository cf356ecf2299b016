"""What is wrong with files, a row per finding: docs/format.md, "Findings"."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tbtools import _core
from tbtools.decode.kind import column, table
from tbtools.files.discovery import EventFile, readable
from tbtools.files.health import DAMAGES, FileHealth
from tbtools.proto.metadata import plugin_of
from tbtools.runs.catalog import batch_of, table_of
from tbtools.runs.places import place_of
from tbtools.runs.reading import FileOfRun, RunReader
from tbtools.runs.stretches import KINDS, STRETCHES, WatchedHealth, Zeros, joined
from tbtools.runs.survey import (
    FileSurvey,
    Survey,
    Surveying,
    TagStats,
    put_together,
    survey_together,
)
from tbtools.schema import LABEL

__all__ = [
    "FINDINGS",
    "FileFound",
    "Stretches",
    "find_in_files",
    "find_in_run",
    "rows_of_tail",
    "unreadable",
]

FINDINGS = table(
    "findings",
    "A row per finding of `tbtools verify`: first those of a file, in its order, then those of its "
    "run.",
    column("path", LABEL, "The event file, or the folder that cannot be listed.", nullable=False),
    column("offset", pa.int64(), "Where it begins in the file, unpacked, in bytes."),
    column("size", pa.int64(), "Its bytes, if it has an extent."),
    column("what", LABEL, "What it is: see docs/format.md.", nullable=False),
    column("damage", pa.bool_(), "Something is lost; else it is a remark.", nullable=False),
    column("records", pa.int64(), "Damaged records or stretches it is made of.", nullable=False),
    column("detail", pa.string(), "More of it, in words."),
    keys=("run",),
)

WHATS = [DAMAGES[kind] for kind in KINDS]
ZEROS = "zero-filled"
JUNK = "trailing junk"
NO_RECORD = "not a record"
UNREADABLE = "unreadable"
TORN_TAIL = "torn tail"
EMPTY_FILE = "empty file"
FALLING_STEPS = "steps go back"
ODD_TIMES = "wall_time not finite"
CONTRADICTORY = "contradictory metadata"
MISSING = "metadata missing"

MOST_ROWS = 1 << 16  # of a batch

#: Fields of values that have no value, so that what they are is nobody's claim.
VALUELESS = ("metadata", "none")

Row = tuple[object, ...]

#: A file of a run that was looked at: its run, its number there, and what it holds.
FileFound = tuple[RunReader, int, FileSurvey]


def unreadable(run: str, path: str, why: str, offset: int | None = None) -> Row:
    """The row for what cannot be read, or not from an offset on."""
    return (run, readable(path), offset, None, UNREADABLE, True, 0, why)


def find_in_files(files: Sequence[FileOfRun]) -> Iterator[pa.RecordBatch | FileFound]:
    """The findings of each file of a group, as batches of FINDINGS, and then what it holds."""
    (first, _), _ = files[0]
    named = [(reader.run.name, file) for (reader, _), file in files]
    together = survey_together(named, first.progress)
    for ((reader, number), file), survey in zip(files, together, strict=True):
        if survey is None:
            survey = yield from _read_alone(reader, file)
        if rows := list(rows_of_tail(survey.health)):
            yield batch_of(FINDINGS, rows)
        reader.note_health(survey.health)
        yield reader, number, survey


def _read_alone(reader: RunReader, file: EventFile) -> Generator[pa.RecordBatch, None, FileSurvey]:
    health = WatchedHealth(reader.run.name, file.path)
    surveying = Surveying(file, health, "skip", reader.progress)
    stretches = Stretches(file, health)
    try:
        for _ in surveying:
            yield from stretches.rows()
        yield from stretches.rows(last=True)
    finally:
        stretches.close()
    if health.unreadable is not None:
        offset = surveying.offset or None
        row = unreadable(health.run, health.path, health.unreadable, offset)
        yield batch_of(FINDINGS, [row])
    return surveying.found


def rows_of_tail(health: FileHealth) -> Iterator[Row]:
    """What there is to say of the end of a file, and of one that has nothing."""
    where = (health.run, readable(health.path))
    if health.pending_bytes:
        offset = health.bytes - health.pending_bytes
        yield (*where, offset, health.pending_bytes, TORN_TAIL, False, 0, None)
    elif health.status == "empty":
        yield (*where, None, health.bytes, EMPTY_FILE, False, 0, None)


class Stretches:
    """The damaged stretches of a file as rows, as they come."""

    def __init__(self, file: EventFile, health: WatchedHealth) -> None:
        self._health = health
        self._zeros = Zeros(file)
        self._open = pa.RecordBatch.from_pylist([], STRETCHES)  # what follows may adjoin it

    def rows(self, last: bool = False) -> Iterator[pa.RecordBatch]:
        """What is known to be at its end, or with ``last`` all that is left."""
        fresh = self._health.take()
        if not fresh.num_rows and not last:
            return
        found = joined(pa.concat_batches([self._open, fresh]))
        ended = found.num_rows if last else found.num_rows - 1
        self._open = found.slice(ended)
        for begin in range(0, ended, MOST_ROWS):
            yield self._told(found.slice(begin, min(MOST_ROWS, ended - begin)), last)

    def _told(self, found: pa.RecordBatch, last: bool) -> pa.RecordBatch:
        whats = [WHATS[kind] for kind in found["kind"].to_pylist()]
        details: list[str | None] = [None] * len(whats)
        for place in _indices(pc.greater(found["records"], 1)):
            details[place] = f"{found['records'][place].as_py():,} in a row"
        large = _indices(pc.greater_equal(found["size"], _core.least_zeros))
        extents = (found[name].take(pa.array(large, pa.int64())) for name in ("offset", "size"))
        stretches = list(zip(*(each.to_pylist() for each in extents), strict=True))
        for number, begin, size in self._zeros.filled(stretches):
            place = large[number]
            more = f", {details[place]}" if details[place] else ""
            details[place] = f"{size:,} zeros at offset {begin}; {whats[place]}{more}"
            whats[place] = ZEROS
        if last and whats[-1] == DAMAGES["bad_length"]:
            stretch = found.slice(len(whats) - 1).to_pylist()[0]
            if stretch["offset"] + stretch["size"] == self._health.bytes:
                whats[-1] = JUNK if stretch["offset"] else NO_RECORD
        count = found.num_rows
        columns = {
            "run": _label(self._health.run, count),
            "path": _label(readable(self._health.path), count),
            "offset": found["offset"],
            "size": found["size"],
            "what": pa.array(whats).dictionary_encode(),
            "damage": pa.repeat(pa.scalar(True), count),
            "records": found["records"],
            "detail": pa.array(details, pa.string()),
        }
        return pa.record_batch([columns[name] for name in FINDINGS.schema.names], FINDINGS.schema)

    def close(self) -> None:
        """Let go of the file."""
        self._zeros.close()


def _indices(mask: pa.Array) -> list[int]:
    found: list[int] = pc.indices_nonzero(mask).to_pylist()
    return found


def _label(text: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), count), [text])


# --- what values say of themselves --------------------------------------------------------------


def find_in_run(run: str, files: Sequence[FileSurvey]) -> list[Row]:
    """The findings of a run that its values give, from what all its files hold."""
    found = put_together(files)
    paths = [readable(health.path) for health in found.health]
    stats = [(place_of(found.segments[each.segment])[0], each) for each in found.stats]
    rows = [*_of_order(stats), *_of_metadata(found, stats)]
    rows.sort(key=lambda each: each[0])
    return [(run, paths[number], *row) for number, row in rows]


#: By the number of its file: a value of the run's statistics, or what follows ``path`` in a row.
Stats = Sequence[tuple[int, TagStats]]
RowsOfFiles = Iterator[tuple[int, Row]]


def _of_order(stats: Stats) -> RowsOfFiles:
    """Steps that are less than the one before, and times that are none, by tag."""
    odd: dict[tuple[int, str | None], list[TagStats]] = {}
    for number, each in stats:
        if each.falls or each.odd_times:
            odd.setdefault((number, each.tag), []).append(each)
    for (number, tag), parts in odd.items():
        falls = sum(each.falls for each in parts)
        if falls and tag is not None:  # else they are of no series
            first = min(each.first_fall for each in parts if each.falls)
            detail = f"tag {tag!r}: {falls:,} below the step before"
            yield number, (first, None, FALLING_STEPS, False, 0, detail)
        if times := sum(each.odd_times for each in parts):
            first = min(each.first_odd_time for each in parts if each.odd_times)
            whose = "events without a tag" if tag is None else f"tag {tag!r}"
            yield number, (first, None, ODD_TIMES, False, 0, f"{whose}: {times:,} NaN or infinite")


def _of_metadata(found: Survey, stats: Stats) -> RowsOfFiles:
    """Tags that are of two plugins, or of two tables, and tensors of no plugin."""
    plugins: dict[str, dict[str, int]] = {}  # of each tag, with the file where it is first
    tables: dict[str, dict[str, int]] = {}
    missing: dict[str, tuple[int, int]] = {}
    for number, metadata in enumerate(found.metadata):
        for tag, each in metadata.items():
            if plugin := plugin_of(each):
                plugins.setdefault(tag, {}).setdefault(plugin, number)
    for number, values in stats:
        if values.tag is None:
            continue
        if values.plugin:
            plugins.setdefault(values.tag, {}).setdefault(values.plugin, number)
        table, declared = table_of(values, found)
        if table is not None and values.field not in VALUELESS:
            tables.setdefault(values.tag, {}).setdefault(table, number)
        if values.field == "tensor" and not declared:
            first, count = missing.get(values.tag, (number, 0))
            missing[values.tag] = first, count + values.points
    for tag in sorted({*plugins, *tables}):
        names, kinds = plugins.get(tag, {}), tables.get(tag, {})
        told = names if len(names) > 1 else kinds
        if len(told) > 1:
            detail = f"tag {tag!r}: {'plugins' if told is names else 'values'} {', '.join(told)}"
            yield max(told.values()), (None, None, CONTRADICTORY, False, 0, detail)
    for tag, (number, count) in sorted(missing.items()):
        detail = f"tag {tag!r}: tensors of which nothing names a plugin: {count:,}"
        yield number, (None, None, MISSING, False, 0, detail)
