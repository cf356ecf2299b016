"""``ls``: what logs hold. The tables ``runs`` and ``tags`` in order, in full or in brief."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.errors import NothingFoundError, UnknownNameError, UsageError
from tbtools.tables.logs import LogsOrPaths, OpenOptions, opened

__all__ = ["DROPPED", "brief", "brief_for_eyes", "check_limit", "in_order", "ls"]

KEYS = ("run", "tag", "table")
#: What can be sorted by beside the columns themselves.
SORTS = {
    "steps": "last_step",
    "time": "last_time",
    "restarts": "restarted_rows",
    "damage": "damaged",
}
#: The names on a terminal of the columns that count what a restart policy drops.
DROPPED = {"restarted": "restarted_rows", "purged": "purged_rows"}


def ls(
    logs: LogsOrPaths,
    *,
    tags: bool = False,
    sort: str | None = None,
    limit: int | None = None,
    **options: Unpack[OpenOptions],
) -> pa.Table:
    """The rows of ``runs``, or with ``tags`` of ``tags``, sorted by run and tag.

    ``sort`` names a column, or one of steps, time, restarts and damage: numbers and times with the
    largest first, names in their order, what has none last. ``limit`` keeps the first rows only.
    ``logs`` is what ``open`` gives or takes; ``options`` are those of ``open``.

    Raises NothingFoundError if there are none, UnknownNameError for a ``sort`` that is no column,
    and UsageError for a limit below 1 and for a dataset that was exported without that table.
    """
    check_limit(limit)
    logs = opened(logs, options)
    table = "tags" if tags else "runs"
    if table not in logs:
        raise UsageError(
            f"this dataset was exported without the table {table!r}; "
            f"it has {', '.join(logs.tables)}, which `tbtools query` reads"
        )
    _sort_column(logs[table].schema, sort)
    rows = logs[table].to_table().unify_dictionaries()
    if not rows.num_rows:
        raise NothingFoundError("no tag matches" if tags else "no run matches")
    rows = in_order(rows, sort)
    return rows if limit is None else rows.slice(0, limit)


def check_limit(limit: int | None) -> None:
    """Raise UsageError for a limit that leaves nothing."""
    if limit is not None and limit < 1:
        raise UsageError(f"a limit of {limit} leaves nothing to list; it has to be 1 or more")


def in_order(rows: pa.Table, sort: str | None) -> pa.Table:
    """The rows as ``ls`` sorts them. Raises UnknownNameError."""
    by = _sort_column(rows.schema, sort)
    names = [name for name in (by, *KEYS) if name in rows.schema.names]
    plain = {name: rows[name] for name in names}
    for name in names:
        if pa.types.is_dictionary(rows[name].type):
            plain[name] = rows[name].cast(pa.string())
    down = by is not None and not _is_text(plain[by].type)
    keys = [
        (name, "descending" if name == by and down else "ascending")
        for name in dict.fromkeys(names)
    ]
    return rows.take(pc.sort_indices(pa.table(plain), keys))


def _sort_column(schema: pa.Schema, sort: str | None) -> str | None:
    columns = {field.name: field.name for field in schema if not pa.types.is_nested(field.type)}
    known = columns | {name: own for name, own in SORTS.items() if own in columns}
    if sort is not None and sort not in known:
        raise UnknownNameError("column to sort by", sort, known)
    return None if sort is None else known[sort]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def brief(rows: pa.Table) -> pa.Table:
    """The columns that people look at, some of them joined."""
    columns = _common(rows)
    if "tag" in columns:
        return pa.table(columns)
    columns["tables"] = pc.binary_join(rows["tables"], " ")
    columns["restarts"] = pa.array(map(_restarts, rows.to_pylist()), pa.string())
    columns["damaged"] = rows["damaged"]
    return pa.table(columns)


def brief_for_eyes(rows: pa.Table) -> pa.Table:
    """The same for a terminal: restarts are two numbers, nothing is null, scalars come first."""
    columns = _common(rows)
    if "tag" in columns:
        return pa.table(columns)
    tables = map(_scalars_first, rows["tables"].to_pylist())
    columns["tables"] = pa.array(tables, pa.string())
    for name, source in DROPPED.items():
        columns[name] = _without_zeros(rows[source])
    columns["damaged"] = _without_zeros(rows["damaged"])
    return pa.table(columns)


def _without_zeros(counts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.greater(counts, 0), counts, None)


def _common(rows: pa.Table) -> dict[str, pa.ChunkedArray]:
    names = ("run", "tag", "table", "points") if "tag" in rows.schema.names else _RUN_NAMES
    steps = _joined(rows["first_step"], rows["last_step"])
    return {
        **{name: rows[name] for name in names},
        "steps": steps,
        "last_time": rows["last_time"],
    }


_RUN_NAMES = ("run", "tags", "points")


def _joined(first: pa.ChunkedArray, last: pa.ChunkedArray) -> pa.ChunkedArray:
    ends = (first.cast(pa.string()), last.cast(pa.string()))
    return pc.binary_join_element_wise(*ends, "..")


def _scalars_first(tables: Iterable[str]) -> str:
    return " ".join(sorted(tables, key=lambda table: (table != "scalars", table)))


def _restarts(row: dict[str, int]) -> str | None:
    """How many rows each policy would drop."""
    if row["segments"] < 2 and not row["purged_rows"]:
        return None
    return (
        f"{row['segments']} segments; latest drops {row['restarted_rows']}, "
        f"tensorboard {row['purged_rows']}"
    )
