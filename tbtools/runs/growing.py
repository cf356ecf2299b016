"""Files of runs that grow → the rows that are new in them, and what is known of them then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from tbtools import _core
from tbtools.decode.routing import options_for
from tbtools.files.discovery import EventFile, Run
from tbtools.files.growth import ReaderState, Seen, SummedStorage, difference
from tbtools.files.health import FileHealth
from tbtools.files.scans import EventReader, Progress
from tbtools.files.storage import Stamp
from tbtools.proto.metadata import plugin_of
from tbtools.runs.rows import CLAIMS, Origin, Origins, TagChoice, rows_of
from tbtools.runs.survey import FileSurvey, named_first
from tbtools.runs.surveyed import Counted
from tbtools.selection import Selection

__all__ = ["FileState", "GrowingFile", "NewRows", "RunRead", "read_new"]

Named = tuple[str, pa.RecordBatch]

UNREADABLE = Stamp(None, -1, 0)  # no file's own: it is tried again


class GrowingFile:
    """Gives the rows of one event file that are new since it was last read.

    ``elsewhere`` tells a tag's metadata where the file has not given any that names a plugin;
    ``answers`` is what it said. With ``follow``, the file is read to where it ends now.
    """

    def __init__(
        self,
        run: str,
        file: EventFile,
        selection: Selection,
        elsewhere: Callable[[str], bytes | None],
        *,
        counted: bool = False,
        follow: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.answers: dict[str, bytes | None] = {}
        self.seen = Seen()
        self._run = run
        self._path = file.path
        self._selection = selection
        self._elsewhere = elsewhere
        self._counted = counted
        storage = SummedStorage(file.storage, self.seen)
        options = options_for(CLAIMS, selection, offsets=counted)
        health = FileHealth(run, file.path)
        summed = file._replace(storage=storage)
        self.reader = EventReader(summed, health, options, progress=progress, follow=follow)
        self._choice = TagChoice(selection, run) if selection.restricts_tags else None

    def resume(self, state: ReaderState, seen: Seen) -> None:
        """Go on where another one stopped."""
        self.reader.resume(state)
        self.reader.health.unreadable = None
        self.reader.health.path = self._path  # however it was spelt
        self.seen.__dict__ |= seen.__dict__

    def read(self, growing: bool, counter: _core.Survey | None = None) -> Iterator[list[Named]]:
        """The rows that are new. See ``EventReader.read`` for ``growing``."""
        reader, choice = self.reader, self._choice
        reader.health.unreadable = None
        origins = Origins([Origin(self._run, 0, reader.health, None, self._metadata_of)])
        for scan in reader.read(growing):
            if counter is not None:
                counter.add(scan)
            points, rows = pa.record_batch(scan.points), pa.record_batch(scan.rows)
            if choice is not None:
                choice.note(points["tag"].dictionary.to_pylist())
                reader.skip_tags = choice.skip
            made = rows_of(points, rows, origins, self._selection, choice)
            if made:
                yield made

    def _metadata_of(self, tag: str) -> bytes | None:
        own = self.reader.metadata.get(tag)
        if own is not None and plugin_of(own):
            return own  # for good
        self.answers[tag] = self._elsewhere(tag)
        return self.answers[tag]


@dataclass
class FileState:
    """What is known of one file of a run.

    ``found``, ``reader`` and the rows that were given are what stays, however it grows; ``whole``,
    ``metadata`` and ``health`` are those of the file as it is now. ``has_tail``: its end gives rows
    that may not stay.
    """

    stamp: Stamp
    seen: Seen
    reader: ReaderState
    found: Counted
    answers: dict[str, bytes | None]
    whole: Counted
    metadata: dict[str, bytes]
    health: FileHealth
    has_tail: bool = False

    @property
    def survey(self) -> FileSurvey:
        """What it holds now."""
        return FileSurvey(self.whole, self.health, self.metadata)


@dataclass
class NewRows:
    """Rows by table. With ``may_change`` they are those of a file's end that may not stay."""

    rows: list[Named]
    may_change: bool


@dataclass
class RunRead:
    """A run was read to its end: what is known of its files.

    ``anew`` says why all of it was read, although some had been. ``again``: metadata came that
    makes other rows of what was given, so all has to be read once more, with the metadata of
    ``states`` for hints.
    """

    run: Run
    states: list[FileState]
    anew: str | None
    again: bool


def read_new(
    run: Run,
    stamps: Sequence[Stamp],
    known: Mapping[str, FileState],
    selection: Selection,
    progress: Progress | None = None,
    hints: Sequence[Mapping[str, bytes]] | None = None,
) -> Iterator[NewRows | RunRead]:
    """The new rows of the files of a run, up to the size that their stamps tell; last a RunRead.

    ``known`` has the states of files by name. Files that are no more, or others than before, make
    all of the run new.
    """
    anew = _anew(run, stamps, known)
    reading = _Reading(run, selection, progress, {} if anew else known, hints)
    for number, stamp in enumerate(stamps):
        yield from reading.read(number, stamp)
    yield RunRead(run, reading.states, anew, hints is None and reading.is_stale())


