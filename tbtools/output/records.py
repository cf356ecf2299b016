"""Single records of event files, made in Python: those that are rare, such as a file's first."""

from __future__ import annotations

import math
import struct

from tbtools import _core
from tbtools.proto.tfevents_pb2 import Event, SourceMetadata

__all__ = ["frame", "masked_crc", "name_of_file", "opening"]

#: What tbtools calls itself in the files that it writes, and in their names.
WRITER = "tbtools"


def frame(payload: bytes) -> bytes:
    """A record around a serialised event (docs/format.md, "Framing")."""
    length = struct.pack("<Q", len(payload))
    return b"".join((length, masked_crc(length), payload, masked_crc(payload)))


def masked_crc(data: bytes) -> bytes:
    """The CRC-32C of data as it stands in a record (docs/format.md, "Framing")."""
    crc = _core.crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def opening(wall_time: float) -> bytes:
    """The record that opens a file."""
    event = Event(
        wall_time=0.0 if math.isnan(wall_time) else wall_time,
        file_version="brain.Event:2",
        source_metadata=SourceMetadata(writer=WRITER),
    )
    return frame(event.SerializeToString())


def name_of_file(wall_time: float, number: int | None = None) -> str:
    """The name of a file of a run that begins at this time; numbered ones sort by their numbers."""
    seconds = 0 if math.isnan(wall_time) else int(min(max(wall_time, 0), 9999999999))
    end = "" if number is None else f".{number:05}"
    return f"events.out.tfevents.{seconds:010}.{WRITER}{end}"
