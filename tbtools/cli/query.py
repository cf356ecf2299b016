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
    from tbtools.tables.interrupts import interruptible
    from tbtools.tables.sql import stream

    statement, inputs = _statement(sql)
    format_for(format, output)
    with (
        opened(logdirs, logdir, run, tag, exclude_tag, steps, restarts, on_damage) as logs,
        interruptible(logs.interrupt),
    ):
        rows = stream(logs.query(statement), logs, statement)
        print_rows(rows, format, output, force, (*logs.inputs, *inputs))


def _statement(argument: str) -> tuple[str, tuple[str, ...]]:
    """The statement, and the file that it is from, if any."""
    if argument == "-":
        return _decoded(sys.stdin.buffer.read(), "stdin"), ()
    path = Path(argument)
    try:
        is_folder = path.stat() and path.is_dir()
    except (OSError, ValueError) as error:  # too long for a path, say, so it is a statement
        if argument.endswith(".sql"):
            raise UsageError(f"there is no file {argument!r}") from error
        return argument, ()
    if is_folder:
        raise UsageError(f"{argument!r} is a folder; give a statement, or a file that holds one")
    try:
        return _decoded(path.read_bytes(), repr(argument)), (argument,)
    except OSError as error:
        raise UsageError(f"cannot read {argument!r}: {error.strerror or error}") from error


def _decoded(data: bytes, source: str) -> str:
    try:
        statement = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = f"byte {data[error.start]:#x} at offset {error.start}"
        raise UsageError(f"{source} is not UTF-8, which SQL has to be: {at}") from error
    if not statement.strip():
        raise UsageError(f"{source} holds no statement")
    return statement
