"""A logdir, or a dataset that tbtools exported, as tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from tbtools.decode.kind import TableSpec
from tbtools.errors import (
    DamageError,
    NothingFoundError,
    UnknownNameError,
    UsageError,
    nearest,
)
from tbtools.files.discovery import list_runs, named_paths
from tbtools.files.health import FileHealth
from tbtools.files.scans import OnDamage, Progress
from tbtools.kinds import table_specs
from tbtools.runs.catalog import FILES, RUNS, TAGS, files_batch, runs_batch, tags_batch
from tbtools.runs.projector import EMBEDDINGS
from tbtools.runs.reading import Request, RunReader
from tbtools.runs.restarts import RestartPolicy, check_policy
from tbtools.tables.choice import Choice, parse_steps
from tbtools.tables.exported import inputs_of, is_exported, open_exported
from tbtools.tables.parallel import Survivors, TableSource, in_order

if TYPE_CHECKING:
    import duckdb

    from tbtools.tables.table import LazyTable

__all__ = ["Logs", "all_specs", "open"]

#: What is not decoded from events.
BESIDE = {spec.name: spec for spec in (EMBEDDINGS, TAGS, RUNS, FILES)}
DAMAGE_POLICIES = ("skip", "stop", "fail")

TASK = 1 << 23  # bytes of small files that are worth handing to another thread

T = TypeVar("T")


def all_specs() -> dict[str, TableSpec]:
    """Every table of a logdir: those of the kinds, then those that come from elsewhere."""
    return {**table_specs(), **BESIDE}


class Logs(Mapping[str, "LazyTable"]):
    """The tables of some logs. ``logs["scalars"]`` and ``logs.scalars`` are the same.

    Nothing is read until rows of a table are asked for; ``scan`` reads several tables in one pass
    over the files. Use it as a context manager, or call ``close``, to let go of DuckDB early.
    ``inputs`` are the folders and files that are read, without names: nothing is written there.
    """

    def __init__(
        self,
        paths: Sequence[str],
        sources: Mapping[str, TableSource],
        runs: Sequence[RunReader] = (),
        source: _EventTables | None = None,
        inputs: Sequence[str] = (),
        unlistable: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.paths = tuple(paths)
        self.inputs = tuple(inputs)
        self._unlistable = unlistable
        self._sources = dict(sources)
        self._tables: dict[str, LazyTable] = {}
        self._runs = runs
        self._source = source
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of all tables."""
        return tuple(self._sources)

    def __getitem__(self, name: str) -> LazyTable:
        source = self._source_of(name)
        if name not in self._tables:
            from tbtools.tables.table import LazyTable

            self._tables[name] = LazyTable(name, source.schema, source.rows)
        return self._tables[name]

    def _source_of(self, name: str) -> TableSource:
        try:
            return self._sources[name]
        except KeyError:
            raise UnknownNameError("table", name, self._sources) from None

    def schema_of(self, name: str) -> pa.Schema:
        """The columns of a table. Raises UnknownNameError."""
        return self._source_of(name).schema

    def __getattr__(self, name: str) -> LazyTable:
        if name.startswith("_") or name not in self._sources:
            raise AttributeError(f"no table or attribute is called {name!r}; {_hint(name, self)}")
        return self[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._sources]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def __contains__(self, name: object) -> bool:
        return name in self._sources

    def __enter__(self) -> Logs:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<tbtools logs: {len(self._runs)} runs, tables {', '.join(self._sources)}>"

    def close(self) -> None:
        """Close the DuckDB connection, if ``query`` opened one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def interrupt(self) -> None:
        """End the statement that another thread runs: that one gets a QueryError."""
        if self._connection is not None:
            self._connection.interrupt()

    @property
    def total_bytes(self) -> int:
        """Size of all event files as they were listed."""
        return sum(file.size for reader in self._runs for file in reader.run.files)

    @property
    def is_exported(self) -> bool:
        """Whether this is an exported dataset and not a logdir."""
        return self._source is None

    def scan(self, tables: Iterable[str]) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Batches of several tables, (name, batch), from one pass over the files.

        Batches of the same run and table come in the order in which they were written. Raises
        UnknownNameError.
        """
        names = list(tables)
        sources = {name: self._source_of(name) for name in names}
        from_files = frozenset(names) - BESIDE.keys() if self._source else frozenset()
        if self._source is not None and from_files:
            yield from self._source.read(from_files)
        for name in names:
            if name not in from_files:
                for batch in sources[name].rows(None):
                    if batch.num_rows:
                        yield name, batch

    def query(self, sql: str, params: object = None) -> duckdb.DuckDBPyRelation:
        """The result of a statement over the tables, as a DuckDB relation, not yet computed.

        Raises QueryError for a statement that DuckDB refuses.
        """
        from tbtools.tables.sql import connect, run_statement

        if self._connection is None:
            self._connection = connect(self)
        return run_statement(self._connection, sql, self, params)

    def view(self, name: str, *, weight: float | None = None) -> LazyTable:
        """A view: ``stats``, ``distributions`` and so on (docs/tables.md).

        ``weight`` is that of ``smoothed``. Raises UnknownNameError for a view that does not exist
        here, and UsageError for a weight that makes no sense.
        """
        from tbtools.tables.views import view

        return view(self, name, weight=weight)

    @property
    def failure(self) -> DamageError | None:
        """The damage that ended a reading, with ``on_damage="fail"``."""
        return next((reader.failure for reader in self._runs if reader.failure), None)

    @property
    def health(self) -> list[FileHealth]:
        """What is known of each file that was read so far, and of what was lost in it.

        A selection that passes over large records does not check them (``unread_bytes``); the
        table ``files`` always reads everything.
        """
        unlistable = [FileHealth("", path, unreadable=why) for path, why in self._unlistable]
        return unlistable + [health for reader in self._runs for health in reader.health()]


