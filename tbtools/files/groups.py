"""Small files, read and scanned together: what a call costs is paid once for a few MiB of them.

A file of a group is read whole, up to its size when it was listed. One that is damaged, packed,
not complete, unreadable or shorter than that gives nothing here: scans.py reads it.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import pyarrow as pa

from tbtools import _core
from tbtools.files.discovery import EventFile
from tbtools.files.growth import Seen
from tbtools.files.health import FileHealth, note_writer
from tbtools.files.scans import Progress, ScanOptions, name_set

__all__ = ["FileGroup", "grouped", "is_group", "read_group", "uncollected"]

GROUP = 1 << 22  # bytes of files that are scanned together; measured: more leave the cache
MOST_FILES = 1 << 12

# A new buffer costs more than what is read into it.
_spare = threading.local()

T = TypeVar("T")


def grouped(files: Iterable[tuple[T, EventFile]]) -> Iterator[list[tuple[T, EventFile]]]:
    """Files in their order, put together to groups; a large one is alone."""
    group: list[tuple[T, EventFile]] = []
    size = 0
    for each in files:
        file = each[1]
        if group and (size + file.size > GROUP or len(group) == MOST_FILES):
            yield group
            group, size = [], 0
        group.append(each)
        size += file.size
    if group:
        yield group


def is_group(size: int, files: int) -> bool:
    """Whether so many files of so many bytes are read together."""
    return size <= GROUP and files <= MOST_FILES


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for garbage meanwhile, in any thread: for short work that makes many objects."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@dataclass
class FileGroup:
    """What was read of some files.

    ``numbers`` says which of the files each of the scan is. ``health`` and ``metadata`` (a tag's
    first SummaryMetadata that names a plugin, else its first) are by file of the scan; None if it
    gave nothing and has to be read by itself, as those that have no number.
    """

    scan: _core.Group
    numbers: list[int]
    ends: list[tuple[int, int]]  # of the points and of the rows of each file
    health: list[FileHealth | None]
    metadata: list[dict[str, bytes]]
    seen: list[Seen] = field(default_factory=list)  # if asked for


def read_group(
    files: Sequence[tuple[str, EventFile]],
    options: ScanOptions,
    skip: _core.NameSet | None = None,
    progress: Progress | None = None,
    summed: bool = False,
) -> FileGroup:
    """Read files, given with the names of their runs; ``skip`` are tags that nobody wants.

    ``summed`` asks for what tells later whether they go on.
    """
    total = sum(file.size for _, file in files)
    buffer: bytearray = getattr(_spare, "buffer", bytearray())
    if len(buffer) < total:
        buffer = bytearray(max(total, GROUP))
    _spare.buffer = buffer
    storage = files[0][1].storage
    got = storage.read_many([(file.path, file.size) for _, file in files], buffer)
    numbers: list[int] = []
    extents: list[tuple[int, int]] = []
    begin = 0
    for number, ((_, file), is_whole) in enumerate(zip(files, got, strict=True)):
        if is_whole:
            numbers.append(number)
            extents.append((begin, file.size))
        begin += file.size
    scan = _core.scan_many(
        buffer,
        extents,
        offsets=options.offsets,
        fields=options.fields,
        payloads=options.payloads,
        heads=options.heads,
        largest=options.largest,
        plugins=name_set(options.plugins),
        head_plugins=name_set(options.head_plugins),
        skip=skip,
    )
    group = FileGroup(scan, numbers, [], [], _metadata(scan, len(numbers)))
    if summed:
        with memoryview(buffer) as whole:
            group.seen = [Seen.of(whole[begin : begin + size]) for begin, size in extents]
    for number, (is_whole, records, points, rows, version, source) in zip(
        numbers, scan.files, strict=True
    ):
        group.ends.append((points, rows))
        run, file = files[number]
        health = None
        if is_whole:
            health = FileHealth(run, file.path, bytes=file.size, events=records)
            note_writer(health, version, source)
            if progress is not None:
                progress(file.size)
        group.health.append(health)
    return group


def _metadata(scan: _core.Group, files: int) -> list[dict[str, bytes]]:
    found: list[dict[str, bytes]] = [{} for _ in range(files)]
    tags = pa.record_batch(scan.tags)
    if tags["metadata"].null_count < tags.num_rows:
        tags = tags.filter(tags["metadata"].is_valid())
        columns = (tags[name].to_pylist() for name in ("file", "tag", "metadata"))
        for file, tag, metadata in zip(*columns, strict=True):
            found[file][tag] = metadata
    return found
