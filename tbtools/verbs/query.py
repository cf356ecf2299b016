"""``query``: the result of SQL over the tables of logs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tbtools.tables.logs import open as open_logs

if TYPE_CHECKING:
    import duckdb

__all__ = ["query"]


def query(
    sql: str, *paths: str | os.PathLike[str], params: object = None, **options: Any
) -> duckdb.DuckDBPyRelation:
    """The result of a statement over the tables of logs: ``open(*paths, **options).query(sql)``.

    Raises what these two raise.
    """
    return open_logs(*paths, **options).query(sql, params)
