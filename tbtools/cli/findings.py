"""Findings as people look at them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.cli.printer import is_for_eyes, print_rows
from tbtools.cli.terminal import Look

__all__ = ["print_findings"]

#: What is left out last comes first.
IMPORTANCE = ("what", "run", "offset", "size", "damage", "detail", "path")
#: What is left out if it is empty.
OPTIONAL = ("detail", "damage", "size")

LOOK = Look(IMPORTANCE, (), OPTIONAL)


def print_findings(
    rows: Iterator[pa.RecordBatch],
    schema: pa.Schema,
    format: str | None,
    output: Path | None,
    force: bool,
    inputs: tuple[str, ...],
) -> None:
    """Print findings of this schema; nothing to people if there are none."""
    is_seen = is_for_eyes(format, output)
    batches = (_for_eyes(batch) if is_seen else batch for batch in rows)
    first = next(batches, None)
    if first is None and is_seen:
        return
    if first is not None:
        schema = first.schema
    whole = pa.RecordBatchReader.from_batches(schema, chain(filter(None, [first]), batches))
    print_rows(whole, format, output, force, inputs, LOOK)


def _for_eyes(batch: pa.RecordBatch) -> pa.RecordBatch:
    """What people look at: details tell the number of records."""
    names = ("run", "path", "offset", "size", "what", "detail")
    columns = {name: batch[name] for name in names}
    return pa.RecordBatch.from_pydict(
        {**columns, "damage": pc.if_else(batch["damage"], "yes", None)}
    )
