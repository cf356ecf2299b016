"""The columns that tables share."""

from __future__ import annotations

import pyarrow as pa

__all__ = ["KEYS", "LABEL", "key_fields", "plain", "plain_schema"]

#: Few distinct strings over many rows: runs, tags, names of fields and plugins.
LABEL = pa.dictionary(pa.int32(), pa.string())

#: The key columns of a table that has a row per logged point. ``step`` is the writer's;
#: ``wall_time`` is in seconds since the epoch, exactly as written, NaN and all.
KEYS = (
    pa.field("run", LABEL, nullable=False),
    pa.field("tag", LABEL),
    pa.field("step", pa.int64(), nullable=False),
    pa.field("wall_time", pa.float64(), nullable=False),
)


def key_fields(*names: str) -> list[pa.Field]:
    """The key columns of these names, in the order of KEYS."""
    return [field for field in KEYS if field.name in names]


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The same columns with strings where there are dictionaries."""
    return pa.schema(
        [
            field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
            for field in schema
        ],
        schema.metadata,
    )


def plain(table: pa.Table) -> pa.Table:
    """The same rows with strings where there are dictionaries, which differ from batch to batch."""
    return table.cast(plain_schema(table.schema))
