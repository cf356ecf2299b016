"""What a run holds, from one pass over its files that copies hardly any payload.

``tags``, ``runs`` and ``files`` are made of it, the plugin of a tag that some file does not name,
and the restarts. The core counts (``_core.Survey``); here a run is put together of its files.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tbtools import _core
from tbtools.files.discovery import EventFile
from tbtools.files.groups import read_group
from tbtools.files.health import FileHealth
from tbtools.files.scans import EventReader, OnDamage, Progress, ScanOptions
from tbtools.proto.metadata import plugin_of
from tbtools.runs.places import position_of
from tbtools.runs.purging import Purge, Purging
from tbtools.runs.surveyed import Counted

__all__ = [
    "EMPTY",
    "SCALAR",
    "FileSurvey",
    "Survey",
    "Surveying",
    "TagStats",
    "named_first",
    "put_together",
    "survey_file",
    "survey_files",
    "survey_together",
]

SCALAR = "scalar"  # the field of what the core read as a number, whatever member it was
EMPTY = "empty_summary"  # the field of an event whose Summary has no values

OPTIONS = ScanOptions(
    payloads=("session_log", "file_version", "tagged_run_metadata"),
    heads=("tagged_run_metadata",),
    offsets=True,
)


@dataclass
class TagStats:
    """The values of one tag in one segment that have the same field and declare the same plugin."""

    segment: int
    tag: str | None
    field: str
    plugin: str  # that the values themselves name; "" if they name none
    points: int
    first_step: int  # of the first that was written, as all "first" and "last"
    last_step: int
    min_step: int
    max_step: int
    first_time: float
    last_time: float
    min_time: float
    max_time: float
    #: Their steps as arithmetic sequences (first, stride, count); None if they are too irregular.
    steps: list[tuple[int, int, int]] | None
    falls: int  # values whose step is less than that of the one before
    first_fall: int  # offset of the first of them in its file
    odd_times: int  # values whose wall_time is NaN or infinite
    first_odd_time: int


@dataclass
class FileSurvey:
    """What one file holds, and what was lost in it. ``metadata``: a tag's first SummaryMetadata."""

    found: _core.FileSurvey | Counted
    health: FileHealth
    metadata: dict[str, bytes]


@dataclass
class Survey:
    """What a run holds."""

    health: list[FileHealth]
    metadata: list[dict[str, bytes]]  # by file: a tag's first SummaryMetadata there
    segments: list[int]  # where each begins
    purges: list[Purge]
    stats: list[TagStats] = field(default_factory=list)
    _of_tag: dict[str, bytes] | None = None

    @property
    def first_time(self) -> float:
        """The earliest wall_time of its values, else of its events, in seconds; 0 without any."""
        times = [
            (each.tag is None, each.min_time)
            for each in self.stats
            if not math.isnan(each.min_time)
        ]
        return min(times, default=(True, 0.0))[1]

    def metadata_of(self, tag: str) -> bytes | None:
        """A tag's first metadata in the run that names a plugin, else the first."""
        if self._of_tag is None:
            found = dict(self.metadata[0]) if self.metadata else {}
            for each in self.metadata[1:]:
                for name, metadata in each.items():
                    if name not in found or (plugin_of(metadata) and not plugin_of(found[name])):
                        found[name] = metadata
            self._of_tag = found
        return self._of_tag.get(tag)


def named_first(candidates: Iterable[bytes | None]) -> bytes | None:
    """The first metadata that names a plugin, else the first."""
    given = [each for each in candidates if each is not None]
    return next((each for each in given if plugin_of(each)), given[0] if given else None)


def survey_files(
    files: Sequence[tuple[str, EventFile]], on_damage: OnDamage, progress: Progress | None = None
) -> Iterator[FileSurvey]:
    """What files hold, given with the names of their runs: those of a group, read together.

    Raises DamageError as the reader does.
    """
    for (run, file), found in zip(files, survey_together(files, progress), strict=True):
        yield found or survey_file(run, file, on_damage, progress)


def survey_together(
    files: Sequence[tuple[str, EventFile]], progress: Progress | None = None
) -> list[FileSurvey | None]:
    """What the files of a group hold; None for those that have to be read by themselves."""
    surveys: list[FileSurvey | None] = [None] * len(files)
    if len(files) == 1:
        return surveys
    group = read_group(files, OPTIONS, progress=progress)
    counter = _core.Survey()
    counter.add_group(group.scan)
    for number, found, health, metadata in zip(
        group.numbers, counter.files(), group.health, group.metadata, strict=True
    ):
        if health is not None:
            surveys[number] = FileSurvey(found, health, metadata)
    return surveys


def survey_file(
    run: str, file: EventFile, on_damage: OnDamage, progress: Progress | None = None
) -> FileSurvey:
    """What one file holds. Raises DamageError as the reader does."""
    surveying = Surveying(file, FileHealth(run, file.path), on_damage, progress)
    for _ in surveying:
        pass
    return surveying.found


class Surveying:
    """A file that is being surveyed: an item for each of its scans, and then ``found``."""

    def __init__(
        self,
        file: EventFile,
        health: FileHealth,
        on_damage: OnDamage,
        progress: Progress | None = None,
    ) -> None:
        self._health = health
        self._reader = EventReader(file, health, OPTIONS, on_damage, progress)
        self._counter = _core.Survey()
        self._counter.add(_core.scan(b"", offsets=True))  # a file that cannot be read holds nothing

    def __iter__(self) -> Iterator[None]:
        """Raises DamageError as the reader does."""
        try:
            for scan in self._reader.read():
                self._counter.add(scan)
                yield
        finally:
            self._reader.close()

    @property
    def offset(self) -> int:
        """How far it was read."""
        return self._reader.offset

    @property
    def found(self) -> FileSurvey:
        """What it holds, as far as it was read."""
        (found,) = self._counter.files()
        return FileSurvey(found, self._health, self._reader.metadata)


def put_together(files: Sequence[FileSurvey]) -> Survey:
    """What a run holds, from what its files do, in their order."""
    purging = Purging()
    result = Survey(
        [file.health for file in files], [file.metadata for file in files], [], purging.purges
    )
    for number, file in enumerate(files):
        first = len(result.segments)
        result.segments.append(position_of(number, 0))
        result.segments += [position_of(number, offset) for offset in file.found.starts]
        for counts in file.found.counts:
            stats = TagStats(*counts)
            stats.segment += first
            result.stats.append(stats)
        _feed(purging, number, file.found, result.segments[first:])
    return result


def _feed(
    purging: Purging, number: int, found: _core.FileSurvey | Counted, segments: list[int]
) -> None:
    """Feed the events of a file that may drop something."""
    begin, *others = segments

    def position(what: str, offset: int) -> int:
        nonlocal begin
        if what == "summary":
            return position_of(number, offset)
        if others and others[0] == position_of(number, offset):
            begin = others.pop(0)
        # Else no value stands before it in its segment: it is as if it began there.
        return begin

    purging.feed(found.marks, found.last_step, position)