def _hint(name: str, known: Iterable[str]) -> str:
    names = nearest(name, known)
    return f"nearest: {', '.join(names)}" if names else f"tables: {', '.join(known)}"


class _EventTables:
    """The tables of runs."""

    def __init__(
        self, runs: Sequence[RunReader], choice: Choice, restarts: RestartPolicy, threads: int
    ) -> None:
        self._runs = runs
        self._choice = choice
        self._restarts = restarts
        self._threads = threads

    def tables(self) -> dict[str, TableSource]:
        found = {
            name: TableSource(spec.schema, partial(self._rows, name))
            for name, spec in table_specs().items()
        }
        for name, spec in BESIDE.items():
            found[name] = TableSource(spec.schema, partial(self._beside, name))
        return found

    def _surviving(self, survivors: Survivors | None) -> list[RunReader]:
        if survivors is None:
            return list(self._runs)
        answers = survivors("run", [reader.run.name for reader in self._runs])
        return [reader for reader, wanted in zip(self._runs, answers, strict=True) if wanted]

    def _rows(self, name: str, survivors: Survivors | None) -> Iterator[pa.RecordBatch]:
        for _, batch in self.read(frozenset([name]), survivors):
            yield batch

    def read(
        self, tables: frozenset[str], survivors: Survivors | None = None
    ) -> Iterator[tuple[str, pa.RecordBatch]]:
        groups: list[list[Callable[[], Iterator[list[tuple[str, pa.RecordBatch]]]]]] = []
        size = TASK
        for reader in self._surviving(survivors):
            request = self._request(tables, reader.run.name, survivors)
            for number, file in enumerate(reader.run.files):
                if size >= TASK:
                    groups.append([])
                    size = 0
                groups[-1].append(partial(reader.read, number, request))
                size += file.size
        for batches in in_order([partial(_chained, group) for group in groups], self._threads):
            yield from batches

    def _request(self, tables: frozenset[str], run: str, survivors: Survivors | None) -> Request:
        choice = self._choice

        def wanted(tags: Sequence[str]) -> list[bool]:
            chosen = choice.wants_tags(tags)
            if survivors is None:
                return chosen
            passing = survivors("tag", tags, run)
            return [one and other for one, other in zip(chosen, passing, strict=True)]

        restricted = choice.has_tags or survivors is not None
        return Request(
            tables,
            wanted if restricted else None,
            untagged=not choice.has_tags,
            steps=choice.steps,
            restarts=self._restarts,
        )

    def _beside(self, name: str, survivors: Survivors | None) -> Iterator[pa.RecordBatch]:
        def batches(reader: RunReader) -> Iterator[pa.RecordBatch]:
            if name == "tags":
                yield self._choice.select(tags_batch(reader))
            elif name == "runs":
                yield runs_batch(reader)
            elif name == "embeddings":
                yield from reader.embeddings()
            else:
                yield files_batch(reader.run.name, reader.survey().health)

        openers = [partial(batches, reader) for reader in self._surviving(survivors)]
        yield from in_order(openers, self._threads)


