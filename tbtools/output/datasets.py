"""Streams of batches → a new Parquet dataset, as ``export`` writes it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from tbtools.errors import NothingFoundError
from tbtools.output.sorting import SortedChunks, sort_keys
from tbtools.output.targets import staged
from tbtools.output.writers import ParquetWriter
from tbtools.tables.manifest import write_manifest

__all__ = ["write_dataset"]

FORMAT = "parquet"


def write_dataset(
    tables: Iterable[tuple[str, pa.Schema, Iterable[pa.RecordBatch]]],
    target: Path,
    *,
    inputs: Iterable[str] = (),
    force: bool = False,
) -> dict[str, int]:
    """Write tables one after the other to a folder; gives the rows of those that have any.

    Raises as ``staged``, and NothingFoundError if there are no rows.
    """
    rows: dict[str, int] = {}
    files: dict[str, list[str]] = {}
    with staged(target, inputs, force, folder=True) as folder:
        folder.mkdir()
        for name, schema, batches in tables:
            writer: ParquetWriter | None = None
            for batch in batches:
                if writer is None:
                    (folder / name).mkdir()
                    files[name] = [f"{name}/part-0.{FORMAT}"]
                    writer = ParquetWriter(folder / files[name][0], schema, sort_keys(schema))
                    chunks = SortedChunks(writer.write)
                chunks.add(batch)
            if writer is not None:
                chunks.flush()
                writer.close()
                rows[name] = chunks.rows
        if not rows:
            raise NothingFoundError("nothing to write: there are no rows")
        write_manifest(folder, FORMAT, rows, files)
    return rows
