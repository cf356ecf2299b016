"""The tables that say what there is: ``tags``, ``runs`` and ``files``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import pyarrow as pa
from google.protobuf.message import DecodeError

from tbtools.decode.kind import UNCLAIMED, Kind, TableSpec, column, table
from tbtools.files.discovery import readable
from tbtools.proto.metadata import plugin_of
from tbtools.proto.tfevents_pb2 import SummaryMetadata
from tbtools.runs.reading import RunReader
from tbtools.runs.rows import CLAIMS
from tbtools.runs.survey import EMPTY, SCALAR, Survey, TagStats
from tbtools.schema import LABEL

__all__ = [
    "CATALOG",
    "FILES",
    "RUNS",
    "TAGS",
    "batch_of",
    "files_batch",
    "kind_of",
    "runs_batch",
    "table_of",
    "tags_batch",
]

TAGS = table(
    "tags",
    "A row per run, tag and table that has values of it.",
    column("table", LABEL, "Table that the values are in.", nullable=False),
    column("plugin", LABEL, "Plugin that the tag's metadata names."),
    column("display_name", pa.string(), "As the writer gave it."),
    column("description", pa.string(), "As the writer gave it, Markdown."),
    column("plugin_content", pa.binary(), "What the metadata holds for the plugin, as written."),
    column("points", pa.int64(), "Number of values, before any restart policy.", nullable=False),
    column("first_step", pa.int64(), "Step of the value that was written first."),
    column("last_step", pa.int64(), "Step of the value that was written last."),
    column("first_time", pa.float64(), "Its wall_time, seconds since the epoch."),
    column("last_time", pa.float64(), "Its wall_time, seconds since the epoch."),
    keys=("run", "tag"),
)

RUNS = table(
    "runs",
    "A row per run.",
    column("path", pa.string(), "Folder of the run, or its one file.", nullable=False),
    column("files", pa.int64(), "Number of event files.", nullable=False),
    column("bytes", pa.int64(), "Size of what was read of them, unpacked.", nullable=False),
    column("tags", pa.int64(), "Number of tags.", nullable=False),
    column("points", pa.int64(), "Number of values, before any restart policy.", nullable=False),
    column("first_step", pa.int64(), "Smallest step."),
    column("last_step", pa.int64(), "Largest step."),
    column(
        "first_time", pa.float64(), "Smallest wall_time of all its events, seconds since the epoch."
    ),
    column(
        "last_time", pa.float64(), "Largest wall_time of all its events, seconds since the epoch."
    ),
    column("writer", pa.string(), "Writers that the files name."),
    column("segments", pa.int64(), "Files and SessionLog STARTs inside them.", nullable=False),
    column("restarted_rows", pa.int64(), "Values that --restarts latest drops.", nullable=False),
    column("purged_rows", pa.int64(), "Values that --restarts tensorboard drops.", nullable=False),
    column("damaged", pa.int64(), "Number of damaged records, of all its files.", nullable=False),
    column("tables", pa.list_(pa.string()), "Tables that have rows of this run.", nullable=False),
    keys=("run",),
)

FILES = table(
    "files",
    "A row per event file: what was read of it, and what could not be.",
    column("path", pa.string(), "Where it is.", nullable=False),
    column("bytes", pa.int64(), "Its size, unpacked.", nullable=False),
    column("events", pa.int64(), "Good records.", nullable=False),
    column("file_version", pa.string(), "The first that an event gives."),
    column("writer", pa.string(), "The first that an event names."),
    column("status", pa.string(), "ok, empty, pending, damaged or unreadable.", nullable=False),
    column("damaged_records", pa.int64(), "Records or stretches that are lost.", nullable=False),
    column("skipped_bytes", pa.int64(), "Bytes that are lost with them.", nullable=False),
    column("pending_bytes", pa.int64(), "Bytes of a record that is not complete.", nullable=False),
    column("first_error", pa.string(), "What is damaged first, and at which offset."),
    keys=("run",),
)


#: What says what there is, by name.
CATALOG = {spec.name: spec for spec in (TAGS, RUNS, FILES)}


def batch_of(spec: TableSpec, rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    """The rows of a table, given as its columns have them."""
    columns = zip(*rows, strict=True) if rows else [()] * len(spec.schema)
    arrays = [
        _array(list(values), field.type) for values, field in zip(columns, spec.schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=spec.schema)


def _array(values: list[object], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode().cast(kind)
    return pa.array(values, kind)


def kind_of(stats: TagStats, found: Survey) -> tuple[Kind | None, str | None]:
    """The kind and the plugin of values, as routing.py has them; None for a kind that is none."""
    if stats.tag is None:
        return CLAIMS.kind_of(stats.field, ""), None
    plugin = stats.plugin or plugin_of(found.metadata_of(stats.tag)) or None
    field = "simple_value" if stats.field == SCALAR else stats.field
    return CLAIMS.kind_of(field, plugin or ""), plugin


def table_of(stats: TagStats, found: Survey) -> tuple[str | None, str | None]:
    """The table and the plugin of values; None if they give no row."""
    kind, plugin = kind_of(stats, found)
    if kind is None and stats.tag is None and stats.field in ("file_version", EMPTY):
        return None, None
    return (kind.tables[0].name if kind else UNCLAIMED.name), plugin


def tags_batch(readers: Iterable[RunReader]) -> pa.RecordBatch:
    """The rows of ``tags`` for some runs."""
    return batch_of(TAGS, [row for reader in readers for row in _rows_of_tags(reader)])


def _rows_of_tags(reader: RunReader) -> Iterator[tuple[object, ...]]:
    found = reader.survey()
    rows: dict[tuple[str, str], list[TagStats]] = {}
    plugins: dict[tuple[str, str], str | None] = {}
    for stats in found.stats:
        name, plugin = table_of(stats, found)
        if stats.tag is not None and name is not None:
            key = (stats.tag, name)
            rows.setdefault(key, []).append(stats)
            plugins[key] = plugins.get(key) or plugin
    for (tag, name), parts in sorted(rows.items()):
        yield (
            reader.run.name,
            tag,
            name,
            plugins[tag, name],
            *_said(found.metadata_of(tag)),
            sum(each.points for each in parts),
            parts[0].first_step,
            parts[-1].last_step,
            parts[0].first_time,
            parts[-1].last_time,
        )


@lru_cache(maxsize=256)
def _said(metadata: bytes | None) -> tuple[str | None, str | None, bytes | None]:
    """Display name, description and content for the plugin."""
    if not metadata:
        return None, None, None
    try:
        parsed = SummaryMetadata.FromString(metadata)
    except DecodeError:
        return None, None, None
    names = (parsed.display_name or None, parsed.summary_description or None)
    return *names, parsed.plugin_data.content or None


def runs_batch(readers: Iterable[RunReader]) -> pa.RecordBatch:
    """The rows of ``runs`` for some runs."""
    return batch_of(RUNS, [_row_of_run(reader) for reader in readers])


def _row_of_run(reader: RunReader) -> tuple[object, ...]:
    found = reader.survey()
    tables: set[str] = set()
    tags: set[str] = set()
    points = size = damaged = 0
    steps: list[int] = []
    for stats in found.stats:
        name, _ = table_of(stats, found)
        if name is not None:
            tables.add(name)
        if stats.tag is not None:
            tags.add(stats.tag)
            points += stats.points
            steps += (stats.min_step, stats.max_step)
    for health in found.health:
        size += health.bytes
        damaged += health.damaged_records
    return (
        reader.run.name,
        readable(reader.run.path),
        len(reader.run.files),
        size,
        len(tags),
        points,
        min(steps, default=None),
        max(steps, default=None),
        min((each.min_time for each in found.stats), default=None),
        max((each.max_time for each in found.stats), default=None),
        ", ".join(sorted({health.writer for health in found.health if health.writer})) or None,
        len(found.segments),
        reader.dropped("latest"),
        reader.dropped("tensorboard"),
        damaged,
        sorted(tables),
    )


def files_batch(readers: Iterable[RunReader]) -> pa.RecordBatch:
    """The rows of ``files`` for some runs."""
    return batch_of(
        FILES,
        [
            (
                health.run,
                readable(health.path),
                health.bytes,
                health.events,
                health.file_version,
                health.writer,
                health.status,
                health.damaged_records,
                health.skipped_bytes,
                health.pending_bytes,
                health.first_error,
            )
            for reader in readers
            for health in reader.survey().health
        ],
    )
