"""Tables → the files of a dataset, and whole datasets from streams of batches."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa

from tbtools.errors import NothingFoundError
from tbtools.output.sorting import SortedChunks, sort_keys
from tbtools.output.targets import staged
from tbtools.output.writers import SUFFIXES, WRITERS, TableWriter
from tbtools.tables.manifest import write_manifest

__all__ = ["TableFiles", "write_dataset"]

FORMAT = "parquet"
FOLDERS = ("parquet", "arrow")  # formats of which a dataset has a folder per table


class TableFiles:
    """A new folder with a folder or a file per table, or a ``single`` file.

    ``files`` are those of each table, relative to the folder; ``safe_csv``: see CsvWriter.
    """

    def __init__(
        self, path: Path, format: str, single: bool = False, safe_csv: bool = False
    ) -> None:
        self.files: dict[str, list[str]] = {}
        self._open = ExitStack()
        self._path = path
        self._format = format
        self._single = single
        self._options = {"safe": True} if safe_csv else {}
        if not single:
            path.mkdir()

    def open(self, name: str, schema: pa.Schema) -> TableWriter:
        """A writer for a table."""
        suffix = SUFFIXES[self._format]
        file = f"{name}/part-0{suffix}" if self._format in FOLDERS else f"{name}{suffix}"
        path = self._path if self._single else self._path / file
        path.parent.mkdir(exist_ok=True)
        writer: TableWriter = WRITERS[self._format](
            path, schema, sort_keys(schema), **self._options
        )
        self._open.callback(writer.close)
        self.files[name] = [file]
        return writer

    def close(self) -> None:
        """Finish all files."""
        self._open.close()


def write_dataset(
    tables: Iterable[tuple[str, pa.Schema, Iterable[pa.RecordBatch]]],
    target: Path,
    *,
    inputs: Iterable[str] = (),
    force: bool = False,
) -> dict[str, int]:
    """Write tables one after the other to a Parquet dataset; gives the rows of those that have any.

    Raises as ``staged``, and NothingFoundError if there are no rows.
    """
    rows: dict[str, int] = {}
    with staged(target, inputs, force, folder=True) as folder:
        files = TableFiles(folder, FORMAT)
        try:
            for name, schema, batches in tables:
                chunks: SortedChunks | None = None
                for batch in batches:
                    if chunks is None:
                        chunks = SortedChunks(files.open(name, schema).write)
                    chunks.add(batch)
                if chunks is not None:
                    chunks.flush()
                    rows[name] = chunks.rows
        finally:
            files.close()
        if not rows:
            raise NothingFoundError("nothing to write: there are no rows")
        write_manifest(folder, FORMAT, rows, files.files)
    return rows
