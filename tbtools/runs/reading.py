"""Runs → rows of tables, file by file or a group of small files at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tbtools import _core
from tbtools.decode.routing import options_for
from tbtools.errors import DamageError
from tbtools.files.discovery import EventFile, Run
from tbtools.files.groups import FileGroup, grouped, read_group, uncollected
from tbtools.files.health import FileHealth
from tbtools.files.scans import EventReader, OnDamage, Progress, ScanOptions
from tbtools.proto.metadata import plugin_of
from tbtools.runs.places import position_of
from tbtools.runs.projector import read_embeddings
from tbtools.runs.projector_config import Problems
from tbtools.runs.restarts import Limit, Overwritten, Rule, dropped, limits_of, rules_of
from tbtools.runs.rows import CLAIMS, Origin, Origins, TagChoice, rows_of
from tbtools.runs.survey import (
    FileSurvey,
    Survey,
    named_first,
    put_together,
    survey_files,
)
from tbtools.selection import RestartPolicy, Selection

__all__ = ["FileOfRun", "Named", "RunReader", "read_files", "rows_between", "survey_group"]

Named = tuple[str, pa.RecordBatch]

NO_ROWS = pa.record_batch(_core.scan(b"").rows)


class RunReader:
    """Reads the files of a run. What has to be known of the run as a whole is found out once."""

    def __init__(self, run: Run, on_damage: OnDamage, progress: Progress | None = None) -> None:
        self.run = run
        self.failure: DamageError | None = None
        self.on_damage = on_damage
        self.progress = progress
        self._lock = threading.Lock()
        self.keeps_files = False  # whether ``file_surveys`` will be asked for
        self.file_surveys: list[FileSurvey] = []
        self._surveyed: dict[int, FileSurvey] = {}  # while some files are still missing
        self._survey: Survey | None = None
        self._rules: dict[RestartPolicy, list[Rule]] = {}
        self._overwritten: dict[RestartPolicy, Overwritten] = {}
        self._dropped: dict[RestartPolicy, int] = {}
        self._health: dict[str, FileHealth] = {}

    @property
    def files(self) -> list[FileOfRun]:
        """Its files."""
        return [((self, number), file) for number, file in enumerate(self.run.files)]

    # --- what it holds -----------------------------------------------------------------------

    @property
    def is_surveyed(self) -> bool:
        """Whether ``survey`` is known without reading."""
        return self._survey is not None

    def survey(self) -> Survey:
        """What the run holds; the first call reads it. Raises DamageError as the reader does."""
        if self._survey is None:
            for group in grouped(self.files):
                for _ in survey_group(group):
                    pass
        assert self._survey is not None
        return self._survey

    def note_survey(self, number: int, file: FileSurvey) -> None:
        """Keep what a file holds; when all is there, so is the survey."""
        with self._lock:
            self._note(file.health)
            self._surveyed[number] = file
            count = len(self.run.files)
            if len(self._surveyed) == count and self._survey is None:
                found = [self._surveyed[each] for each in range(count)]
                self._survey = put_together(found)
                self._surveyed.clear()
                if self.keeps_files:
                    self.file_surveys = found

    def embeddings(self) -> Iterator[pa.RecordBatch]:
        """The rows of ``embeddings``; what cannot be read of them counts as loss."""
        problems: Problems = []
        yield from read_embeddings(self.run, problems)
        for path, reason in problems:
            self._health[path] = FileHealth(self.run.name, path, unreadable=reason)

    def health(self) -> list[FileHealth]:
        """What is known of each file that was read, by the reading that saw most of it."""
        with self._lock:
            return [self._health[path] for path in sorted(self._health)]

    def note_health(self, health: FileHealth) -> None:
        """Keep what a reading saw of a file, and lost."""
        with self._lock:
            self._note(health)

    def _note(self, health: FileHealth) -> None:
        known = self._health.get(health.path)
        if known is not None:
            health.undecoded = max(known.undecoded, health.undecoded)
        if known is None or known.unread_bytes >= health.unread_bytes:
            self._health[health.path] = health
        else:
            known.undecoded = health.undecoded

    # --- restarts ----------------------------------------------------------------------------

    def overwritten(self, policy: RestartPolicy) -> Overwritten | None:
        """What restarts overwrote in this run; None if nothing."""
        rules = self._rules_of(policy)
        if not rules:
            return None
        with self._lock:
            if policy not in self._overwritten:
                self._overwritten[policy] = Overwritten(rules)
            return self._overwritten[policy]

    def _rules_of(self, policy: RestartPolicy) -> list[Rule]:
        if policy not in self._rules:
            self._rules[policy] = [] if policy == "keep" else rules_of(self.survey(), policy)
        return self._rules[policy]

    def limits(self, policy: RestartPolicy) -> list[Limit]:
        """The same, for somebody who goes through the run."""
        return limits_of(self._rules_of(policy))

    def dropped(self, policy: RestartPolicy) -> int:
        """The number of rows that a policy drops."""
        if policy not in self._dropped:
            if not self._rules_of(policy):
                return 0
            count = dropped(self.survey(), self._rules_of(policy))
            # Steps of no pattern: the survey keeps no more than what would tell of regular ones.
            self._dropped[policy] = self._count_dropped(policy) if count is None else count
        return self._dropped[policy]

    def _count_dropped(self, policy: RestartPolicy) -> int:
        gone = self.overwritten(policy)
        assert gone is not None
        total = 0
        for number, file in enumerate(self.run.files):
            health = FileHealth(self.run.name, file.path)
            reader = EventReader(file, health, ScanOptions(payloads=(), offsets=True))
            for scan in reader.read():
                for part in (scan.points, scan.rows):
                    if len(part):
                        batch = pa.record_batch(part)
                        batch = batch.filter(batch["tag"].is_valid())
                        position = position_of(number, batch["offset"])
                        kept = gone.kept(batch["tag"], batch["step"], position)
                        total += batch.num_rows - (pc.sum(kept).as_py() or 0)
            reader.close()
        return total

    # --- metadata ----------------------------------------------------------------------------

    def metadata_of(self, number: int, known: dict[str, bytes]) -> Callable[[str], bytes | None]:
        """Finds a tag's metadata: what is known of the file so far, its own, else the run's."""

        def find(tag: str) -> bytes | None:
            found = known.get(tag)
            if not plugin_of(found):
                survey = self.survey()
                found = named_first((survey.metadata[number].get(tag), survey.metadata_of(tag)))
            return found

        return find


#: A file, its run and its number there.
FileOfRun = tuple[tuple[RunReader, int], EventFile]


def survey_group(files: Sequence[FileOfRun]) -> Iterator[int]:
    """Find out what a group of files holds, note it in their runs, and give their number.

    Raises DamageError as the reader does.
    """
    (first, _), _ = files[0]
    named = [(reader.run.name, file) for (reader, _), file in files]
    found = survey_files(named, first.on_damage, first.progress)
    for (reader, number), _ in files:
        try:
            reader.note_survey(number, next(found))
        except DamageError as error:
            reader.failure = error
            raise
    yield len(files)


def read_files(
    files: Sequence[FileOfRun], selection: Selection, choice: TagChoice
) -> Iterator[list[Named]]:
    """The rows of a group of files: (table, batch), tables in any order.

    ``choice`` is the one of all groups of a reading. Raises DamageError as the reader does.
    """
    if len(files) == 1:
        (reader, number), _ = files[0]
        yield from _read_file(reader, number, selection)
        return
    with uncollected():  # some objects for each of thousands of files
        gone = [reader.overwritten(selection.restarts) for (reader, _), _ in files]
        options = options_for(CLAIMS, selection, offsets=any(each is not None for each in gone))
        first, _ = files[0][0]
        named = [(reader.run.name, file) for (reader, _), file in files]
        group = read_group(named, options, choice.skip, first.progress)
        scanned = _GroupRows(files, gone, group, selection, choice)
    begin = read = 0  # numbers of files in the scan, and of files
    for index, (number, health) in enumerate(zip(group.numbers, group.health, strict=True)):
        if health is None or number > read:
            yield from scanned.between(begin, index)
            for other in range(read, number + (health is None)):
                (reader, place), _ = files[other]
                yield from _read_file(reader, place, selection)
            begin = index + (health is None)
        read = number + 1
    yield from scanned.between(begin, len(group.numbers))
    for (reader, place), _ in files[read:]:
        yield from _read_file(reader, place, selection)


def rows_between(
    ends: Sequence[tuple[int, int]],
    points: pa.RecordBatch,
    rows: pa.RecordBatch,
    begin: int,
    end: int,
) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The points and rows of some of the files that a group's scan is of; ``ends`` are its own."""
    (point, row), (last_point, last_row) = ends[begin - 1] if begin else (0, 0), ends[end - 1]
    some = rows.slice(row, last_row - row)
    if point and some.num_rows:
        before = pc.subtract(some["points_before"], point)
        index = some.schema.get_field_index("points_before")
        some = some.set_column(index, "points_before", before)
    return points.slice(point, last_point - point), some


