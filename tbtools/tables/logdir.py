"""The tables of logdirs: read from the event files of their runs, several at a time.

What is read of a file ends where it ended when it was listed, so that all tables of one reading
agree with each other however the log grows; ``refresh`` lists the files again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

import pyarrow as pa

from tbtools.decode.kind import TableSpec
from tbtools.errors import DamageError, NothingFoundError, nearest
from tbtools.files.discovery import Run, list_runs
from tbtools.files.health import FileHealth
from tbtools.files.scans import OnDamage, Progress
from tbtools.kinds import table_specs
from tbtools.runs.catalog import FILES, RUNS, TAGS, files_batch, runs_batch, tags_batch
from tbtools.runs.projector import EMBEDDINGS
from tbtools.runs.reading import RunReader
from tbtools.selection import Selection
from tbtools.tables.parallel import in_order, processors

__all__ = ["LogdirTables", "all_specs"]

#: What is not decoded from events.
BESIDE = {spec.name: spec for spec in (EMBEDDINGS, TAGS, RUNS, FILES)}

TASK = 1 << 23  # bytes of small files that are worth handing to another thread

T = TypeVar("T")
Named = tuple[str, pa.RecordBatch]


def all_specs() -> dict[str, TableSpec]:
    """Every table of a logdir: those of the kinds, then those that come from elsewhere."""
    return {**table_specs(), **BESIDE}


class LogdirTables:
    """The tables of the runs under some paths. Raises NothingFoundError if there are none."""

    def __init__(
        self,
        paths: Sequence[str],
        selection: Selection,
        on_damage: OnDamage,
        threads: int | None,
        progress: Progress | None,
    ) -> None:
        self._paths = paths
        self._selection = selection
        self._threads = threads or processors()
        self._reader = partial(RunReader, on_damage=on_damage, progress=progress)
        self._runs: list[RunReader] = []
        self.refresh()

    @property
    def schemas(self) -> Mapping[str, pa.Schema]:
        """The columns of each table."""
        return {name: spec.schema for name, spec in all_specs().items()}

    @property
    def selection(self) -> Selection:
        """What every reading is narrowed from."""
        return self._selection

    def refresh(self) -> bool:
        """List runs and files again; whether there is anything new, or other than before.

        What is known of runs whose files are the same stays known.
        """
        runs = self._chosen(list_runs(self._paths).runs)
        known = {reader.run: reader for reader in self._runs}
        changed = list(known) != runs
        self._runs = [known[run] if run in known else self._reader(run) for run in runs]
        return changed

    def _chosen(self, runs: Sequence[Run]) -> list[Run]:
        names = [run.name for run in runs]
        wanted = self._selection.wants_runs(names)
        chosen = [run for run, is_wanted in zip(runs, wanted, strict=True) if is_wanted]
        if not chosen:
            globs = self._selection.run
            near = [name for glob in globs for name in nearest(glob, names)]
            hint = f"nearest: {', '.join(near)}" if near else f"there are {len(runs)} runs"
            raise NothingFoundError(f"no run matches {' or '.join(map(repr, globs))}; {hint}")
        return chosen

    # --- reading -----------------------------------------------------------------------------

    def read(self, selection: Selection) -> Iterator[Named]:
        """Batches of the selected tables, (name, batch), from one pass over the files.

        Batches of the same run and table come in the order in which they were written.
        """
        wanted = selection.columns
        decoded = {name: columns for name, columns in wanted.items() if name not in BESIDE}
        runs = self._surviving(selection)
        if decoded:
            groups = self._groups(runs, selection.narrowed(decoded, selection.filter))
            for batches in in_order([partial(_chained, group) for group in groups], self._threads):
                yield from batches
        for name in [name for name in wanted if name in BESIDE]:
            made = [partial(self._beside, name, reader, selection) for reader in runs]
            for batch in in_order(made, self._threads):
                if batch.num_rows:
                    yield name, batch

    def _surviving(self, selection: Selection) -> list[RunReader]:
        wanted = selection.wants_runs([reader.run.name for reader in self._runs])
        return [reader for reader, is_wanted in zip(self._runs, wanted, strict=True) if is_wanted]

    def _groups(
        self, runs: Sequence[RunReader], selection: Selection
    ) -> list[list[Callable[[], Iterator[list[Named]]]]]:
        """Readings of files, put together so that each group is worth a thread's while."""
        groups: list[list[Callable[[], Iterator[list[Named]]]]] = []
        size = TASK
        for reader in runs:
            for number, file in enumerate(reader.run.files):
                if size >= TASK:
                    groups.append([])
                    size = 0
                groups[-1].append(partial(reader.read, number, selection))
                size += file.size
        return groups

    def _beside(
        self, name: str, reader: RunReader, selection: Selection
    ) -> Iterator[pa.RecordBatch]:
        if name == TAGS.name:
            yield selection.select(tags_batch(reader))
        elif name == RUNS.name:
            yield runs_batch(reader)
        elif name == EMBEDDINGS.name:
            yield from reader.embeddings()
        else:
            yield files_batch(reader.run.name, reader.survey().health)

    # --- what is known -----------------------------------------------------------------------

    @property
    def runs(self) -> Sequence[str]:
        """The names of the runs."""
        return [reader.run.name for reader in self._runs]

    @property
    def total_bytes(self) -> int:
        """Size of all event files as they were listed."""
        return sum(file.size for reader in self._runs for file in reader.run.files)

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows by table, as far as they are known without reading."""
        return {}

    @property
    def health(self) -> list[FileHealth]:
        """What is known of each file that was read so far, and of what was lost in it."""
        return [health for reader in self._runs for health in reader.health()]

    @property
    def failure(self) -> DamageError | None:
        """The damage that ended a reading, with ``on_damage="fail"``."""
        return next((reader.failure for reader in self._runs if reader.failure), None)


def _chained(openers: Sequence[Callable[[], Iterator[T]]]) -> Iterator[T]:
    for opener in openers:
        yield from opener()
