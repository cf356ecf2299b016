"""Rows of tables → event files: each table by the encoder of its kind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.decode.encoding import Encoded
from tbtools.decode.kind import UNCLAIMED
from tbtools.decode.unclaimed import ENCODER
from tbtools.errors import NothingFoundError, UnknownTableError, UsageError
from tbtools.kinds import all_kinds
from tbtools.output.event_files import EventFiles, Names
from tbtools.output.given import Given, Target, batches_for
from tbtools.output.targets import staged
from tbtools.tables.manifest import LOGDIR, write_manifest

__all__ = ["Written", "target_of", "targets", "write_logdir"]

#: Of what a run has at the same time, what comes first: a START drops what stands before it.
FIRST = ("messages",)


@cache
def targets() -> Mapping[str, Target]:
    """The tables that can be written, by name."""
    of_kinds = {
        spec.name: Target(spec, kind.encode)
        for kind in all_kinds()
        for spec in kind.tables
        if kind.encode is not None and spec.name in kind.encode.needs
    }
    return {**of_kinds, UNCLAIMED.name: Target(UNCLAIMED, ENCODER)}


def target_of(table: str, known: Iterable[str]) -> Target:
    """The table of this name; ``known`` are the names of all tables.

    Raises UsageError for one that cannot be written, and UnknownTableError for one that there is
    not.
    """
    if table in targets():
        return targets()[table]
    if table not in known:
        raise UnknownTableError("table", table, [*known])
    raise UsageError(
        f"the table {table!r} cannot be written to event files: it does not keep all that an "
        f"event needs (these can: {', '.join(sorted(targets()))})"
    )


@dataclass
class Written:
    """What was written: event files, relative to ``path``; their events; rows by table.

    ``rounded`` scalars are not what they were, since float32 does not hold them. ``left_out`` are
    tables that were there and cannot be written.
    """

    path: Path
    files: list[str] = field(default_factory=list)
    events: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    rounded: int = 0
    left_out: list[str] = field(default_factory=list)


def write_logdir(
    tables: Iterable[tuple[Target, Given]],
    logdir: Path,
    *,
    names: Names | None = None,
    exact: bool = False,
    by_time: bool = False,
    inputs: Iterable[str] = (),
    force: bool = False,
    begins: Mapping[str, float] | None = None,
    on_refused: Callable[[UsageError], None] | None = None,
) -> Written:
    """Write tables to a new logdir: an event file per run. ``inputs`` is nothing written to.

    Rows of a table stay in their order, or ``by_time`` they are put in that of their wall_time.
    ``begins`` says of runs when they began, if that was before their first row. With
    ``on_refused``, rows that no event can hold are told, and the others are written.

    Raises as ``staged`` and ``batches_for``, UsageError for rows that no event can hold, and
    NothingFoundError if there are no rows.
    """
    with staged(logdir, inputs, force, folder=True) as folder:
        folder.mkdir()
        files = EventFiles(folder, folder.parent / "parts", names or {}, exact, begins or {})
        writer = _EventWriter(files, by_time, on_refused)
        for target, data in tables:
            with writer.telling():
                writer.write(target, batches_for(target, data))
        writer.finish()
        if not files.events:
            raise NothingFoundError("nothing to write: there are no rows")
        write_manifest(folder, LOGDIR, writer.rows, {})
    return Written(logdir, files.files, files.events, writer.rows, files.rounded)


class _EventWriter:
    """Writes rows of tables to event files, in memory that depends on their events' size only.

    What belongs to a run as a whole (hyperparameters, layouts, graphs) waits for ``finish``.
    """

    def __init__(
        self,
        files: EventFiles,
        by_time: bool,
        on_refused: Callable[[UsageError], None] | None = None,
    ) -> None:
        self._by_time = by_time
        self._on_refused = on_refused
        self.rows: dict[str, int] = {}
        self._files = files
        self._whole: dict[str, dict[str, list[pa.RecordBatch]]] = {}  # by run and table

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Rows that are refused inside are told, if anybody wants to know."""
        try:
            yield
        except UsageError as error:
            if self._on_refused is None:
                raise
            self._on_refused(error)

    def write(self, target: Target, batches: Iterable[pa.RecordBatch]) -> None:
        """Rows of a table, as ``batches_for`` gives them."""
        table = target.spec.name
        self.rows.setdefault(table, 0)
        if "index" in target.spec.schema.names and not target.encoder.whole:
            batches = _whole_events(batches)
        for batch in batches:
            self.rows[table] += batch.num_rows
            for run, rows in _by_run(batch):
                if target.encoder.whole:
                    self._whole.setdefault(run, {}).setdefault(table, []).append(rows)
                    continue
                with self.telling():
                    events = target.encoder.encode(
                        {table: _by_time(rows) if self._by_time else rows}
                    )
                    self._files.add(run, table, events, self._by_time)

    def finish(self) -> None:
        """Write what has waited, and put the files into place."""
        now = time.time()
        for run, tables in sorted(self._whole.items()):
            begin = self._files.first_time(run)
            for kind in all_kinds():
                if kind.encode is None or not kind.encode.whole:
                    continue
                rows = {
                    table: _joined(batches)
                    for table, batches in tables.items()
                    if table in kind.encode.needs
                }
                if rows:
                    with self.telling():
                        events = kind.encode.encode(rows)
                        wall_time = pc.fill_null(events.wall_time, now if begin is None else begin)
                        self._files.add(run, kind.tables[0].name, _at(events, wall_time))
        self._files.finish(first=(*self._first(), *FIRST))

    def _first(self) -> list[str]:
        return [
            kind.tables[0].name
            for kind in all_kinds()
            if kind.encode is not None and kind.encode.whole
        ]


def _at(events: Encoded, wall_time: pa.DoubleArray) -> Encoded:
    return replace(events, wall_time=wall_time)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches()[0]


def _by_run(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The rows of each run, in their order."""
    runs = batch["run"]
    codes = runs.indices
    if pc.all(pc.equal(codes, codes[0])).as_py():
        yield runs[0].as_py(), batch
        return
    order = pc.sort_indices(codes)  # stable
    batch = batch.take(order)
    ends = pc.run_end_encode(codes.take(order)).run_ends.to_pylist()
    begin = 0
    for end in ends:
        yield batch["run"][begin].as_py(), batch.slice(begin, end - begin)
        begin = end


def _by_time(rows: pa.RecordBatch) -> pa.RecordBatch:
    times = rows["wall_time"]
    if pc.all(pc.less_equal(times[:-1], times[1:])).as_py():
        return rows
    return rows.take(pc.sort_indices(times))  # stable; NaN comes last


def _whole_events(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows, cut only before those whose index is 0."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        begins = pc.indices_nonzero(pc.equal(batch["index"], 0))
        if not len(begins):
            waiting.append(batch)
            continue
        first, last = begins[0].as_py(), begins[-1].as_py()
        if first:
            waiting.append(batch.slice(0, first))
        if waiting:
            yield _joined(waiting)
        if last > first:
            yield batch.slice(first, last - first)
        waiting = [batch.slice(last)]
    if waiting:
        yield _joined(waiting)