def _chained(openers: Sequence[Callable[[], Iterator[T]]]) -> Iterator[T]:
    for opener in openers:
        yield from opener()


def open(
    *paths: str | os.PathLike[str],
    run: str | Sequence[str] = (),
    tag: str | Sequence[str] = (),
    exclude_tag: str | Sequence[str] = (),
    steps: str | tuple[int | None, int | None] | None = None,
    restarts: RestartPolicy = "keep",
    on_damage: OnDamage = "skip",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Logs:
    """The tables of logdirs, of single event files, or of one dataset that ``export`` wrote.

    Several logdirs may be named: ``open("a=runs/first", "b=runs/second")``. ``run``, ``tag`` and
    ``exclude_tag`` are globs; ``steps`` is half-open, as (first, end) or "first:end". ``threads``
    is by default the number of processors. ``progress`` is called with the bytes just read.

    Raises NothingFoundError if there is no event file, or no run that ``run`` matches, and
    UsageError or UnknownNameError for arguments that make no sense.
    """
    logdirs = [os.fspath(path) for path in paths] or ["."]
    choice = Choice(
        run=_globs(run),
        tag=_globs(tag),
        exclude_tag=_globs(exclude_tag),
        steps=parse_steps(steps) if steps is None or isinstance(steps, str) else steps,
    )
    check_policy(restarts)
    if on_damage not in DAMAGE_POLICIES:
        raise UnknownNameError("policy on damage", on_damage, DAMAGE_POLICIES)
    named = named_paths(logdirs)
    if any(is_exported(path) for _, path in named):
        if len(logdirs) > 1 or named[0][0]:
            raise UsageError("an exported dataset can only be opened alone, and under no name")
        if restarts != "keep":
            raise UsageError(
                f"{logdirs[0]!r} is an exported dataset, which does not say where runs were "
                "restarted; give --restarts when exporting"
            )
        tables = open_exported(logdirs[0], choice)
        return Logs(logdirs, tables, inputs=inputs_of(logdirs[0]))
    listing = list_runs(logdirs)
    runs = listing.runs
    chosen = [each for each in runs if choice.wants_run(each.name)]
    if not chosen:
        near = [name for glob in choice.run for name in nearest(glob, (each.name for each in runs))]
        hint = f"nearest: {', '.join(near)}" if near else f"there are {len(runs)} runs"
        raise NothingFoundError(f"no run matches {' or '.join(map(repr, choice.run))}; {hint}")
    readers = [RunReader(each, on_damage, progress) for each in chosen]
    source = _EventTables(readers, choice, restarts, threads or _processors())
    inputs = [*(path for _, path in named), *listing.links]
    return Logs(logdirs, source.tables(), readers, source, inputs, listing.unlistable)


def _globs(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
