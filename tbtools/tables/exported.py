"""A dataset that ``export`` wrote, as tables again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from tbtools.errors import UsageError
from tbtools.tables.choice import Choice
from tbtools.tables.parallel import Survivors, TableSource

__all__ = ["MANIFEST", "READABLE", "is_exported", "open_exported", "read_manifest"]

#: Written last; a folder that has none is no dataset.
MANIFEST = "manifest.json"

READABLE = {"parquet": "parquet", "arrow": "ipc"}


def is_exported(path: str) -> bool:
    """Whether a dataset that tbtools wrote is at ``path``."""
    return read_manifest(path) is not None


def read_manifest(path: str) -> dict[str, Any] | None:
    """The manifest of the dataset at ``path``; None if there is none, or not one of tbtools."""
    try:
        manifest = json.loads((Path(path) / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and "tbtools" in manifest else None


def open_exported(path: str, choice: Choice) -> dict[str, TableSource]:
    """The tables of the dataset at ``path``.

    Raises UsageError for one whose format is not read back (only Parquet and Arrow keep types).
    """
    import pyarrow.dataset as pads

    manifest = read_manifest(path)
    if manifest is None or manifest["format"] not in READABLE:
        name = "no dataset" if manifest is None else f"a dataset of {manifest['format']} files"
        raise UsageError(f"{path!r} is {name}; only Parquet and Arrow can be opened again")
    form = READABLE[manifest["format"]]
    tables = {}
    for name, entry in manifest["tables"].items():
        files = [str(Path(path) / file) for file in entry["files"]]
        data = pads.dataset(files, format=form)
        tables[name] = TableSource(data.schema, partial(_batches, data, choice))
    return tables


def _batches(data: Any, choice: Choice, survivors: Survivors | None) -> Iterator[pa.RecordBatch]:
    # The filter itself is applied by the table; here it saves reading what cannot pass.
    for fragment in data.get_fragments():
        for batch in fragment.to_batches(schema=data.schema):
            yield choice.select(batch)
