"""``query``: the result of SQL over the tables of logs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Unpack

from tbtools.tables.logs import OpenOptions, TableSet

if TYPE_CHECKING:
    import duckdb

__all__ = ["query"]


def query(
    sql: str,
    *paths: str | os.PathLike[str],
    params: object = None,
    sandbox: bool = False,
    memory_limit: str | int | None = None,
    time_limit: float | None = None,
    **options: Unpack[OpenOptions],
) -> duckdb.DuckDBPyRelation:
    """The result of a statement over the tables of logs: ``open(*paths, **options).query(sql)``.

    ``params`` and what follows are those of ``Logs.query``. Raises what these two raise.
    """
    return TableSet.open(*paths, **options).query(
        sql, params, sandbox=sandbox, memory_limit=memory_limit, time_limit=time_limit
    )