class _GroupRows:
    """The rows of those files of a group that the scan has."""

    def __init__(
        self,
        files: Sequence[FileOfRun],
        gone: Sequence[Overwritten | None],
        group: FileGroup,
        selection: Selection,
        choice: TagChoice,
    ) -> None:
        self._readers = [files[number][0][0] for number in group.numbers]
        self._health = group.health
        self._ends = group.ends
        self._selection = selection
        self._points = pa.record_batch(group.scan.points)
        self._rows = pa.record_batch(group.scan.rows)
        self._choice = choice if selection.restricts_tags else None
        if self._choice is not None:
            self._choice.note(self._points["tag"].dictionary.to_pylist())
        origins = []
        for number, health, metadata in zip(
            group.numbers, group.health, group.metadata, strict=True
        ):
            (reader, place), _ = files[number]
            find = (
                metadata.get if len(reader.run.files) == 1 else reader.metadata_of(place, metadata)
            )
            blank = health or FileHealth("", "")  # of a file without rows
            origins.append(Origin(reader.run.name, place, blank, gone[number], find))
        self._origins = Origins(origins)

    def between(self, begin: int, end: int) -> Iterator[list[Named]]:
        """The rows of some of the files."""
        if begin >= end:
            return
        points, rows = rows_between(self._ends, self._points, self._rows, begin, end)
        made = rows_of(points, rows, self._origins, self._selection, self._choice)
        if made:
            yield made
        for number in range(begin, end):
            health = self._health[number]
            assert health is not None
            self._readers[number].note_health(health)