def _anew(run: Run, stamps: Sequence[Stamp], known: Mapping[str, FileState]) -> str | None:
    """Why all of a run is new; None if what is known of it stays."""
    names = {file.name for file in run.files}
    for name in known:
        if name not in names:
            return f"{name} is gone"
    for file, stamp in zip(run.files, stamps, strict=True):
        state = known.get(file.name)
        if state is not None and stamp != state.stamp and state.seen.furthest:
            try:
                why = difference(file, stamp, state.stamp, state.seen)
            except OSError:
                continue  # whoever reads it says so
            if why is not None:
                return f"{file.name}: {why}"
    return None


class _Reading:
    """One reading of the files of a run."""

    def __init__(
        self,
        run: Run,
        selection: Selection,
        progress: Progress | None,
        known: Mapping[str, FileState],
        hints: Sequence[Mapping[str, bytes]] | None,
    ) -> None:
        self.states: list[FileState] = []
        self._run = run
        self._selection = selection
        self._progress = progress
        self._known = [known.get(file.name) for file in run.files]
        self._has_hints = hints is not None
        # What each file declares, as far as it is known.
        if hints is not None:
            self._declared: list[Mapping[str, bytes]] = list(hints)
        else:
            self._declared = [each.metadata if each else {} for each in self._known]
        self._of_tails: list[tuple[int, dict[str, bytes | None]]] = []

    def _metadata_of(self, number: int, tag: str) -> bytes | None:
        """The rule of docs/format.md, "Which kind a value is": the file's own, else the run's."""
        of_run = named_first(each.get(tag) for each in self._declared)
        return named_first((self._declared[number].get(tag), of_run))

    def is_stale(self) -> bool:
        """Whether any answer would be another one now."""
        answers = [(number, state.answers) for number, state in enumerate(self.states)]
        return any(
            self._metadata_of(number, tag) != answer
            for number, given in (*answers, *self._of_tails)
            for tag, answer in given.items()
        )

    def read(self, number: int, stamp: Stamp) -> Iterator[NewRows]:
        """The new rows of a file."""
        state = self._known[number]
        is_same = state is not None and stamp == state.stamp
        if is_same and state is not None and not state.has_tail:
            state.health.path = self._run.files[number].path
            self.states.append(state)
            return
        file = self._run.files[number]._replace(size=stamp.size)
        growing = GrowingFile(
            self._run.name,
            file,
            self._selection,
            lambda tag: self._metadata_of(number, tag),
            counted=True,
            progress=self._progress,
        )
        found = Counted()
        if state is not None:
            growing.resume(state.reader, state.seen)
            growing.answers |= state.answers
            found = state.found
        if not self._has_hints:
            self._declared[number] = growing.reader.metadata  # and what is to come
        try:
            if not is_same:
                counter = _counter()
                for made in growing.read(True, counter):
                    yield NewRows(made, False)
                found = found.plus(counter.files()[0])
                state = _state(stamp, growing, found)
            assert state is not None
            yield from self._end_of(number, growing, state)
        finally:
            growing.reader.close()
        self.states.append(state)

    def _end_of(self, number: int, growing: GrowingFile, state: FileState) -> Iterator[NewRows]:
        """What the file gives beyond that if it ends where it does now."""
        reader = growing.reader
        is_open = state.reader.open or state.reader.lost or state.reader.codec
        is_at_end = not is_open and state.stamp.size <= reader.offset
        state.has_tail = False
        if is_at_end or reader.health.unreadable is not None:
            return
        answers, growing.answers = growing.answers, {}
        counter = _counter()
        for made in growing.read(False, counter):
            state.has_tail = True
            yield NewRows(made, True)
        self._of_tails.append((number, growing.answers))
        growing.answers = answers
        state.whole = state.found.plus(counter.files()[0])
        state.metadata = dict(reader.metadata)
        state.health = reader.health.copy()


def _state(stamp: Stamp, growing: GrowingFile, found: Counted) -> FileState:
    reader = growing.reader
    return FileState(
        stamp if reader.health.unreadable is None else UNREADABLE,
        replace(growing.seen),
        reader.state(),
        found,
        dict(growing.answers),
        found,
        dict(reader.metadata),
        reader.health.copy(),
    )


def _counter() -> _core.Survey:
    counter = _core.Survey()
    counter.add(_core.scan(b"", offsets=True))  # a file that cannot be read holds nothing
    return counter
