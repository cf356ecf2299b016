"""A dataset that ``export`` wrote, as tables again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyarrow as pa

from tbtools.errors import UsageError
from tbtools.tables.choice import Choice
from tbtools.tables.manifest import read_manifest
from tbtools.tables.parallel import Survivors, TableSource

__all__ = ["READABLE", "inputs_of", "is_exported", "open_exported"]

READABLE = {"parquet": "parquet", "arrow": "ipc"}


def is_exported(path: str) -> bool:
    """Whether a dataset that tbtools wrote is at ``path``. Raises as ``read_manifest``."""
    return read_manifest(path) is not None


def inputs_of(path: str) -> tuple[str, ...]:
    """The folders and files of the dataset at ``path`` that are read, and the folder itself."""
    manifest = read_manifest(path)
    return (path,) if manifest is None else manifest.paths


def open_exported(path: str, choice: Choice) -> dict[str, TableSource]:
    """The tables of the dataset at ``path``.

    Raises UsageError for one that is damaged, or whose format is not read back (only Parquet and
    Arrow keep types).
    """
    import pyarrow.dataset as pads

    manifest = read_manifest(path)
    if manifest is None or manifest.format not in READABLE:
        name = "no dataset" if manifest is None else f"a dataset of {manifest.format} files"
        raise UsageError(f"{path!r} is {name}; only Parquet and Arrow can be opened again")
    manifest.check()
    form = READABLE[manifest.format]
    tables = {}
    for name, names in manifest.tables.items():
        with _reading(path):
            data = pads.dataset([str(manifest.folder / each) for each in names], format=form)
        tables[name] = TableSource(data.schema, partial(_batches, path, data, choice))
    return tables


@contextmanager
def _reading(path: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowInvalid) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"the dataset {path!r} is damaged: {reason} (export it again)") from error


def _batches(
    path: str, data: Any, choice: Choice, survivors: Survivors | None
) -> Iterator[pa.RecordBatch]:
    # The filter itself is applied by the table; here it saves reading what cannot pass.
    for fragment in data.get_fragments():
        batches = fragment.to_batches(schema=data.schema)
        while True:
            with _reading(path):
                batch = next(batches, None)
            if batch is None:
                break
            yield choice.select(batch)
