"""``tbtools verify``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from tbtools.cli.options import (
    Force,
    Logdirs,
    MoreLogdirs,
    Output,
    OutputFormat,
    Runs,
    counted,
    opened,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from tbtools.logs import Logs


def verify(
    logdirs: Logdirs = None,
    run: Runs = None,
    format: OutputFormat = None,
    output: Output = None,
    force: Force = False,
    logdir: MoreLogdirs = None,
) -> None:
    """Check event files: every CRC, every event, and what values say of themselves.

    A row per finding, none if all is well; docs/format.md explains them. Exit code 1 if anything
    is damaged; a record that is still being written and remarks (damage: false) are no damage.

    Example: tbtools verify runs -f jsonl -o findings.jsonl
    """
    from tbtools.cli.findings import print_findings
    from tbtools.cli.printer import format_for
    from tbtools.cli.streams import note
    from tbtools.verbs import verify as library

    format_for(format, output)
    with opened(logdirs, logdir, run) as logs:
        passing = _Passing(library.verify(logs).to_reader())
        print_findings(iter(passing), passing.schema, format, output, force, logs.inputs)
        note(f"tbtools: {passing.summary(logs)}")
        raise typer.Exit(1 if passing.damaged else 0)


class _Passing:
    """Findings that are counted as they pass."""

    def __init__(self, findings: pa.RecordBatchReader) -> None:
        self.damaged = 0
        self.remarks = 0
        self.schema = findings.schema
        self._findings = findings

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._findings:
            damaged = batch["damage"].true_count
            self.damaged += damaged
            self.remarks += batch.num_rows - damaged
            yield batch

    def summary(self, logs: Logs) -> str:
        """What was found, in a line."""
        files = [health for health in logs.health if health.run]
        lost = [health for health in files if health.damaged_records or health.unreadable]
        remarks = f"; {counted(self.remarks, 'remark')}" if self.remarks else ""
        if not self.damaged:
            records = counted(sum(health.events for health in files), "record")
            size = sum(health.bytes for health in files) / 1e6
            return f"no damage in {counted(len(files), 'file')}, {records}, {size:,.1f} MB{remarks}"
        records = counted(sum(health.damaged_records for health in files), "damaged record")
        skipped = counted(sum(health.skipped_bytes for health in files), "byte")
        closed = sum(health.unreadable is not None for health in logs.health)
        unreadable = f", {closed:,} could not be read" if closed else ""
        where = f"{len(lost):,} of {counted(len(files), 'file')}{unreadable}"
        return f"damage in {where}: {records}, {skipped}{remarks}"
