"""``tbtools ls``."""

from __future__ import annotations

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
    Runs,
    Tags,
    opened,
)


def ls(
    logdirs: Logdirs = None,
    tags: Annotated[bool, typer.Option("--tags", help="A row per tag.")] = False,
    run: Runs = None,
    tag: Tags = None,
    exclude_tag: ExcludeTags = None,
    on_damage: OnDamageOption = "skip",
    format: OutputFormat = None,
    output: Output = None,
    force: Force = False,
    logdir: MoreLogdirs = None,
) -> None:
    """List runs: their tables, tags, points, steps, times, restarts and damage.

    In a pipe or a file, all columns of the table `runs` or `tags`.
    """
    from tbtools.cli.printer import format_for, print_rows
    from tbtools.verbs.ls import brief, listing

    with opened(logdirs, logdir, run, tag, exclude_tag, on_damage=on_damage) as logs:
        rows = listing(logs, "tags" if tags or tag or exclude_tag else "runs")
        if format_for(format, output) in ("table", "markdown"):
            rows = brief(rows)
        print_rows(rows.to_reader(), format, output, force, logs.inputs)
