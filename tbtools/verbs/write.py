"""``write``: tables and data frames → event files that TensorBoard opens."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tbtools.errors import UsageError
from tbtools.output.event_rows import Written, target_of, targets, write_logdir
from tbtools.output.given import Given, Target, given, names_of, recognised
from tbtools.output.targets import check_target
from tbtools.tables.logdir import all_specs

__all__ = ["Written", "write"]

TAGS = "tags"


def write(
    data: Any,
    logdir: str | os.PathLike[str],
    *,
    table: str | None = None,
    run: str | None = None,
    tag: str | None = None,
    exact: bool = False,
    force: bool = False,
) -> Written:
    """Write rows of a table to a new logdir, an event file per run.

    ``data`` is a table of pyarrow, polars (lazy, too), pandas or DuckDB, one of ``open(...)``, or a
    mapping of names to columns. Its columns are those of one of the tables of docs/tables.md, which
    is recognised by them, or named by ``table``; or else ``step`` and a column of numbers per tag.
    It may also be a mapping of names of tables to such data: then the tables of a run are merged by
    ``wall_time``, and ``tags`` says display names and descriptions.

    ``run`` and ``tag`` stand for the columns of these names where they are missing; without them,
    the run is the logdir itself. Without ``wall_time``, the time is now. Rows stay in their order.
    Scalars are rounded to float32, as TensorBoard shows them; with ``exact``, those that it does
    not hold are written as float64, which TensorBoard's fast loader passes over. Memory does not
    grow with the number of rows.

    Raises UsageError or one of its kind for what makes no sense, TargetExistsError without
    ``force``, and NothingFoundError if there are no rows.
    """
    target = Path(logdir)
    check_target(target, (), force, folder=True)
    tables: list[tuple[Target, Given]] = []
    names = {}
    if isinstance(data, Mapping) and data and _names_tables(data):
        if table is not None:
            raise UsageError("these are several tables already: give no name of a table")
        for name, rows in data.items():
            if name == TAGS:
                names = names_of(row for batch in given(rows).batches for row in batch.to_pylist())
            else:
                tables.append((target_of(name, all_specs()), given(rows)))
    else:
        rows = given(data)
        if table is None:
            tables.append((recognised(rows.schema, targets(), tag), rows))
        else:
            tables.append((target_of(table, all_specs()), rows))
    tables = [(each, replace(rows, run=run, tag=tag)) for each, rows in tables]
    return write_logdir(tables, target, names=names, exact=exact, force=force)


def _names_tables(data: Mapping[Any, Any]) -> bool:
    """Whether these are tables by name, not columns."""
    # The type is asked, since a LazyFrame works out its columns when it is.
    if all(
        hasattr(type(rows), "columns") or hasattr(type(rows), "schema") for rows in data.values()
    ):
        return True
    named = data.keys() <= all_specs().keys()
    return named and all(isinstance(rows, Mapping) for rows in data.values())
