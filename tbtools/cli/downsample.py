"""``tbtools downsample``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from tbtools.cli.options import (
    ExcludeTags,
    Force,
    LogdirOutput,
    Logdirs,
    MoreLogdirs,
    OnDamageOption,
    Restarts,
    Runs,
    Steps,
    Tables,
    Tags,
    opened,
)
from tbtools.cli.streams import note


def downsample(
    logdirs: Logdirs = None,
    output: LogdirOutput = ...,  # type: ignore[assignment]  # typer's sign for what has to be given
    points: Annotated[
        int, typer.Option("--points", metavar="N", help="Points of a run and tag, at most.")
    ] = 1000,
    method: Annotated[
        Literal["lttb", "minmax", "m4", "stride", "mean", "reservoir"],
        typer.Option("--method", help="Which points stay."),
    ] = "m4",
    parquet: Annotated[
        bool, typer.Option("--parquet", help="A Parquet dataset instead of event files.")
    ] = False,
    table: Tables = None,
    run: Runs = None,
    tag: Tags = None,
    exclude_tag: ExcludeTags = None,
    steps: Steps = None,
    restarts: Restarts = "keep",
    on_damage: OnDamageOption = "skip",
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Keep scalars that float32 does not hold, as float64. TensorBoard's fast loader "
            "does not show them.",
        ),
    ] = False,
    force: Force = False,
    logdir: MoreLogdirs = None,
) -> None:
    """Write logs with fewer points of each run and tag, which TensorBoard opens.

    The first and last point always stay. m4 keeps of each stretch the first, last, smallest and
    largest point, minmax the last two, lttb the one that shapes the curve most, stride every n-th,
    reservoir a random sample; mean makes one of each stretch. What is no scalar is thinned by
    stride, or with reservoir at random. Of NaN and infinities, a quarter of the points may stay.
    """
    with opened(logdirs, logdir, run, tag, exclude_tag, steps, restarts, on_damage) as logs:
        from tbtools.verbs.downsample import downsample as downsample_logs

        done = downsample_logs(
            logs,
            output,
            points=points,
            method=method,
            tables=table,
            format="parquet" if parquet else "tfevents",
            exact=exact,
            force=force,
        )
        for name, rows in done.rows.items():
            note(f"{name}: {rows:,} of {done.before[name]:,} rows")
        if done.dropped_odd:
            note(f"{done.dropped_odd:,} values that are NaN or infinite were left out")
        if done.left_out:
            note(f'left out: {", ".join(done.left_out)} (docs/format.md, "Written again")')
        if done.rounded:
            note(f"{done.rounded:,} scalars were rounded to float32 (--exact keeps them)")
