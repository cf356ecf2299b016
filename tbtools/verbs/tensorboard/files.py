"""The event files of a run, read on as they grow, and read again where something was left there."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Event, RLock
from typing import Any

import pyarrow as pa
from google.protobuf.message import DecodeError

from tbtools import _core
from tbtools.files.discovery import EventFile, Run
from tbtools.files.groups import FileGroup
from tbtools.files.growth import ReaderState, Seen, SummedStorage, difference
from tbtools.files.health import FileHealth
from tbtools.files.scans import EventReader, ScanOptions
from tbtools.files.storage import Stamp
from tbtools.proto.tfevents_pb2 import SessionLog
from tbtools.verbs.tensorboard.events import Events
from tbtools.verbs.tensorboard.notes import Notes
from tbtools.verbs.tensorboard.runs import NO_VALUES, RunValues
from tbtools.verbs.tensorboard.scanned import Others, Points, others_of, points_of

__all__ = ["OPTIONS", "FileRead", "RunFiles", "Shared", "is_read"]

#: Plugins whose tensors hold long strings, of which only the number is wanted.
_BLOBS = (
    *("images", "audio", "text", "graphs", "graph_keras_model"),
    *("graph_run_metadata", "graph_run_metadata_graph", "graph_tagged_run_metadata"),
)

#: Everything, but of payloads only what tells how many blobs there are, and restarts.
OPTIONS = ScanOptions(
    payloads=("tensor", "file_version", "session_log", "tagged_run_metadata"),
    heads=("tagged_run_metadata",),
    head_plugins=_BLOBS,
    offsets=True,
)


def is_read(file: EventFile) -> bool:
    """Whether TensorBoard reads a file of this name (``IsSummaryEventsFile`` of io_wrapper.py)."""
    return not file.name.endswith(".profile-empty")


@dataclass(slots=True)
class FileRead:
    """What is known of one file: how far it was read, and what stood there."""

    file: EventFile
    stamp: Stamp
    seen: Seen
    reader: EventReader | ReaderState | None = None
    told: tuple[int, str | None] = (0, None)  # damaged records and why it is unreadable

    def on(self) -> EventReader:
        """What reads on in the file."""
        if not isinstance(self.reader, EventReader):
            file = self.file._replace(storage=SummedStorage(self.file.storage, self.seen))
            reader = EventReader(file, FileHealth("", file.path), OPTIONS, follow=True)
            if self.reader is not None:
                reader.resume(self.reader)
            self.reader = reader
        return self.reader


@dataclass(frozen=True)
class Shared:
    """What all runs have in common.

    With ``purges``, what restarts overwrote is dropped as TensorBoard does. ``lock`` is held while
    what is known changes. ``may_migrate`` is set when the modules of TensorBoard are there: who
    needs them while they are imported waits for it. Once ``stopped``, nothing more is read.
    """

    purges: bool
    lock: RLock = field(default_factory=RLock)
    notes: Notes = field(default_factory=Notes)
    may_migrate: Event = field(default_factory=Event)
    stopped: Event = field(default_factory=Event)


@dataclass(slots=True)
class RunFiles:
    """A run: its files in the order in which they were read, and what they gave."""

    name: str
    run: Run
    shared: Shared
    files: list[FileRead] = field(default_factory=list)
    values: RunValues = field(init=False)
    _opened: tuple[int, Events, ExitStack] | None = None

    def __post_init__(self) -> None:
        odd = partial(self.shared.notes.odd, self.name)
        self.values = RunValues(self.shared.purges, self._event_at, odd)

    def events(self, number: int) -> AbstractContextManager[Events]:
        """A context in which the events of a file can be read by their offsets."""
        return Events.of(self.files[number].file)

    def changed(self, run: Run) -> tuple[list[tuple[EventFile, Stamp]], str | None]:
        """The files of the run in which there is something new; and why all of it begins anew."""
        known = {each.file.name: each for each in self.files}
        changed: list[tuple[EventFile, Stamp]] = []
        for file in run.files:
            read = known.pop(file.name, None)
            if not is_read(file):
                continue
            stamp = file.storage.stamp(file.path)
            if stamp is None or (read is not None and read.stamp == stamp):
                continue
            if read is not None:
                try:
                    why = difference(file, stamp, read.stamp, read.seen)
                except OSError:
                    continue  # perhaps later
                if why is not None:
                    return [], f"{file.path}: {why}"
            changed.append((file, stamp))
        gone = next(iter(known.values()), None)
        return changed, None if gone is None else f"{gone.file.path} is gone"

    def read(self, file: EventFile, stamp: Stamp) -> None:
        """Read what is new in a file."""
        number = next(
            (place for place, each in enumerate(self.files) if each.file.name == file.name), None
        )
        if number is None:
            number = len(self.files)
            self.files.append(FileRead(file, stamp, Seen()))
        read = self.files[number]
        read.stamp = stamp
        reader = read.on()
        reader.health.unreadable = None
        try:
            for scan in reader.read(growing=True):
                points = points_of(pa.record_batch(scan.points))
                others = others_of(pa.record_batch(scan.rows))
                empty = scan.empty_summaries
                marks: list[tuple[Any, ...]]
                if self.values.looks_at_steps or "file_version" in others.fields:
                    counter = _core.Survey()
                    counter.add(scan)
                    (found,) = counter.files()
                    marks, last_step = found.marks, found.last_step
                else:
                    marks, last_step = _marks(others), _last_step(points, others, empty)
                if self.shared.stopped.is_set():
                    return
                with self.shared.lock:
                    self._begin(points, others, empty)
                    self.values.add(number, points, others, reader.metadata, marks, last_step)
        finally:
            reader.close()
            self.close()
        self._tell(read, reader.health)

    def take(
        self,
        file: EventFile,
        stamp: Stamp,
        group: FileGroup,
        place: int,
        points: Points,
        others: Others,
        found: _core.FileSurvey,
    ) -> None:
        """Take in a file that was read whole, together with others."""
        health = group.health[place]
        assert health is not None
        metadata = group.metadata[place]
        seen = group.seen[place]
        state = ReaderState(seen.end, 0, None, None, [], metadata, health)
        self.files.append(FileRead(file, stamp, seen, state))
        number = len(self.files) - 1
        try:
            with self.shared.lock:
                self._begin(points, others, ())
                self.values.add(number, points, others, metadata, found.marks, found.last_step)
        finally:
            self.close()

    def close(self) -> None:
        """Close what was opened to look at single events."""
        if self._opened is not None:
            self._opened[2].close()
            self._opened = None

    def _begin(self, points: Points, others: Others, empty: Any) -> None:
        """Note when the run began."""
        if self.values.first_time is not None:
            return
        firsts = [(offset, time) for offset, _, time in empty[:1]]
        for offsets, times in ((points.offsets, points.columns[1]), (others.offsets, others.times)):
            if len(offsets):
                firsts.append((int(offsets[0]), float(times[:1].view("f8")[0])))
        if firsts:
            self.values.first_time = min(firsts)[1]

    def _event_at(self, number: int, offset: int) -> bytes:
        self.shared.may_migrate.wait()
        if self._opened is None or self._opened[0] != number:
            self.close()
            stack = ExitStack()
            self._opened = (number, stack.enter_context(self.events(number)), stack)
        return self._opened[1].at(offset)

    def _tell(self, read: FileRead, health: FileHealth) -> None:
        """Say what was lost, once."""
        told = (health.damaged_records, health.unreadable)
        if told == read.told:
            return
        read.told = told
        if health.unreadable is not None:
            self.shared.notes.say(f"{read.file.path} cannot be read: {health.unreadable}")
        if health.damaged_records:
            several = f" of {health.damaged_records:,}, {health.skipped_bytes:,} bytes in all"
            self.shared.notes.say(
                f"{read.file.path}: {health.damages[0]}"
                f"{several if health.damaged_records > 1 else ''}; what is intact is shown"
            )


def _marks(others: Others) -> list[tuple[Any, ...]]:
    """The STARTs, where nothing else matters."""
    return [
        ("start", int(others.offsets[row]), int(others.steps[row]))
        for row, name in enumerate(others.fields)
        if name == "session_log" and _is_start(others.payloads[row].as_py())
    ]


def _is_start(session_log: bytes) -> bool:
    with suppress(DecodeError):
        return SessionLog.FromString(session_log).status == SessionLog.START
    return False


def _last_step(points: Points, others: Others, empty: Any) -> int | None:
    """That of the last event with a Summary."""
    last = [(int(points.offsets[-1]), int(points.columns[0, -1]))] if len(points.offsets) else []
    for row in range(len(others.fields) - 1, -1, -1):
        if others.fields[row] not in NO_VALUES:
            last.append((int(others.offsets[row]), int(others.steps[row])))
            break
    last += [(offset, step) for offset, step, _ in empty[-1:]]
    return max(last)[1] if last else None
