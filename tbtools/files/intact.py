"""One event file → the bytes of its intact records, as they stand: what is copied, not decoded."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from tbtools.files.discovery import EventFile
from tbtools.files.health import FileHealth
from tbtools.files.scans import EventReader, OnDamage, Progress, ScanOptions

__all__ = ["intact"]

#: Nothing is decoded, everything is read and checked.
OPTIONS = ScanOptions(fields=(), payloads=(), windows=2, whole=True)


def intact(
    file: EventFile, health: FileHealth, on_damage: OnDamage, progress: Progress | None = None
) -> Iterator[tuple[int, memoryview]]:
    """The records of a file that are whole and good: (offset, bytes) of each stretch of them.

    Offsets are in the file, or in what a packed one holds. A stretch is a few MiB, or a larger
    record; it may be used until the next is asked for. What lies between is told in ``health``.
    Raises DamageError as the reader does.
    """
    reader = EventReader(file, health, OPTIONS, on_damage, progress)
    try:
        for scan in reader.read():
            if not scan.records:
                continue
            begin = scan.found
            for damage in pa.record_batch(scan.damages).to_pylist() if len(scan.damages) else ():
                if damage["offset"] > begin:
                    yield begin, reader.window(begin, damage["offset"])
                begin = damage["offset"] + damage["size"]
            if scan.offset > begin:
                yield begin, reader.window(begin, scan.offset)
    finally:
        reader.close()
