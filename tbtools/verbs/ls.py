"""What logs hold, for people: the tables ``runs`` and ``tags``, in full or in brief."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.errors import NothingFoundError, UsageError
from tbtools.tables.logs import TableSet

__all__ = ["brief", "listing"]


def listing(logs: TableSet, table: str = "runs") -> pa.Table:
    """The rows of ``runs`` or ``tags``, sorted by run and tag.

    Raises NothingFoundError if there are none, UsageError for a dataset that was exported
    without that table.
    """
    if table not in logs:
        raise UsageError(
            f"this dataset was exported without the table {table!r}; "
            f"it has {', '.join(logs.tables)}, which `tbtools query` reads"
        )
    rows = logs[table].to_table().unify_dictionaries()
    if not rows.num_rows:
        raise NothingFoundError("no tag matches" if table == "tags" else "no run matches")
    keys = [(name, "ascending") for name in ("run", "tag", "table") if name in rows.schema.names]
    plain = pa.table({name: rows[name].cast(pa.string()) for name, _ in keys})
    return rows.take(pc.sort_indices(plain, keys))


def brief(rows: pa.Table) -> pa.Table:
    """The columns that people look at, some of them joined."""
    steps = _joined(rows["first_step"], rows["last_step"])
    if "tag" in rows.schema.names:
        names = ("run", "tag", "table", "points")
        return pa.table(
            {**{name: rows[name] for name in names}, "steps": steps, "last_time": rows["last_time"]}
        )
    tables = pc.binary_join(rows["tables"], " ")
    return pa.table(
        {
            "run": rows["run"],
            "tags": rows["tags"],
            "points": rows["points"],
            "steps": steps,
            "last_time": rows["last_time"],
            "tables": tables,
            "restarts": pa.array(map(_restarts, rows.to_pylist()), pa.string()),
            "damaged": rows["damaged"],
        }
    )


def _joined(first: pa.ChunkedArray, last: pa.ChunkedArray) -> pa.ChunkedArray:
    ends = (first.cast(pa.string()), last.cast(pa.string()))
    return pc.binary_join_element_wise(*ends, "..")


def _restarts(row: dict[str, int]) -> str | None:
    """How many rows each policy would drop."""
    if row["segments"] < 2 and not row["purged_rows"]:
        return None
    return (
        f"{row['segments']} segments; latest drops {row['restarted_rows']}, "
        f"tensorboard {row['purged_rows']}"
    )
