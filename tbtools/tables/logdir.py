"""The tables of logdirs: read from the event files of their runs, several at a time.

What is read of a file ends where it ended when it was listed, so that all tables of one reading
agree with each other however the log grows; ``refresh`` lists the files again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import pyarrow as pa

from tbtools.decode.kind import TableSpec
from tbtools.errors import DamageError, NothingFoundError, UsageError, nearest
from tbtools.files.discovery import Run, list_runs, named_paths
from tbtools.files.groups import grouped, uncollected
from tbtools.files.health import FileHealth
from tbtools.files.scans import OnDamage, Progress
from tbtools.kinds import table_specs
from tbtools.runs.catalog import CATALOG, RUNS, TAGS, batch_of, files_batch, runs_batch, tags_batch
from tbtools.runs.findings import FINDINGS, FileFound, find_in_files, find_in_run, unreadable
from tbtools.runs.projector import EMBEDDINGS
from tbtools.runs.reading import Named, RunReader, read_files, survey_group
from tbtools.runs.rows import TagChoice
from tbtools.runs.survey import FileSurvey
from tbtools.selection import Selection
from tbtools.tables.following import Follower
from tbtools.tables.parallel import in_order, processors
from tbtools.tables.table import Rows

__all__ = ["LogdirTables", "all_specs"]

#: What is not decoded from events.
BESIDE = {EMBEDDINGS.name: EMBEDDINGS, **CATALOG}

RUNS_OF_BATCH = 1 << 10  # rows of what is told of each run


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
        self.threads = threads or processors()
        self._progress = progress
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
        with uncollected():  # thousands of runs, and no garbage
            self._listing = list_runs(self._paths)
            runs = self._chosen(self._listing.runs)
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
            yield from self._decoded(runs, selection.narrowed(decoded, selection.filter))
        beside = [name for name in wanted if name in BESIDE]
        if beside and beside != [EMBEDDINGS.name]:
            self._survey(runs)
        for name in beside:
            for first in range(0, len(runs), RUNS_OF_BATCH):
                some = runs[first : first + RUNS_OF_BATCH]
                for batch in self._beside(name, some, selection):
                    if batch.num_rows:
                        yield name, batch

    def follower(self, selection: Selection, note: Callable[[str], None]) -> Follower:
        """What reads new rows. Raises UsageError for tables and rows that are not just added to."""
        for name in selection.tables & BESIDE.keys():
            raise UsageError(f"{name} is not read from events one by one, so it is not followed")
        if selection.restarts != "keep":
            raise UsageError("rows that were given cannot be dropped: follow with restarts='keep'")
        return Follower(self._paths, selection, self.threads, note, self._progress)

    def _surviving(self, selection: Selection) -> list[RunReader]:
        wanted = selection.wants_runs([reader.run.name for reader in self._runs])
        return [reader for reader, is_wanted in zip(self._runs, wanted, strict=True) if is_wanted]

    def _decoded(self, runs: Sequence[RunReader], selection: Selection) -> Iterator[Named]:
        if selection.restarts != "keep":
            self._survey(runs)
        choice = TagChoice(selection)
        with uncollected():
            files = (file for reader in runs for file in reader.files)
            openers = [partial(read_files, group, selection, choice) for group in grouped(files)]
        for batches in in_order(openers, self.threads, _size_of):
            while batches:
                yield batches.pop(0)  # which may be large: it is not held here

    def _survey(self, runs: Sequence[RunReader]) -> None:
        """Find out what runs hold, those of which it is not known yet."""
        files = (file for reader in runs if not reader.is_surveyed for file in reader.files)
        openers = [partial(survey_group, group) for group in grouped(files)]
        with uncollected():
            for _ in in_order(openers, self.threads):
                pass

    def _beside(
        self, name: str, readers: Sequence[RunReader], selection: Selection
    ) -> Iterator[pa.RecordBatch]:
        if name == TAGS.name:
            yield selection.select(tags_batch(readers))
        elif name == RUNS.name:
            yield runs_batch(readers)
        elif name == EMBEDDINGS.name:
            for reader in readers:
                if not reader.run.is_bare:
                    yield from reader.embeddings()
        else:
            yield files_batch(readers)

    @property
    def findings(self) -> Rows:
        """What is wrong with the files, as ``runs/findings.py`` has it.

        Nothing of it is kept but the health of the files.
        """
        return self._findings

    def _findings(self, selection: Selection) -> Iterator[pa.RecordBatch]:
        closed = [unreadable("", path, why) for path, why in self._listing.unlistable]
        if closed:
            yield batch_of(FINDINGS, closed)
        files = (file for reader in self._surviving(selection) for file in reader.files)
        openers = [partial(find_in_files, group) for group in grouped(files)]
        surveys: list[FileSurvey] = []  # of one run
        for found in in_order(openers, self.threads, _size_of_found):
            if isinstance(found, pa.RecordBatch):
                yield found
                continue
            reader, _, survey = found
            surveys.append(survey)
            if len(surveys) == len(reader.run.files):
                rows = find_in_run(reader.run.name, surveys)
                surveys.clear()
                if rows:
                    yield batch_of(FINDINGS, rows)

    # --- what is known -----------------------------------------------------------------------

    def readers(self, survey: bool = True, keep_files: bool = False) -> Sequence[RunReader]:
        """The runs, for those who copy records.

        With ``survey``, what they hold has been found out; with ``keep_files``, by file, too.
        """
        for reader in self._runs:
            reader.keeps_files = keep_files
        if survey:
            self._survey(self._runs)
        return self._runs

    @property
    def runs(self) -> Sequence[str]:
        """The names of the runs."""
        return [reader.run.name for reader in self._runs]

    @property
    def inputs(self) -> Sequence[str]:
        """The logdirs, and the links in them that were followed: what they lead to is read, too."""
        return [*(path for _, path in named_paths(self._paths)), *self._listing.links]

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
        closed = [FileHealth("", path, unreadable=why) for path, why in self._listing.unlistable]
        return closed + [health for reader in self._runs for health in reader.health()]

    @property
    def failure(self) -> DamageError | None:
        """The damage that ended a reading, with ``on_damage="fail"``."""
        return next((reader.failure for reader in self._runs if reader.failure), None)


def _size_of_found(found: pa.RecordBatch | FileFound) -> int:
    return int(found.nbytes) if isinstance(found, pa.RecordBatch) else 0


def _size_of(batches: list[Named]) -> int:
    return sum(batch.nbytes for _, batch in batches)
