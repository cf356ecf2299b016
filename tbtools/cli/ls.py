"""``tbtools ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    import pyarrow as pa

#: What is left out last comes first.
IMPORTANCE = (
    "run", "tag", "points", "steps", "damaged", "last_time", "tags", "table", "tables",
    "restarted", "purged",
)  # fmt: skip


def ls(
    logdirs: Logdirs = None,
    tags: Annotated[bool, typer.Option("--tags", help="A row per tag.")] = False,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="BY",
            help="run, tag, points, steps, time, restarts, damage or any other column: the largest "
            "or latest first, names from a to z. Default: by run; if a terminal cannot show "
            "all rows, the latest first.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="Only the first N rows.")
    ] = None,
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

    In a pipe or a file, all columns of the table `runs` or `tags`, and all rows.
    """
    from tbtools.cli.printer import format_for, is_for_eyes, print_rows
    from tbtools.verbs import ls as library

    with opened(logdirs, logdir, run, tag, exclude_tag, on_damage=on_damage) as logs:
        by_tag = bool(tags or tag or exclude_tag)
        if is_for_eyes(format, output):
            library.check_limit(limit)
            _show(library.ls(logs, tags=by_tag, sort=sort), sort, limit)
            return
        rows = library.ls(logs, tags=by_tag, sort=sort, limit=limit)
        if format_for(format, output) in ("table", "markdown"):
            rows = library.brief(rows)
        print_rows(rows.to_reader(), format, output, force, logs.inputs)


def _show(rows: pa.Table, sort: str | None, limit: int | None) -> None:
    """As many rows as fit, or as were asked for, and what all of them hold."""
    from tbtools.cli.printer import print_fitting
    from tbtools.cli.terminal import Look, most_rows
    from tbtools.verbs import ls as library

    order = f"by {sort}" if sort else ""
    if sort is None and rows.num_rows > (limit or most_rows()):
        rows, order = library.in_order(rows, "time"), "the latest first"

    def more(shown: int) -> list[str]:
        kind = "tags" if "tag" in rows.schema.names else "runs"
        return [
            f"{shown:,} of {rows.num_rows:,} {kind}, {order} "
            f"(--limit {rows.num_rows} or -f csv gives all)",
            f"in all {_totals(rows)}",
        ]

    look = Look(IMPORTANCE, ("tables",), (*library.DROPPED, "damaged"))
    print_fitting(library.brief_for_eyes(rows), look, _restarts(rows), more, limit)


def _totals(rows: pa.Table) -> str:
    import pyarrow as pa
    import pyarrow.compute as pc

    points = f"{pc.sum(rows['points']).as_py():,} points"
    if "tag" in rows.schema.names:
        runs = pc.count_distinct(rows["run"].cast(pa.string())).as_py()
        return f"{rows.num_rows:,} tags in {runs:,} runs, {points}"
    tags = pc.sum(rows["tags"]).as_py()
    megabytes = pc.sum(rows["bytes"]).as_py() / 1e6
    return f"{rows.num_rows:,} runs, {tags:,} tags, {points}, {megabytes:,.1f} MB"


def _restarts(rows: pa.Table) -> list[str]:
    """What the columns of restarts mean, where there are any."""
    import pyarrow.compute as pc

    from tbtools.verbs.ls import DROPPED

    if "tag" in rows.schema.names:
        return []
    counts = {name: rows[column] for name, column in DROPPED.items()}
    runs = sum(1 for each in zip(*counts.values(), strict=True) if any(n.as_py() for n in each))
    if not runs:
        return []
    latest, tensorboard = (pc.sum(each).as_py() for each in counts.values())
    return [
        f"restarted runs: {runs:,}; values that --restarts latest drops: {latest:,} (restarted), "
        f"tensorboard: {tensorboard:,} (purged)"
    ]
