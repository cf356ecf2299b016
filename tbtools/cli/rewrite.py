"""``tbtools rewrite``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tbtools.cli.options import (
    Force,
    Logdirs,
    MoreLogdirs,
    OnDamageOption,
    OutputFormat,
    Restarts,
    Runs,
    Steps,
    Tables,
    opened,
)
from tbtools.cli.streams import note
from tbtools.errors import UsageError

if TYPE_CHECKING:
    from tbtools.verbs.rewrite import Rewritten

MOST_RENAMES = 10  # that are named


def rewrite(
    logdirs: Logdirs = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT", help="A logdir to make.")
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(
            "--rename",
            metavar="PATTERN=NAME",
            help=r"Tags that a regular expression matches whole, as 'loss/(.*)=train/\1'; "
            "repeatable, the first that matches counts.",
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="GLOB", help="Only tags that match; repeatable."),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option("--drop", metavar="GLOB", help="No tags that match; repeatable."),
    ] = None,
    table: Tables = None,
    run: Runs = None,
    steps: Steps = None,
    time: Annotated[
        str | None,
        typer.Option(
            "--time",
            metavar="A..B",
            help="Only from A up to, not including, B: dates as 2025-10-31T15:28, or seconds "
            "since the epoch.",
        ),
    ] = None,
    shift_steps: Annotated[
        int, typer.Option("--shift-steps", metavar="N", help="Add this to each step.")
    ] = 0,
    scale_steps: Annotated[
        str,
        typer.Option(
            "--scale-steps",
            metavar="FACTOR",
            help="Multiply each step, before it is shifted; as 10 or 1/100, rounded down.",
        ),
    ] = "1",
    restarts: Restarts = "keep",
    split_by: Annotated[
        Literal["size", "run", "tag"] | None,
        typer.Option("--split-by", help="What goes to a file of its own."),
    ] = None,
    split_size: Annotated[
        int, typer.Option("--split-size", metavar="BYTES", help="Of a file, with --split-by size.")
    ] = 100_000_000,
    compact: Annotated[bool, typer.Option("--compact", help="One file per run.")] = False,
    drop_graph_constants: Annotated[
        bool,
        typer.Option("--drop-graph-constants", help="Take large constants' contents from graphs."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; say what would become of each run.")
    ] = False,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Change the logdir itself; needs --backup.")
    ] = False,
    backup: Annotated[
        Path | None,
        typer.Option("--backup", metavar="DIR", help="A folder to make for the old event files."),
    ] = None,
    on_damage: OnDamageOption = "skip",
    format: OutputFormat = None,
    force: Force = False,
    logdir: MoreLogdirs = None,
) -> None:
    r"""Write event files again, with other tags, steps or files.

    tbtools rewrite runs --rename 'loss/(.*)=train/\1' -o renamed

    What is not changed is copied byte for byte. Graphs, hyperparameters and layouts stay whatever
    their step and time, and their tags keep their names. --dry-run prints a row per run.
    """
    if in_place != (backup is not None):
        raise UsageError("--in-place and --backup DIR go together: old event files are kept there")
    if (output is not None) + in_place + dry_run != 1:
        raise UsageError("give one of -o OUT, --in-place --backup DIR, and --dry-run")
    if format is not None and not dry_run:
        raise UsageError("--format is for the rows of --dry-run")
    with opened(logdirs, logdir, run, None, None, steps, restarts, on_damage) as logs:
        from tbtools.cli.printer import print_rows
        from tbtools.verbs.rewrite import rewrite as rewrite_logs

        done = rewrite_logs(
            logs,
            output,
            rename=rename or (),
            keep=keep or (),
            drop=drop or (),
            tables=table,
            times=time,
            shift_steps=shift_steps,
            scale_steps=scale_steps,
            split_by=split_by,
            split_size=split_size,
            compact=compact,
            drop_graph_constants=drop_graph_constants,
            dry_run=dry_run,
            backup=backup,
            force=force,
        )
        if dry_run:
            print_rows(done.to_table().to_reader(), format, None, False, logs.inputs)
        _tell(done)


def _tell(done: Rewritten) -> None:
    renames = [(run, *pair) for run, names in done.renamed.items() for pair in names.items()]
    for run, old, new in renames[:MOST_RENAMES]:
        note(f"{run}: {old} is now {new}")
    if len(renames) > MOST_RENAMES:
        note(f"and {len(renames) - MOST_RENAMES:,} other tags")
    total = done.total
    empty = [run for run, copied in done.runs.items() if not copied.files_after]
    if empty:
        more = f" and {len(empty) - 1:,} more" if len(empty) > 1 else ""
        note(f"nothing is left of {empty[0]}{more}")
    if done.unknowable:
        note(
            f"{done.unknowable:,} values were overwritten by restarts, which the new files do not "
            "show (--restarts latest leaves them out)"
        )
    note(
        f"{total.events:,} events, {total.changed:,} changed, {total.dropped:,} left "
        f"out; {total.bytes:,} bytes are now {total.bytes_after:,}"
    )
