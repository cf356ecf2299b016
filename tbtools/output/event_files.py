"""Event files: events of many runs and tables → one file per run, in the order of time.

What comes of one table stays in its order; tables of a run are merged by ``wall_time``. Until then
records wait in files of their own, so that memory depends on the number of runs and tags only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc

from tbtools import _core
from tbtools.decode.encoding import Encoded
from tbtools.errors import UsageError
from tbtools.output.records import name_of_file, opening
from tbtools.proto.tfevents_pb2 import SummaryMetadata

__all__ = ["EventFiles", "Name", "Names", "check_run"]

#: Display name and description of a tag, and what its metadata holds for the plugin.
Name = tuple[str, str, bytes]

#: Those of the tags of runs: (run, tag) → name.
Names = Mapping[tuple[str, str], Name]

MOST_WAITING = 1 << 24  # bytes of records, of all runs
WINDOW = 1 << 18  # bytes of a file that is merged with others
SMALLEST_WINDOW = 1 << 14
LONGEST = 255  # bytes of a folder's name


@dataclass
class _Part:
    """Records of one run and table, in order: a file of them, behind that of the version."""

    path: Path
    first_time: float
    head: int  # bytes of the version's record
    last_time: float = -math.inf
    waiting: list[bytes] = field(default_factory=list)
    metadata: dict[str, bytes] = field(default_factory=dict)  # of each tag, as last declared


class EventFiles:
    """Writes an event file per run below ``logdir``; ``scratch`` is a folder for what waits.

    With ``exact``, scalars that float32 does not hold are written as float64. ``begins`` says of
    runs when they began, and they have a file even without events; others begin with their first
    event.
    """

    def __init__(
        self,
        logdir: Path,
        scratch: Path,
        names: Names,
        exact: bool,
        begins: Mapping[str, float] | None = None,
    ) -> None:
        self.events = 0
        self.rounded = 0
        self.files: list[str] = []
        self._logdir = logdir
        self._scratch = scratch
        self._names = names
        self._exact = exact
        self._begins = begins or {}
        self._parts: dict[str, dict[str, list[_Part]]] = {}
        self._count = 0
        self._waiting = 0
        scratch.mkdir()

    @property
    def runs(self) -> list[str]:
        """The runs that have events so far."""
        return list(self._parts)

    def first_time(self, run: str) -> float | None:
        """When a run began, or else its first event; None if it has no events."""
        if run in self._begins:
            return self._begins[run]
        times = [part.first_time for part in self._of(run)]
        return min((each for each in times if not math.isnan(each)), default=None)

    def _of(self, run: str) -> Iterator[_Part]:
        for parts in self._parts.get(run, {}).values():
            yield from parts

    def add(self, run: str, table: str, events: Encoded, by_time: bool = False) -> None:
        """Events of a run, behind those of the same table.

        With ``by_time``, they are in the order of their time, and come where that wants them, too.
        Raises UsageError for odd runs.
        """
        if not len(events):
            return
        part = self._part(run, table, events.wall_time, by_time)
        tags = _with_int32(events.tag)
        columns = {"tag": tags, "step": events.step, "wall_time": events.wall_time}
        known: list[int] = [-1] * len(tags.dictionary)
        about = None
        if events.metadata is not None:
            about = self._named(run, tags, events.metadata)
            columns["metadata"] = about
            known = _codes(part.metadata, tags, about)
        columns |= {
            name: column
            for name in ("number", "member", "payload")
            if (column := getattr(events, name)) is not None
        }
        try:
            records, declared, rounded = _core.encode_events(
                pa.record_batch(columns), known, exact=self._exact, repeat=events.repeat
            )
        except ValueError as error:
            raise UsageError(f"run {run!r}, {table}: {error}") from error
        if about is not None:
            _declare(part.metadata, tags, about, known, declared)
        self.events += len(events)
        self.rounded += rounded
        part.waiting.append(records)
        self._waiting += len(records)
        if self._waiting >= MOST_WAITING:
            self._flush()

    def _part(self, run: str, table: str, times: pa.DoubleArray, by_time: bool) -> _Part:
        if run not in self._parts:
            check_run(run)
            self._parts[run] = {}
        parts = self._parts[run].setdefault(table, [])
        first = times[0].as_py()
        if not parts or (by_time and first < parts[-1].last_time):
            head = opening(self._begins.get(run, first))
            parts.append(_Part(self._scratch / str(self._count), first, len(head), waiting=[head]))
            self._count += 1
        if by_time:
            latest = pc.max(times.filter(pc.invert(pc.is_nan(times)))).as_py()
            parts[-1].last_time = max(parts[-1].last_time, -math.inf if latest is None else latest)
        return parts[-1]

    def _named(
        self, run: str, tags: pa.DictionaryArray, metadata: pa.DictionaryArray
    ) -> pa.DictionaryArray:
        """The metadata with what the tags of the run are called."""
        metadata = _with_int32(metadata)
        found = [self._names.get((run, tag)) for tag in tags.dictionary.to_pylist()]
        if not any(found):
            return metadata
        # A metadata may be that of many tags, each of which has a name of its own.
        count = max(len(metadata.dictionary), 1)
        pairs = pc.add(
            pc.multiply(tags.indices.cast(pa.int64()), count), metadata.indices.cast(pa.int64())
        ).dictionary_encode()
        values = metadata.dictionary.to_pylist()
        made = [
            _renamed(values[pair % count], found[pair // count])
            for pair in pairs.dictionary.to_pylist()
        ]
        return pa.DictionaryArray.from_arrays(
            pairs.indices.cast(pa.int32()), pa.array(made, pa.binary())
        )

    def _flush(self) -> None:
        for run in self._parts:
            for part in self._of(run):
                if part.waiting:
                    with part.path.open("ab") as file:
                        file.writelines(part.waiting)
                    part.waiting.clear()
        self._waiting = 0

    def finish(self, first: tuple[str, ...] = ()) -> None:
        """Put the files into place. Of what has the same time, the tables ``first`` come first."""
        self._flush()
        every: dict[str, dict[str, list[_Part]]] = {run: {} for run in self._begins} | self._parts
        for run, parts in sorted(every.items()):
            order = [
                *(table for table in first if table in parts),
                *sorted(parts.keys() - {*first}),
            ]
            chosen = [part for table in order for part in parts[table]]
            begin = self.first_time(run) or 0.0
            folder = self._logdir if run == "." else self._logdir / run
            folder.mkdir(parents=True, exist_ok=True)
            name = name_of_file(begin)
            if (folder / name).exists():  # the file system takes two runs for one
                raise UsageError(f"run {run!r} has the folder of another run")
            if len(chosen) == 1:
                chosen[0].path.rename(folder / name)
            else:
                with (folder / name).open("xb") as file:
                    file.write(opening(begin))
                    if chosen:
                        file.writelines(_merged(chosen))
                for part in chosen:
                    part.path.unlink()
            self.files.append(name if run == "." else f"{run}/{name}")


def check_run(run: str) -> None:
    """Raises UsageError if a run cannot be a folder below the logdir, of this name."""
    path = PurePosixPath(run)
    if path.is_absolute() or ".." in path.parts or str(path) != run or "\0" in run:
        raise UsageError(
            f"run {run!r} cannot be a folder of the logdir: give a relative path such as "
            f"{'/'.join(part for part in run.split('/') if part not in ('', '.', '..')) or 'a/b'!r}"
        )
    if any(len(part.encode(errors="replace")) > LONGEST for part in path.parts):
        raise UsageError(
            f"run {run[:60]!r}… cannot be a folder: a name has {LONGEST} bytes at most"
        )


def _with_int32(column: pa.DictionaryArray) -> pa.DictionaryArray:
    if pa.types.is_int32(column.type.index_type):
        return column
    return column.cast(pa.dictionary(pa.int32(), column.type.value_type))


def _codes(
    known: Mapping[str, bytes], tags: pa.DictionaryArray, metadata: pa.DictionaryArray
) -> list[int]:
    """For each tag, the code of the metadata that it was declared with; -1 for any other."""
    codes = {each: code for code, each in enumerate(metadata.dictionary.to_pylist())}
    return [codes.get(known.get(tag, b""), -1) for tag in tags.dictionary.to_pylist()]


def _declare(
    known: dict[str, bytes],
    tags: pa.DictionaryArray,
    metadata: pa.DictionaryArray,
    before: list[int],
    declared: list[int],
) -> None:
    changed = [place for place, code in enumerate(declared) if code != before[place]]
    for place in changed:
        known[tags.dictionary[place].as_py()] = metadata.dictionary[declared[place]].as_py()


def _renamed(metadata: bytes | None, name: Name | None) -> bytes | None:
    if metadata is None or name is None:
        return metadata
    about = SummaryMetadata.FromString(metadata)
    about.display_name, about.summary_description, content = name
    if not about.plugin_data.content:  # else the table says it
        about.plugin_data.content = content
    return about.SerializeToString()


# --- merging -------------------------------------------------------------------------------------


class _Waiting:
    """The records of a part, a window at a time. No file stays open: there may be many parts."""

    def __init__(self, part: _Part, size: int) -> None:
        self._path = part.path
        self._offset = part.head
        self._size = size
        self.window = b""
        self.begin = 0
        self.time = -math.inf
        self.is_last = False
        self.read()

    def read(self) -> None:
        """Go on in the file, with what is left of the window."""
        rest = self.window[self.begin :]
        with self._path.open("rb") as file:
            file.seek(self._offset)
            more = file.read(max(self._size, len(rest)))
        self._offset += len(more)
        self.window, self.begin, self.is_last = rest + more, 0, not more


def _merged(parts: list[_Part]) -> Iterator[bytes]:
    """The records of all parts by time, each part in its order; at the same time part by part."""
    size = max(SMALLEST_WINDOW, min(WINDOW, MOST_WAITING // len(parts)))
    left = [_Waiting(part, size) for part in parts]
    needs: int | None = 0
    while needs is not None:
        records, begins, times, needs = _core.merge_records(
            [each.window for each in left],
            [each.begin for each in left],
            [each.time for each in left],
            [each.is_last for each in left],
        )
        yield records
        for each, begin, time in zip(left, begins, times, strict=True):
            each.begin, each.time = begin, time
        if needs is not None:
            left[needs].read()
