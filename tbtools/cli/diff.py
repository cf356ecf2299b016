"""``tbtools diff``."""

from __future__ import annotations

from typing import Annotated

import typer

from tbtools.cli.options import (
    ExcludeTags,
    Force,
    OnDamageOption,
    Output,
    OutputFormat,
    Restarts,
    Runs,
    Steps,
    Tables,
    Tags,
    opened,
)


def diff(
    a: Annotated[
        str, typer.Argument(metavar="A", help="A logdir, an event file or an exported dataset.")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="What it is compared with.")],
    rtol: Annotated[
        float, typer.Option("--rtol", metavar="X", help="Tolerance relative to B's number.")
    ] = 0.0,
    atol: Annotated[float, typer.Option("--atol", metavar="X", help="Absolute tolerance.")] = 0.0,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what agrees.", show_default=False)
    ] = False,
    table: Tables = None,
    run: Runs = None,
    tag: Tags = None,
    exclude_tag: ExcludeTags = None,
    steps: Steps = None,
    restarts: Restarts = "keep",
    on_damage: OnDamageOption = "skip",
    format: OutputFormat = None,
    output: Output = None,
    force: Force = False,
) -> None:
    """Compare two runs or logs: where they differ, and from which step on.

    A row per run, table and tag that differs; exit code 1 if there is any. Runs are compared by
    name, or if each side has only one, these two. `tbtools graph diff` shows nodes that differ.
    """
    from tbtools.cli.printer import format_for, is_for_eyes, print_rows
    from tbtools.cli.streams import note
    from tbtools.verbs import diff as library

    format_for(format, output)
    common = (run, tag, exclude_tag, steps, restarts, on_damage)
    with opened([a], None, *common) as ours, opened([b], None, *common) as theirs:
        found = library.diff(ours, theirs, tables=table, rtol=rtol, atol=atol)
        rows = found.rows if everything else found.differing
        if rows.num_rows or not is_for_eyes(format, output):
            inputs = (*ours.inputs, *theirs.inputs)
            print_rows(rows.to_reader(), format, output, force, inputs)
    compared, differing = found.rows.num_rows, found.differing.num_rows
    what = "tag or table" if compared == 1 else "tags and tables"
    if differing:
        verb = "differs" if differing == 1 else "differ"
        note(f"tbtools: {differing:,} of {compared:,} {what} {verb}")
        raise typer.Exit(1)
    verb = "agrees" if compared == 1 else "agree"
    note(f"tbtools: all {compared:,} {what} {verb}")
