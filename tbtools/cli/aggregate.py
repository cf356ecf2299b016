"""``tbtools aggregate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tbtools.cli.options import (
    ExcludeTags,
    Force,
    Logdirs,
    MoreLogdirs,
    OnDamageOption,
    OutputFormat,
    Restarts,
    Runs,
    Steps,
    Tags,
    opened,
)
from tbtools.cli.streams import note
from tbtools.errors import UsageError


def aggregate(
    logdirs: Logdirs = None,
    group: Annotated[
        list[str] | None,
        typer.Option(
            "--group",
            metavar="PATTERN",
            help="Runs whose whole name matches a glob, or a regular expression (it has a '('): "
            "its named groups are columns; repeatable. Default: all runs are one group.",
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="NAME", help="Group by this hyperparameter; repeatable."),
    ] = None,
    statistic: Annotated[
        list[str] | None,
        typer.Option(
            "--statistic",
            metavar="NAME",
            help="Of mean, std, sem, median, min, max, iqm; repeatable. Default: all.",
        ),
    ] = None,
    quantile: Annotated[
        list[float] | None,
        typer.Option("--quantile", metavar="Q", help="Between 0 and 1; repeatable."),
    ] = None,
    ci: Annotated[
        float | None,
        typer.Option(
            "--ci", metavar="LEVEL", help="A bootstrap interval of the mean, such as 0.95."
        ),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", metavar="N", help="With --ci: samples that are drawn.")
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="With --ci: what they are drawn with.")] = 0,
    align: Annotated[
        Literal["exact", "interpolate", "bin"],
        typer.Option("--align", help="How steps of runs meet."),
    ] = "exact",
    bins: Annotated[
        int | None,
        typer.Option(
            "--bins", metavar="N", help="Bins of a tag, or steps to interpolate at (default: all)."
        ),
    ] = None,
    bin_size: Annotated[
        int | None,
        typer.Option(
            "--bin-size", metavar="STEPS", help="Steps of a bin, or between interpolated ones."
        ),
    ] = None,
    duplicates: Annotated[
        Literal["last", "first", "mean", "error"],
        typer.Option("--duplicates", help="Several values of a run and tag at one step."),
    ] = "last",
    events: Annotated[
        bool,
        typer.Option(
            "--events", help="Write event files to OUT, a run per statistic (GROUP/mean)."
        ),
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="With --events: float64 where float32 is not enough.")
    ] = False,
    run: Runs = None,
    tag: Tags = None,
    exclude_tag: ExcludeTags = None,
    steps: Steps = None,
    restarts: Restarts = "keep",
    on_damage: OnDamageOption = "skip",
    format: OutputFormat = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="Write to a file instead of stdout; with --events, a logdir to make.",
        ),
    ] = None,
    force: Force = False,
    logdir: MoreLogdirs = None,
) -> None:
    """Statistics of scalars over runs, such as seeds: a row per group of runs, tag and step.

    count is the number of runs behind a row, nans that of runs whose value is NaN there.
    """
    if events and output is None:
        raise UsageError("say where to: --events -o OUT")
    if events and format is not None:
        raise UsageError("--events writes event files, so --format says nothing: give one of them")
    if exact and not events:
        raise UsageError("--exact is for --events: tables are exact")
    from tbtools.cli.printer import format_for, print_rows

    if not events:
        format_for(format, output)
    with opened(logdirs, logdir, run, tag, exclude_tag, steps, restarts, on_damage) as logs:
        from tbtools.output.targets import check_target
        from tbtools.verbs.aggregate import aggregated, write_events

        if output is not None:
            check_target(output, logs.inputs, force, folder=events)
        with aggregated(
            logs,
            group=group or (),
            by=by or (),
            statistic=statistic or (),
            quantile=quantile or (),
            align=align,
            bins=bins,
            bin_size=bin_size,
            duplicates=duplicates,
            ci=ci,
            bootstrap=bootstrap,
            seed=seed,
        ) as made:
            if events and output is not None:
                done = write_events(made, output, logs.inputs, exact, force)
                note(f"scalars: {done.rows['scalars']:,} rows")
                if done.rounded:
                    note(f"{done.rounded:,} scalars were rounded to float32 (--exact keeps them)")
            else:
                print_rows(made.to_reader(), format, output, force, logs.inputs)
            for line in made.notes(duplicates):
                note(line)
