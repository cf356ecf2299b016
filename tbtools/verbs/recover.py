"""``recover``: what is intact of event files, and nothing else."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Unpack

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.errors import UsageError
from tbtools.files.discovery import EventFile
from tbtools.files.intact import intact
from tbtools.output.copying import RecordFiles, unpacked_name
from tbtools.output.event_files import check_run
from tbtools.output.targets import check_target, staged
from tbtools.runs.catalog import batch_of
from tbtools.runs.findings import FINDINGS, Stretches, rows_of_tail, unreadable
from tbtools.runs.reading import RunReader
from tbtools.runs.stretches import WatchedHealth
from tbtools.tables.logs import LogsOrPaths, OpenOptions, TableSet, opened
from tbtools.tables.manifest import LOGDIR, write_manifest
from tbtools.tables.parallel import in_order

__all__ = ["Recovered", "recover"]


@dataclass
class Recovered:
    """What was saved: files, their records and bytes, out of so many files and bytes.

    ``path`` is None if nothing could be saved; then nothing was written. ``report`` has the columns
    of ``verify``: a row for each stretch that was left behind, whether it was ``damage`` or, as an
    unfinished record at the end, a remark. ``lost_bytes`` are those of damage.
    """

    path: Path | None
    report: pa.Table
    files: int = 0
    saved_files: int = 0
    records: int = 0
    bytes: int = 0
    saved_bytes: int = 0
    lost_bytes: int = 0
    unreadable: int = 0

    @property
    def is_lossy(self) -> bool:
        """Whether anything was damaged or could not be read."""
        return bool(self.unreadable or pc.any(self.report["damage"]).as_py())


class _NothingSaved(Exception):  # noqa: N818  # it is no error: see Recovered.path
    pass


def recover(
    logs: LogsOrPaths,
    output: str | os.PathLike[str],
    *,
    force: bool = False,
    **options: Unpack[OpenOptions],
) -> Recovered:
    """Write event files with every intact record of damaged ones, byte for byte, and nothing else.

    Folders and names stay as they are; compressed copies are unpacked. What is not a whole record
    with good checksums and an Event in it is left behind, and told: see ``Recovered``. A file of
    which nothing is intact has none; an empty one stays. ``logs`` is what ``open`` gives or takes;
    of its ``options``, ``run`` chooses runs.

    Raises UsageError or one of its kind for what makes no sense, and TargetExistsError without
    ``force``.
    """
    source = opened(logs, options)
    if source.selection.names_tags or source.selection.steps != (None, None):
        raise UsageError("recover takes every intact record: leave some out with rewrite, later")
    if any(reader.on_damage != "skip" for reader in source.readers(survey=False)):
        raise UsageError("recover goes on behind damage: give no other on_damage than skip")
    target = Path(output)
    check_target(target, source.inputs, force, folder=True)
    with _Report() as report:
        done = Recovered(target, report.table)
        try:
            with staged(target, source.inputs, force, folder=True) as folder:
                folder.mkdir()
                _save(source, folder, done, report)
                if not done.records and done.files > done.saved_files:
                    raise _NothingSaved
                write_manifest(folder, LOGDIR, {}, {})
        except _NothingSaved:
            done.path = None
        done.report = report.read()
    return done


def _save(logs: TableSet, folder: Path, done: Recovered, report: _Report) -> None:
    closed = [unreadable("", health.path, health.unreadable) for health in logs.health if health.unreadable]  # fmt: skip  # noqa: E501
    if closed:
        report.write(batch_of(FINDINGS, closed))
        done.unreadable += len(closed)
    readers = logs.readers(survey=False)
    for reader in readers:
        check_run(reader.run.name)
    openers = [partial(_save_run, reader, folder) for reader in readers]
    for found in in_order(openers, logs.threads):
        if isinstance(found, pa.RecordBatch):
            report.write(found)
            continue
        health, saved = found
        done.files += 1
        done.saved_files += saved is not None
        done.records += health.events
        done.bytes += health.bytes
        done.saved_bytes += saved or 0
        done.lost_bytes += health.skipped_bytes
        done.unreadable += health.unreadable is not None


#: Of a file its health, and the bytes that were written; None if it was not made.
Saved = tuple[WatchedHealth, int | None]


def _save_run(reader: RunReader, folder: Path) -> Iterator[pa.RecordBatch | Saved]:
    name = reader.run.name
    place = folder if name == "." else folder / name
    with RecordFiles(place) as files:
        for file in reader.run.files:
            yield from _save_file(reader, file, files)
    with suppress(OSError):  # nothing of the run was saved
        place.rmdir()


def _save_file(
    reader: RunReader, file: EventFile, files: RecordFiles
) -> Iterator[pa.RecordBatch | Saved]:
    health = WatchedHealth(reader.run.name, file.path)
    stretches = Stretches(file, health)
    files.begin(unpacked_name(file))
    before = files.bytes
    try:
        for _, records in intact(file, health, reader.on_damage, reader.progress):
            files.write(0, records)
            yield from stretches.rows()
        yield from stretches.rows(last=True)
    finally:
        stretches.close()
        reader.note_health(health)
    rows = [*rows_of_tail(health)]
    if health.unreadable is not None:
        offset = health.bytes or None
        rows.append(unreadable(health.run, health.path, health.unreadable, offset))
    if rows:
        yield batch_of(FINDINGS, rows)
    saved = files.bytes - before
    is_left = bool(health.events or health.status == "empty")
    if not is_left:
        files.discard()
    files.end()
    yield health, saved if is_left else None


class _Report:
    """Rows of findings, kept in a file: there may be as many as a damaged log has bytes, nearly."""

    def __init__(self) -> None:
        self._file = tempfile.NamedTemporaryFile(prefix="tbtools-", suffix=".arrow")  # noqa: SIM115
        self._writer = pa.ipc.new_stream(self._file, FINDINGS.schema)
        self._is_open = True
        self.table = FINDINGS.schema.empty_table()

    def __enter__(self) -> _Report:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._file.close()

    def write(self, rows: pa.RecordBatch) -> None:
        """More rows."""
        self._writer.write_batch(rows)

    def _end(self) -> None:
        if self._is_open:
            self._is_open = False
            self._writer.close()
            self._file.flush()

    def read(self) -> pa.Table:
        """All rows. They stay in the file, which has no name any more, until nobody holds them."""
        self._end()
        with pa.memory_map(self._file.name) as mapped:
            return pa.ipc.open_stream(mapped).read_all()
