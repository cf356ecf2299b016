"""Images, audio and text → files that any program opens, and a table that says which is which."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Unpack

import pyarrow as pa

from tbtools.errors import NothingFoundError, UsageError
from tbtools.output.safe_names import Folders, numbered_name
from tbtools.output.targets import check_target, staged
from tbtools.output.writers import CsvWriter
from tbtools.schema import KEYS
from tbtools.tables.logs import LogsOrPaths, OpenOptions, TableSet, opened
from tbtools.tables.manifest import MANIFEST, write_manifest

__all__ = ["INDEX", "MEDIA", "Media", "check_media", "media"]

#: The tables of which each row is a file.
MEDIA = ("images", "audio", "text")

#: Endings of files, by the column ``format`` of images and ``content_type`` of audio.
ENDINGS = {
    "png": "png",
    "jpeg": "jpg",
    "gif": "gif",
    "bmp": "bmp",
    "webp": "webp",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
}
OTHER = "bin"
TEXT = "md"  # what TensorBoard shows it as

INDEX = "index.csv"
INDEX_SCHEMA = pa.schema(
    [*KEYS, ("index", pa.int64()), ("table", pa.string()), ("path", pa.string())]
)


@dataclass
class Media:
    """What was written: the folder, and the number of files by table."""

    path: Path
    files: dict[str, int] = field(default_factory=dict)


def check_media(
    logs: TableSet, directory: str | os.PathLike[str], tables: Iterable[str] | None, force: bool
) -> list[str]:
    """The tables of which files can be written to ``directory``; raises as ``media``."""
    check_target(Path(directory), logs.inputs, force, folder=True)
    names = list(logs.tables if tables is None else dict.fromkeys(tables))
    for name in names:
        logs.schema_of(name)
    chosen = [name for name in MEDIA if name in names]
    if tables is not None and not chosen:
        raise UsageError(f"only {', '.join(MEDIA)} hold media, and none of them is wanted")
    return chosen


def media(
    logs: LogsOrPaths,
    directory: str | os.PathLike[str],
    *,
    tables: Iterable[str] | None = None,
    force: bool = False,
    **options: Unpack[OpenOptions],
) -> Media:
    """Write each image, sound and text to a file of its own, ``run/tag/step.png`` in ``directory``.

    Further values of a batch are ``step-1.png`` and so on, and what has the same step and place
    once more is ``step_2.png``. Names are made such that every file system takes them, none leaves
    the directory and no two series share one; ``index.csv`` has the run, tag, step, wall_time,
    index, table and path of each file. The bytes are those that were written, text is UTF-8.
    Files appear all at once, in memory that does not grow with their number. ``logs`` is what
    ``open`` gives or takes; ``options`` are those of ``open``.

    Raises UsageError for a directory inside a logdir or tables that hold no media,
    TargetExistsError without ``force``, and NothingFoundError if there is no file to write.
    """
    logs = opened(logs, options)
    names = check_media(logs, directory, tables, force)
    target = Path(directory)
    with staged(target, logs.inputs, force, folder=True) as folder:
        folder.mkdir()
        writer = _Writer(folder)
        index = CsvWriter(folder / INDEX, INDEX_SCHEMA, [])
        try:
            for name, batch in logs.scan(names):
                if batch.num_rows:
                    index.write(pa.Table.from_batches([writer.write(name, batch)]))
        finally:
            index.close()
        if not writer.files:
            raise NothingFoundError("no images, audio or text to write")
        write_manifest(folder, "media", writer.files, {})
    return Media(target, writer.files)


class _Writer:
    """Writes rows to files below a folder."""

    def __init__(self, root: Path) -> None:
        self.files: dict[str, int] = {}
        self._root = root
        self._folders = Folders(taken=(INDEX, MANIFEST))
        self._made: set[str] = set()
        self._copies: dict[str, int] = {}  # of files of which there are several

    def write(self, table: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Write the rows of a batch; the rows of the index for them."""
        runs, tags, steps, indices = (
            batch[name].to_pylist() for name in ("run", "tag", "step", "index")
        )
        values = batch["value"].cast(pa.binary()) if table == "text" else batch["data"]
        rows = zip(runs, tags, steps, indices, values, _endings(table, batch), strict=True)
        paths = []
        for run, tag, step, index, value, ending in rows:
            folder = self._folders.of(run, tag)
            if folder not in self._made:
                (self._root / folder).mkdir(parents=True, exist_ok=True)
                self._made.add(folder)
            paths.append(self._put(folder, step, index, ending, value.as_buffer()))
        self.files[table] = self.files.get(table, 0) + len(paths)
        columns = {
            **{field.name: batch[field.name].cast(field.type) for field in KEYS},
            "index": batch["index"],
            "table": pa.repeat(pa.scalar(table), len(paths)),
            "path": pa.array(paths, pa.string()),
        }
        return pa.record_batch(columns, schema=INDEX_SCHEMA)

    def _put(self, folder: str, step: int, index: int, ending: str, data: pa.Buffer) -> str:
        first = f"{folder}/{numbered_name(step, index, 1, ending)}"
        for copy in count(self._copies.get(first, 0) + 1):
            path = f"{folder}/{numbered_name(step, index, copy, ending)}"
            try:
                file = (self._root / path).open("xb")
            except FileExistsError:
                continue
            with file:
                file.write(data)
            break
        if copy > 1:
            self._copies[first] = copy
        return path


def _endings(table: str, batch: pa.RecordBatch) -> Iterator[str]:
    """The ending of the file of each row."""
    if table == "text":
        yield from [TEXT] * batch.num_rows
    else:
        kinds = batch["format" if table == "images" else "content_type"].to_pylist()
        yield from (ENDINGS.get(kind, OTHER) for kind in kinds)
