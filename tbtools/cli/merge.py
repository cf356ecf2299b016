"""``tbtools merge``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tbtools.cli.options import Force, LogdirOutput, OnDamageOption, Restarts, Runs, opened
from tbtools.cli.streams import note

if TYPE_CHECKING:
    from tbtools.verbs.merge import Merged

MOST_TOLD = 10  # runs of several parts


def merge(
    logdirs: Annotated[
        list[str], typer.Argument(metavar="LOGDIR", help="Logdirs or runs, or NAME=PATH.")
    ],
    output: LogdirOutput = ...,  # type: ignore[assignment]  # typer's sign for what has to be given
    into: Annotated[
        str | None,
        typer.Option("--into", metavar="RUN", help="All runs are parts of the run of this name."),
    ] = None,
    stitch: Annotated[
        bool, typer.Option("--stitch", help="Runs of one name are parts of one run.")
    ] = False,
    order: Annotated[
        Literal["time", "given"],
        typer.Option("--order", help="Of parts: by the time of their first value, or as given."),
    ] = "time",
    restarts: Restarts = "keep",
    offset_steps: Annotated[
        bool,
        typer.Option(
            "--offset-steps", help="Each part began anew: its steps go on behind the one before."
        ),
    ] = False,
    close_gaps: Annotated[
        bool,
        typer.Option("--close-gaps", help="Take the pauses between parts out of the times."),
    ] = False,
    parquet: Annotated[
        bool, typer.Option("--parquet", help="A Parquet dataset instead of event files.")
    ] = False,
    run: Runs = None,
    on_damage: OnDamageOption = "skip",
    force: Force = False,
) -> None:
    """Put the parts of a training into one run, or several logdirs into one.

    tbtools merge first_try resumed -o whole --restarts latest

    Arguments that are runs themselves are parts of one run, which OUT then is. Of logdirs, OUT gets
    every run; two of one name are an error unless --stitch or --into says that they are parts of
    one training, or NAME=PATH keeps them apart. Records are copied byte for byte.
    """
    with opened(logdirs, None, run, None, None, None, restarts, on_damage) as logs:
        from tbtools.verbs.merge import merge as merge_logs

        done = merge_logs(
            logs,
            output,
            into=into,
            stitch=stitch,
            order=order,
            offset_steps=offset_steps,
            close_gaps=close_gaps,
            format="parquet" if parquet else "tfevents",
            force=force,
        )
        _tell(done)


def _tell(done: Merged) -> None:
    stitched = {name: paths for name, paths in done.parts.items() if len(paths) > 1}
    for name, paths in [*stitched.items()][:MOST_TOLD]:
        note(f"{name}: {', '.join(paths)}")
    if len(stitched) > MOST_TOLD:
        note(f"and {len(stitched) - MOST_TOLD:,} other runs of several parts")
    for name, seconds in done.pauses.items():
        note(f"{name}: pauses of {seconds:,.1f} s were taken out")
    if done.equal_graphs:
        note(f"{done.equal_graphs:,} graphs were there already")
    if done.starts:
        note(f"{done.starts:,} STARTs were left out, before which TensorBoard drops values")
    if done.overwritten:
        note(
            f"{done.overwritten:,} values were written again by a later part "
            "(--restarts latest leaves them out)"
        )
    events = sum(copied.events for copied in done.runs.values())
    values = sum(copied.dropped_values for copied in done.runs.values())
    parts = sum(map(len, done.parts.values()))
    runs = f"{parts:,} run{'' if parts == 1 else 's'}"
    runs += f" in {len(done.parts):,}" if len(done.parts) < parts else ""
    note(f"{runs}: {events:,} events, {values:,} values left out")
