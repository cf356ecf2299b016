"""``tbtools export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tbtools.cli.options import (
    ExcludeTags,
    Force,
    Logdirs,
    MoreLogdirs,
    OnDamageOption,
    Restarts,
    Runs,
    SafeCsv,
    Steps,
    Tables,
    Tags,
    opened,
)
from tbtools.cli.streams import note
from tbtools.errors import UsageError

if TYPE_CHECKING:
    from tbtools.verbs.export import Format


def export(
    logdirs: Logdirs = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="OUT", help="A folder to make; for --duckdb, a file."
        ),
    ] = None,
    media: Annotated[
        Path | None,
        typer.Option(
            "--media", metavar="DIR", help="A folder to make, for images, audio and text as files."
        ),
    ] = None,
    parquet: Annotated[bool, typer.Option("--parquet", help="Parquet (the default).")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="A CSV file per table.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="A JSONL file per table.")] = False,
    arrow: Annotated[bool, typer.Option("--arrow", help="Arrow IPC files.")] = False,
    duckdb: Annotated[bool, typer.Option("--duckdb", help="One DuckDB database.")] = False,
    table: Tables = None,
    wide: Annotated[bool, typer.Option("--wide", help="Scalars, with a column per tag.")] = False,
    duplicates: Annotated[
        Literal["last", "first", "mean", "error"],
        typer.Option("--duplicates", help="With --wide: several values of a tag at one step."),
    ] = "last",
    run: Runs = None,
    tag: Tags = None,
    exclude_tag: ExcludeTags = None,
    steps: Steps = None,
    restarts: Restarts = "keep",
    on_damage: OnDamageOption = "skip",
    safe_csv: SafeCsv = False,
    force: Force = False,
    logdir: MoreLogdirs = None,
) -> None:
    """Write tables to Parquet, CSV, JSONL, Arrow or DuckDB: all that have rows, or --table.

    With one --table and an OUT that ends in .parquet, .csv, .jsonl or .arrow, a single file. With
    --media, files RUN/TAG/STEP.png, .wav, .md in DIR, and index.csv that says which is which.
    """
    if output is None and media is None:
        raise UsageError("say where to: -o OUT for tables, --media DIR for images, audio and text")
    if output is not None and media is not None:
        one, other = output.resolve(), media.resolve()
        if one == other:
            raise UsageError(f"{media} cannot be both the output and the folder of media")
        if other in one.parents:
            raise UsageError(f"{output} cannot lie in the folder of media, which is made at once")
    form = _format(parquet=parquet, csv=csv, jsonl=jsonl, arrow=arrow, duckdb=duckdb, output=output)
    with opened(logdirs, logdir, run, tag, exclude_tag, steps, restarts, on_damage) as logs:
        from tbtools.verbs.export import export as export_logs
        from tbtools.verbs.media import check_media
        from tbtools.verbs.media import media as write_media

        if media is not None:
            check_media(logs, media, table, force)
        if output is not None:
            done = export_logs(
                logs,
                output,
                format=form,
                tables=table,
                wide=wide,
                duplicates=duplicates,
                safe_csv=safe_csv,
                force=force,
            )
            for name, rows in done.rows.items():
                note(f"{name}: {rows:,} rows")
            if done.duplicates:
                note(f"{done.duplicates:,} duplicates: kept {duplicates}")
        if media is not None:
            for name, files in write_media(logs, media, tables=table, force=force).files.items():
                note(f"{name}: {files:,} files")


def _format(*, output: Path | None, **flags: bool) -> Format:
    """The one format that was asked for, or that the output's ending says."""
    asked = [name for name, wanted in flags.items() if wanted]
    if len(asked) > 1:
        raise UsageError(f"--{' and --'.join(asked)}: give one format")
    by_ending = "" if output is None else output.suffix.lower().removeprefix(".")
    if asked:
        return asked[0]  # type: ignore[return-value]  # the flags are the formats
    return by_ending if by_ending in flags else "parquet"  # type: ignore[return-value]
