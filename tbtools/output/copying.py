"""Records of event files → event files: copied byte for byte, but for what is edited."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Self, cast

from google.protobuf.message import DecodeError

from tbtools import _core
from tbtools.errors import DamageError, UsageError
from tbtools.files.discovery import EventFile
from tbtools.files.health import FileHealth
from tbtools.files.intact import intact
from tbtools.output.records import frame
from tbtools.proto.tfevents_pb2 import Event
from tbtools.runs.places import place_of
from tbtools.runs.reading import RunReader
from tbtools.runs.restarts import Limit

__all__ = ["Answer", "Change", "Copied", "Copier", "RecordFiles", "changes_of", "unpacked_name"]

HEADER, FOOTER = 12, 4  # bytes of a record around its payload
MOST_OPEN = 64  # files of one run
PACKED = ("gz", "zst", "zstd")  # endings

#: What becomes of an event that is asked about: it stays, it goes, or these bytes take its place.
Answer = bool | bytes

#: An offset in a file, and what is to be done before the record that stands there is read.
Change = tuple[int, Callable[[], None]]


def unpacked_name(file: EventFile) -> str:
    """The name of a file, or of what is in it if it is packed, since records are not packed."""
    stem, dot, ending = file.name.rpartition(".")
    if not dot or ending not in PACKED or "tfevents" not in stem:
        return file.name
    return stem


class RecordFiles:
    """The event files that the records of one run go to, made as they come.

    Each is called as ``begin`` says, or with ``name_of`` by its number and begins with the record
    ``opening``. What goes to different lanes goes to different files, and with ``most`` a file ends
    with the record that brings it to that many bytes. Without a folder nothing is written, only
    counted. Use it as a context manager, which closes the files.
    """

    def __init__(
        self,
        folder: Path | None,
        name_of: Callable[[int], str] | None = None,
        opening: bytes | None = None,
        most: int | None = None,
    ) -> None:
        self.bytes = self.count = 0
        self.opening = opening
        self._folder = folder
        self._name_of = name_of
        self._most = most
        self._open: dict[int, _RecordFile] = {}
        self._handles = ExitStack()
        self._opened = 0
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    def begin(self, name: str) -> None:
        """What follows goes to a file of this name, even if it is nothing."""
        self.end()
        self._append(self._make(0, name), b"")

    def end(self) -> None:
        """What follows goes to new files."""
        self._let_go()
        self._open.clear()

    def discard(self) -> None:
        """Do not keep the file that was written to last."""
        self._let_go()
        for file in self._open.values():
            self.count -= 1
            self.bytes -= file.size
            if self._folder is not None:
                (self._folder / file.name).unlink()
        self._open.clear()

    def room(self) -> int | None:
        """Bytes until the file of lane 0 is full; None if it never is."""
        if self._most is None:
            return None
        file = self._open.get(0)
        return self._most if file is None else max(self._most - file.size, 0)

    def write(self, lane: int, data: bytes | memoryview) -> None:
        """Records that follow those of the same lane. Even of none, a file is made."""
        file = self._open.get(lane)
        if file is None:
            assert self._name_of is not None, "begin() was not called"
            assert self.opening is not None
            file = self._make(lane, self._name_of(self.count))
            self._append(file, self.opening)
        self._append(file, data)

    def _make(self, lane: int, name: str) -> _RecordFile:
        self._open[lane] = _RecordFile(name)
        self.count += 1
        return self._open[lane]

    def _append(self, file: _RecordFile, data: bytes | memoryview) -> None:
        file.size += len(data)
        self.bytes += len(data)
        if self._folder is None:
            return
        if file.handle is None:
            if self._opened == MOST_OPEN:
                self._let_go()
            self._opened += 1
            file.handle = self._handles.enter_context((self._folder / file.name).open("ab"))
        file.handle.write(data)

    def _let_go(self) -> None:
        self._handles.close()
        self._handles = ExitStack()
        self._opened = 0
        for file in self._open.values():
            file.handle = None


@dataclass
class _RecordFile:
    name: str
    size: int = 0
    handle: BinaryIO | None = None


@dataclass
class Copied:
    """What became of events and values of some files, and of bytes; events with a file_version."""

    events: int = 0
    changed: int = 0
    dropped: int = 0
    values: int = 0
    dropped_values: int = 0
    bytes: int = 0
    bytes_after: int = 0
    files: int = 0
    files_after: int = 0
    versions: int = 0


def changes_of(limits: Iterable[Limit], rewriter: _core.Rewriter) -> dict[int, list[Change]]:
    """What restarts overwrote, as what has to be told to the core, by the number of the file."""
    changes: dict[int, list[Change]] = {}
    for position, tag, step in limits:
        file, offset = place_of(max(position, 0))
        changes.setdefault(file, []).append((offset, partial(rewriter.set_limit, tag, step)))
    return changes


class Copier:
    """Copies the records of files, as ``rewriter`` has been told to edit them.

    ``decide`` says what becomes of the events that the rewriter asks about. Those with a
    file_version, of which there are ``versions``, stay unless files have an opening of their own.
    """

    def __init__(
        self,
        rewriter: _core.Rewriter,
        files: RecordFiles,
        decide: Callable[[Event], Answer],
    ) -> None:
        self._rewriter = rewriter
        self._files = files
        self._decide = decide
        self.versions = 0
        self._size = self._number = 0  # of the files that were read
        self._replaced = self._refused = 0  # events, by ``decide``

    def copy(self, reader: RunReader, file: EventFile, changes: Iterable[Change] = ()) -> None:
        """Copy what is intact of a file of a run; ``changes`` are in the order of their offsets.

        Raises DamageError as the reader does, and UsageError if a step does not fit.
        """
        health = FileHealth(reader.run.name, file.path)
        waiting = iter(changes)
        due = next(waiting, None)
        try:
            for offset, view in intact(file, health, reader.on_damage, reader.progress):
                at = 0
                while at < len(view):
                    while due is not None and due[0] <= offset + at:
                        due[1]()
                        due = next(waiting, None)
                    end = len(view) if due is None else min(due[0] - offset, len(view))
                    self._rewrite(view[at:end], file)
                    at = end
        except DamageError as error:
            reader.failure = error
            raise
        finally:
            reader.note_health(health)
        while due is not None:
            due[1]()
            due = next(waiting, None)
        self._size += health.bytes
        self._number += 1

    @property
    def copied(self) -> Copied:
        """What became of what was copied so far."""
        events, changed, dropped, values, dropped_values = self._rewriter.counts
        return Copied(
            events + self._replaced,
            changed + self._replaced,
            dropped + self._refused,
            values,
            dropped_values,
            self._size,
            self._files.bytes,
            self._number,
            self._files.count,
            self.versions,
        )

    def _rewrite(self, view: memoryview, file: EventFile) -> None:
        begin, answered = 0, False
        while begin < len(view):
            room = self._files.room()
            why, offset, is_changed, lanes = self._rewriter.run(view, begin, answered, room)
            if is_changed:
                for lane, records in lanes:
                    self._write(lane, memoryview(cast("bytes", records)))  # it is a buffer
            else:
                self._write(0, view[begin:offset])
            begin, answered = offset, False
            if why == "end":
                return
            if why == "full":
                self._files.end()
                self._rewriter.begin_files()
            elif why == "asked":
                begin, answered = self._ask(view, offset)
            elif why == "overflow":
                raise UsageError(f"{file.path}: a step would be no number of 64 bits any more")
            else:
                raise UsageError(f"{file.path}: it changed while it was read; try again")

    def _write(self, lane: int, records: memoryview) -> None:
        if len(records):
            self._files.write(lane, records)

    def _ask(self, view: memoryview, offset: int) -> tuple[int, bool]:
        (length,) = struct.unpack_from("<Q", view, offset)
        end = offset + HEADER + length + FOOTER
        payload = bytes(view[offset + HEADER : end - FOOTER])
        try:
            event = Event.FromString(payload)
        except DecodeError:  # protobuf refuses what is no UTF-8 where the reader does not
            return offset, True
        if event.WhichOneof("what") == "file_version":
            self.versions += 1
            # Where files have openings of their own, no other is needed.
            return (offset, True) if self._files.opening is None else (end, False)
        answer = self._decide(event)
        if answer is True:
            return offset, True
        if isinstance(answer, bytes):
            self._replaced += 1
            self._files.write(0, frame(answer))
        else:
            self._refused += 1
        return end, False
