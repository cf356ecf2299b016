"""``tbtools query``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tbtools.cli.options import (
    ExcludeTags,
    Force,
    Logdirs,
    MoreLogdirs,
    OnDamageOption,
    Output,
    OutputFormat,
    Restarts,
    Runs,
    Steps,
    Tags,
    opened,
)
from tbtools.errors import UsageError


def query(
    sql: Annotated[
        str,
        typer.Argument(metavar="SQL", help="A statement, a file that holds one, or - for stdin."),
    ],
    logdirs: Logdirs = None,
    run: Runs = None,
    tag: Tags = None,
    exclude_tag: ExcludeTags = None,
    steps: Steps = None,
    restarts: Restarts = "keep",
    on_damage: OnDamageOption = "skip",
    format: OutputFormat = None,
    output: Output = None,
    force: Force = False,
    logdir: MoreLogdirs = None,
) -> None:
    """Query the tables with SQL (DuckDB's). SHOW TABLES lists them, DESCRIBE explains one.

    Only tables that the statement names are read.
    """
    from tbtools.cli.printer import format_for, print_rows
    from tbtools.tables.sql import stream

    statement = _statement(sql)
    format_for(format, output)
    with opened(logdirs, logdir, run, tag, exclude_tag, steps, restarts, on_damage) as logs:
        print_rows(
            stream(logs.query(statement), logs, statement), format, output, force, logs.paths
        )


def _statement(argument: str) -> str:
    if argument == "-":
        return sys.stdin.read()
    try:
        if Path(argument).is_file():
            return Path(argument).read_text("utf-8")
    except OSError:
        pass  # too long for a path, so it is a statement
    if argument.endswith(".sql"):
        raise UsageError(f"there is no file {argument!r}")
    return argument
