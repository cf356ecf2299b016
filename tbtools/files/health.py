"""What a file gave, and what was lost in it. Damage is data here, not an error."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import pyarrow as pa
from google.protobuf.message import DecodeError

from tbtools.proto.tfevents_pb2 import SourceMetadata

__all__ = ["DAMAGES", "KEPT_DAMAGES", "Damage", "FileHealth", "note_writer"]

KEPT_DAMAGES = 1000  # of one file; beyond that only counts go on

#: The kinds of damage, in words.
DAMAGES = {
    "bad_data": "wrong data CRC",
    "bad_event": "not an Event",
    "bad_length": "wrong length CRC",
    "torn": "record cut off",
    "stream": "broken compression",
}


@dataclass(frozen=True)
class Damage:
    """A stretch of a file that could not be read. Offsets and sizes are in bytes."""

    offset: int
    size: int
    kind: str

    @property
    def what(self) -> str:
        """The kind in words."""
        return DAMAGES[self.kind]

    def __str__(self) -> str:
        return f"{self.what} at offset {self.offset}, {self.size} bytes skipped"


@dataclass
class FileHealth:
    """What one event file gave, and what it did not. Sizes are in bytes."""

    run: str
    path: str
    bytes: int = 0
    events: int = 0
    file_version: str | None = None
    writer: str | None = None
    damaged_records: int = 0  # or stretches of which the number of records is not known
    skipped_bytes: int = 0
    pending_bytes: int = 0  # of a record at the end that is not complete yet
    unread_bytes: int = 0  # of records that nobody asked for: neither read nor checked
    undecoded: int = 0  # values whose payload is not what their plugin promises
    damages: list[Damage] = field(default_factory=list)
    unreadable: str | None = None

    @property
    def status(self) -> str:
        """``unreadable``, ``damaged``, ``pending``, ``empty`` or ``ok``; the first that is true."""
        if self.unreadable is not None:
            return "unreadable"
        if self.damaged_records:
            return "damaged"
        if self.pending_bytes:
            return "pending"
        return "ok" if self.events else "empty"

    @property
    def is_lossy(self) -> bool:
        """Whether anything that was written is missing from the tables."""
        return bool(self.damaged_records or self.undecoded or self.unreadable is not None)

    @property
    def first_error(self) -> str | None:
        """What was damaged first, as text."""
        if self.unreadable is not None:
            return self.unreadable
        return str(self.damages[0]) if self.damages else None

    def add(self, damage: Damage) -> None:
        """Count a damaged stretch."""
        self.damaged_records += 1
        self.skipped_bytes += damage.size
        if len(self.damages) < KEPT_DAMAGES:
            self.damages.append(damage)

    def add_all(self, damages: pa.RecordBatch, size: int) -> None:
        """Count damaged stretches (offset, size, kind), of ``size`` bytes in all."""
        self.damaged_records += damages.num_rows
        self.skipped_bytes += size
        told = damages.slice(0, max(0, KEPT_DAMAGES - len(self.damages)))
        self.damages += [Damage(**each) for each in told.to_pylist()]

    def copy(self) -> FileHealth:
        """What is known now, whatever is found later."""
        return replace(self, damages=list(self.damages))

    def retract(self, damage: Damage) -> None:
        """Undo ``add``."""
        self.damaged_records -= 1
        self.skipped_bytes -= damage.size
        if self.damages and self.damages[-1] is damage:
            self.damages.pop()


def note_writer(health: FileHealth, version: bytes | None, source_metadata: bytes | None) -> None:
    """Keep the first file_version and the first writer that events name."""
    if health.file_version is None and version is not None:
        health.file_version = version.decode("utf-8", "replace")
    if health.writer is None and source_metadata:
        health.writer = _writer_of(source_metadata)


@lru_cache(maxsize=64)
def _writer_of(source_metadata: bytes) -> str | None:
    try:
        return SourceMetadata.FromString(source_metadata).writer or None
    except DecodeError:
        return None
