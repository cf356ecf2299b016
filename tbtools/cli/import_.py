"""``tbtools import``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from tbtools.cli.options import Force, Tables
from tbtools.cli.streams import note


def import_(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Parquet, CSV, JSONL, Arrow or DuckDB files, or exported datasets; NAME=FILE "
            "names the run.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="LOGDIR", help="A logdir to make.")
    ],
    table: Tables = None,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="NAME", help="The run, where there is no column that says."),
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option("--tag", metavar="NAME", help="The tag, where there is no column that says."),
    ] = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Keep scalars that float32 does not hold, as float64. TensorBoard's fast loader "
            "does not show them.",
        ),
    ] = False,
    force: Force = False,
) -> None:
    """Write tables to event files, which TensorBoard opens.

    Columns are those of a table (`tbtools query "DESCRIBE scalars"`), or step and a column per tag.
    """
    import pyarrow as pa

    from tbtools.cli.progress import Progress
    from tbtools.verbs.imports import import_files, imported_bytes

    # pyarrow takes the None that `main` has put in the place of pandas for pandas, but only once.
    with suppress(AttributeError):
        pa.scalar(0, pa.timestamp("ns")).as_py()
    with Progress() as progress:
        progress.total = imported_bytes(*files)
        done = import_files(
            *files,
            output=output,
            tables=table,
            run=run,
            tag=tag,
            exact=exact,
            force=force,
            progress=progress.advance,
        )
    for name, rows in done.rows.items():
        note(f"{name}: {rows:,} rows")
    if done.left_out:
        note(f'left out: {", ".join(done.left_out)} (docs/format.md, "Written again")')
    if done.rounded:
        note(f"{done.rounded:,} scalars were rounded to float32 (--exact keeps them)")
