"""Runs of small files of which nothing is known yet, read together. Others: growing.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa

from tbtools import _core
from tbtools.decode.routing import options_for
from tbtools.files.discovery import Run
from tbtools.files.groups import FileGroup, read_group, uncollected
from tbtools.files.growth import ReaderState
from tbtools.files.health import FileHealth
from tbtools.files.scans import Progress
from tbtools.files.storage import Stamp
from tbtools.proto.metadata import plugin_of
from tbtools.runs.growing import FileState, NewRows, RunRead, read_new
from tbtools.runs.reading import rows_between
from tbtools.runs.rows import CLAIMS, Origin, Origins, rows_of
from tbtools.runs.survey import named_first
from tbtools.runs.surveyed import Counted
from tbtools.selection import Selection

__all__ = ["read_together"]

_NOBODY = FileHealth("", "")

#: A run, and the stamps of its files.
Stamped = tuple[Run, Sequence[Stamp]]


def read_together(
    runs: Sequence[Stamped], selection: Selection, progress: Progress | None = None
) -> Iterator[NewRows | RunRead]:
    """The rows of some runs, as ``read_new`` gives them of each if nothing is known of it.

    Their files are to be a group in size. A run is read by itself if a file of it is not clean.
    """
    files = [(run.name, file) for run, _ in runs for file in run.files]
    if len(files) == 1:
        for run, stamps in runs:
            yield from read_new(run, stamps, {}, selection, progress)
        return
    with uncollected():
        options = options_for(CLAIMS, selection, offsets=True)
        group = read_group(files, options, progress=progress, summed=True)
        together = _Together(runs, group, selection)
        yield from together.read(progress)


class _Together:
    def __init__(self, runs: Sequence[Stamped], group: FileGroup, selection: Selection) -> None:
        self._runs = runs
        self._group = group
        self._selection = selection
        self._points = pa.record_batch(group.scan.points)
        self._rows = pa.record_batch(group.scan.rows)
        counter = _core.Survey()
        counter.add_group(group.scan)
        self._found = counter.files()
        self._place = {number: index for index, number in enumerate(group.numbers)}
        self._answers: list[dict[str, bytes | None]] = [{} for _ in group.numbers]
        self._origins = self._made_origins()

    def _made_origins(self) -> Origins:
        origins: dict[int, Origin] = {}
        first = 0
        for run, _ in self._runs:
            places = [self._place.get(first + each) for each in range(len(run.files))]
            known = [place for place in places if place is not None]
            for number, place in enumerate(places):
                if place is not None:
                    find = partial(self._metadata_of, place, known)
                    health = self._group.health[place]
                    if health is not None:
                        origins[place] = Origin(run.name, number, health, None, find)
            first += len(run.files)
        blank = Origin("", 0, _NOBODY, None, lambda _: None)  # of files that gave nothing
        return Origins([origins.get(place, blank) for place in range(len(self._found))])

    def _metadata_of(self, place: int, places: Sequence[int], tag: str) -> bytes | None:
        own = self._group.metadata[place].get(tag)
        if own is not None and plugin_of(own):
            return own
        of_run = named_first(self._group.metadata[each].get(tag) for each in places)
        self._answers[place][tag] = named_first((own, of_run))
        return self._answers[place][tag]

    def read(self, progress: Progress | None) -> Iterator[NewRows | RunRead]:
        """Rows of runs that are clean, as many together as follow each other; then the others."""
        waiting: list[tuple[Run, list[int], Sequence[Stamp]]] = []
        first = 0
        for run, stamps in self._runs:
            numbers = range(first, first + len(run.files))
            first += len(run.files)
            places = [self._place[each] for each in numbers if each in self._place]
            clean = [each for each in places if self._group.health[each] is not None]
            if len(clean) == len(run.files):
                waiting.append((run, clean, stamps))
                continue
            yield from self._given(waiting)
            waiting = []
            yield from read_new(run, stamps, {}, self._selection, progress)
        yield from self._given(waiting)

    def _given(
        self, runs: Sequence[tuple[Run, list[int], Sequence[Stamp]]]
    ) -> Iterator[NewRows | RunRead]:
        if not runs:
            return
        begin, end = runs[0][1][0], runs[-1][1][-1] + 1
        points, rows = rows_between(self._group.ends, self._points, self._rows, begin, end)
        made = rows_of(points, rows, self._origins, self._selection, None)
        if made:
            yield NewRows(made, False)
        for run, places, stamps in runs:
            states = [self._state(*each) for each in zip(places, stamps, strict=True)]
            yield RunRead(run, states, None, False)

    def _state(self, place: int, stamp: Stamp) -> FileState:
        health = self._group.health[place]
        assert health is not None
        metadata = self._group.metadata[place]
        found = Counted().plus(self._found[place])
        seen = self._group.seen[place]
        reader = ReaderState(seen.end, 0, None, None, [], metadata, health)
        return FileState(stamp, seen, reader, found, self._answers[place], found, metadata, health)
