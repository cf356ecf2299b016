"""``merge``: what may be asked of it, and the way through the runs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, Unpack, get_args

import pyarrow as pa

from tbtools import _core
from tbtools.errors import UnknownNameError, UsageError
from tbtools.output.copying import Answer, Change, Copied, Copier, RecordFiles, changes_of
from tbtools.output.datasets import write_dataset
from tbtools.output.event_files import check_run
from tbtools.output.records import name_of_file, opening
from tbtools.output.tag_plans import plan_tags
from tbtools.output.targets import check_target, staged
from tbtools.proto.tfevents_pb2 import Event, SessionLog
from tbtools.runs.catalog import CATALOG
from tbtools.runs.places import place_of
from tbtools.tables.logs import LogsOrPaths, OpenOptions, TableSet, opened
from tbtools.tables.manifest import LOGDIR, write_manifest
from tbtools.tables.parallel import in_order
from tbtools.verbs.merge.parts import Order, Parts, parts_of
from tbtools.verbs.merge.stitching import Stitching, Switch

__all__ = ["Merged", "MergedFormat", "merge"]

MergedFormat = Literal["tfevents", "parquet"]

GRAPHS = ("graph_def", "meta_graph_def")


@dataclass
class Merged:
    """What was written: of each run the paths of its parts, in their order, and what became of it.

    ``equal_graphs`` were there before, and ``starts`` (SessionLog.START) would have made
    TensorBoard drop what stands before them: both are left out. ``pauses`` are the seconds that
    were taken out of each run's times. ``overwritten`` values were written again by a restart and
    kept.
    """

    path: Path
    parts: dict[str, list[str]] = field(default_factory=dict)
    runs: dict[str, Copied] = field(default_factory=dict)
    equal_graphs: int = 0
    starts: int = 0
    pauses: dict[str, float] = field(default_factory=dict)
    overwritten: int = 0


def merge(
    logs: LogsOrPaths,
    output: str | os.PathLike[str],
    *,
    into: str | None = None,
    stitch: bool = False,
    order: Order = "time",
    offset_steps: bool = False,
    close_gaps: bool = False,
    format: MergedFormat = "tfevents",
    force: bool = False,
    **options: Unpack[OpenOptions],
) -> Merged:
    """Write the runs of several logdirs to one, or the parts of a training to one run.

    Logdirs that are runs themselves, with event files and no runs below, are parts of one run,
    which ``output`` then is. With ``stitch``, runs of one name in different logdirs are parts of
    one run of that name; with ``into``, all runs are parts of the run of this name. Otherwise two
    runs of one name are an error: name their logdirs, ``NAME=PATH``.

    Parts follow each other by the time of their first value, or as they are ``given`` (``order``).
    ``restarts`` (see ``open``) says what becomes of values that a later part, or a restart within
    one, wrote again: with "keep", every file stays a file of its own, so that it can still be told;
    otherwise a run is one file. ``offset_steps`` is for parts that each began anew: the steps of
    each go on where those of the one before ended. ``close_gaps`` takes the time in which nothing
    was written out of the wall_times, by moving what comes later.

    Records are copied byte for byte, but for what changes in them. A graph that is equal to one
    that was there before is left out, and so is every START of a session but the first, since
    TensorBoard would drop what stands before it. ``format="parquet"`` writes a dataset.

    Raises UsageError or one of its kind for what makes no sense, and TargetExistsError without
    ``force``.
    """
    if format not in get_args(MergedFormat):
        raise UnknownNameError("format", format, get_args(MergedFormat))
    source = opened(logs, options)
    _check_selection(source)
    target = Path(output)
    check_target(target, source.inputs, force, folder=True)
    parts = parts_of(
        source.paths, source.readers(keep_files=True), into=into, stitch=stitch, order=order
    )
    for each in parts:
        check_run(each.name)
    done = Merged(target)
    work = _Merging(source, parts, offset_steps, close_gaps, done)
    with staged(target, source.inputs, force, folder=True) as folder:
        if format == "tfevents":
            folder.mkdir()
            work.run(folder)
            write_manifest(folder, LOGDIR, {}, {})
        else:
            logdir = folder.parent / "logdir"
            work.run(logdir)
            with TableSet.open(logdir) as merged:
                write_dataset(_tables(merged), folder)
    return done


def _check_selection(logs: TableSet) -> None:
    if logs.selection.names_tags or logs.selection.steps != (None, None):
        raise UsageError(
            "merge takes every tag and step of a run: leave some out with rewrite, before or after"
        )


def _tables(logs: TableSet) -> Iterator[tuple[str, pa.Schema, Iterator[pa.RecordBatch]]]:
    for name in logs.tables:
        if name not in CATALOG:  # they say what there was before
            yield name, logs.schema_of(name), logs[name].to_batches()


class _Merging:
    """One merging of all runs."""

    def __init__(
        self,
        logs: TableSet,
        parts: Sequence[Parts],
        offset_steps: bool,
        close_gaps: bool,
        done: Merged,
    ) -> None:
        self._parts = parts
        self._threads = logs.threads
        self._policy = logs.selection.restarts
        self._offset_steps = offset_steps
        self._close_gaps = close_gaps
        self._done = done

    def run(self, folder: Path) -> None:
        """Write all runs to a folder."""
        done = self._done
        openers = [partial(self._one, each, folder) for each in self._parts]
        for parts, copied, once in in_order(openers, self._threads):
            done.parts[parts.name] = [reader.run.path for reader in parts.readers]
            done.runs[parts.name] = copied
            done.equal_graphs += once.equal_graphs
            done.starts += once.starts
            done.overwritten += once.overwritten
            if once.pauses:
                done.pauses[parts.name] = once.pauses

    def _one(self, parts: Parts, folder: Path) -> Iterator[tuple[Parts, Copied, _Once]]:
        plan = Stitching(parts.readers, self._policy, self._offset_steps, self._close_gaps)
        for reader in parts.readers:
            reader.file_surveys.clear()
        once = _Once(pauses=plan.pauses)
        if self._policy == "keep":
            once.overwritten = plan.overwritten()
        rewriter = _core.Rewriter()
        plan_tags(rewriter, [reader.survey() for reader in parts.readers])
        begin = plan.survey.first_time
        place = folder if parts.name == "." else folder / parts.name
        files = RecordFiles(place, partial(name_of_file, begin), opening(begin))
        copier = Copier(rewriter, files, once.decide)
        changes = _changes(plan, rewriter)
        every = [(reader, file) for reader in parts.readers for file in reader.run.files]
        with files:
            for number, (reader, file) in enumerate(every):
                copier.copy(reader, file, changes.get(number, ()))
                if self._policy == "keep":
                    files.end()
            if not files.count:
                files.write(0, b"")
        yield parts, copier.copied, once


@dataclass
class _Once:
    """What a run keeps only one of, and what else is told of it."""

    equal_graphs: int = 0
    starts: int = 0
    overwritten: int = 0
    pauses: float = 0.0
    _graphs: set[bytes] = field(default_factory=set)  # digests
    _is_started: bool = False

    def decide(self, event: Event) -> Answer:
        """Whether an event with a graph or of the session stays."""
        name = event.WhichOneof("what")
        if name == "session_log":
            if event.session_log.status != SessionLog.START:
                return True
            self.starts += self._is_started
            is_first, self._is_started = not self._is_started, True
            return is_first
        graph = event.graph_def if name == "graph_def" else event.meta_graph_def
        digest = hashlib.sha256(f"{name}:".encode() + graph).digest()
        if digest in self._graphs:
            self.equal_graphs += 1
            return False
        self._graphs.add(digest)
        return True


def _changes(plan: Stitching, rewriter: _core.Rewriter) -> dict[int, list[Change]]:
    """What has to be told to the core, by file and at which offset of it."""
    changes = changes_of(plan.limits, rewriter)
    for switch in plan.switches:
        file, offset = place_of(switch.position)
        changes.setdefault(file, []).append((offset, partial(_switch, rewriter, switch)))
    return {file: sorted(each, key=lambda change: change[0]) for file, each in changes.items()}


def _switch(rewriter: _core.Rewriter, switch: Switch) -> None:
    rewriter.set_events(
        shift=switch.shift,
        time_shift=switch.time_shift,
        asked=("file_version", "session_log", *GRAPHS),
    )