def _read_file(reader: RunReader, number: int, selection: Selection) -> Iterator[list[Named]]:
    """The rows of a file, a window at a time."""
    file = reader.run.files[number]
    gone = reader.overwritten(selection.restarts)
    health = FileHealth(reader.run.name, file.path)
    options = options_for(CLAIMS, selection, offsets=gone is not None)
    events = EventReader(file, health, options, reader.on_damage, reader.progress)
    find = reader.metadata_of(number, events.metadata)
    origins = Origins([Origin(reader.run.name, number, health, gone, find)])
    choice = TagChoice(selection, reader.run.name) if selection.restricts_tags else None
    try:
        for scan in events.read():
            points = pa.record_batch(scan.points)
            rows = pa.record_batch(scan.rows) if len(scan.rows) else NO_ROWS
            asked = None
            if choice is not None:
                may_have_others = choice.note(points["tag"].dictionary.to_pylist())
                if may_have_others or (selection.names_tags and rows["tag"].null_count):
                    asked = choice
                events.skip_tags = choice.skip
            made = rows_of(points, rows, origins, selection, asked)
            del scan, points, rows  # they may be large
            if made:
                yield made
            del made
    except DamageError as error:
        reader.failure = error
        raise
    finally:
        events.close()
    reader.note_health(health)
