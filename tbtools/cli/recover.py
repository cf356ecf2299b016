"""``tbtools recover``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tbtools.cli.options import (
    Force,
    LogdirOutput,
    Logdirs,
    MoreLogdirs,
    OutputFormat,
    Runs,
    counted,
    opened,
)
from tbtools.cli.streams import note

if TYPE_CHECKING:
    from tbtools.verbs.recover import Recovered

NOTHING_SAVED, LOSSY = 1, 3  # exit codes


def recover(
    logdirs: Logdirs = None,
    output: LogdirOutput = ...,  # type: ignore[assignment]  # typer's sign for what has to be given
    run: Runs = None,
    format: OutputFormat = None,
    force: Force = False,
    logdir: MoreLogdirs = None,
) -> None:
    """Write event files with every intact record of damaged ones, and nothing else.

    Records are copied byte for byte. Prints a row for each stretch that is left behind. Exit code
    0 if all was saved, 3 if something was lost, 1 if nothing could be saved. An unfinished record
    at the end of a file is left behind, and is no loss.

    Example: tbtools recover runs -o saved
    """
    from tbtools.cli.findings import print_findings
    from tbtools.cli.printer import format_for
    from tbtools.verbs.recover import recover as recover_logs

    format_for(format, None)
    with opened(logdirs, logdir, run) as logs:
        done = recover_logs(logs, output, force=force)
        report = done.report
        print_findings(iter(report.to_batches()), report.schema, format, None, False, logs.inputs)
        note(f"tbtools: {_summary(done)}")
        if done.path is None:
            raise typer.Exit(NOTHING_SAVED)
        raise typer.Exit(LOSSY if done.is_lossy else 0)


def _summary(done: Recovered) -> str:
    if done.path is None:
        return f"nothing could be saved of {counted(done.files, 'file')}; nothing was written"
    left = done.bytes - done.saved_bytes
    closed = f"; {counted(done.unreadable, 'file')} could not be read" if done.unreadable else ""
    return (
        f"{counted(done.records, 'record')} saved in {done.saved_files:,} of "
        f"{counted(done.files, 'file')}; {counted(left, 'byte')} of {done.bytes:,} left behind, "
        f"{done.lost_bytes:,} of them damaged{closed}"
    )
