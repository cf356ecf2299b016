"""New rows of the files of logdirs, as they are written. Polls: no file system has to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from tbtools.errors import NothingFoundError
from tbtools.files.discovery import EventFile, Run, list_runs
from tbtools.files.growth import difference
from tbtools.files.scans import Progress
from tbtools.files.storage import Stamp
from tbtools.runs.growing import GrowingFile
from tbtools.runs.survey import named_first
from tbtools.selection import Selection
from tbtools.tables.parallel import in_order

__all__ = ["Follower"]

Named = tuple[str, pa.RecordBatch]


@dataclass
class _Followed:
    stamp: Stamp
    growing: GrowingFile


class Follower:
    """Reads what is new in the files under some paths, each time that it is asked to.

    ``note`` is told of files that begin anew, of which rows may come that came before.
    """

    def __init__(
        self,
        paths: Sequence[str],
        selection: Selection,
        threads: int,
        note: Callable[[str], None],
        progress: Progress | None = None,
    ) -> None:
        self._paths = paths
        self._selection = selection
        self._threads = threads
        self._note = note
        self._progress = progress
        self._runs: dict[str, dict[str, _Followed]] = {}

    def poll(self) -> Iterator[list[Named]]:
        """What is new, a few rows at a time. A record that is half written waits."""
        try:
            runs = list_runs(self._paths).runs
        except NothingFoundError:
            return  # there may be one later
        wanted = self._selection.wants_runs([run.name for run in runs])
        openers = []
        for run, is_wanted in zip(runs, wanted, strict=True):
            for file in run.files if is_wanted else ():
                followed = self._changed(run, file)
                if followed is not None:
                    openers.append(partial(_read, followed))
        yield from in_order(openers, self._threads, _size_of)

    def _changed(self, run: Run, file: EventFile) -> GrowingFile | None:
        """What reads a file, if there may be anything new in it."""
        stamp = file.storage.stamp(file.path)
        files = self._runs.setdefault(run.name, {})
        known = files.get(file.name)
        if stamp is None or (known is not None and known.stamp == stamp):
            return None
        if known is not None:
            try:
                why = difference(file, stamp, known.stamp, known.growing.seen)
            except OSError:
                return None  # perhaps later
            if why is not None:
                self._note(f"{file.path}: {why}; its rows begin anew")
                known = None
        if known is None:
            growing = GrowingFile(
                run.name,
                file,
                self._selection,
                partial(self._metadata_of, files, file.name),
                follow=True,
                progress=self._progress,
            )
            known = files[file.name] = _Followed(stamp, growing)
        known.stamp = stamp
        return known.growing

    def _metadata_of(self, files: dict[str, _Followed], name: str, tag: str) -> bytes | None:
        """That of the file itself, else of its run, as far as they have been read."""
        own = files[name].growing.reader.metadata.get(tag)
        others = (files[each].growing.reader.metadata.get(tag) for each in sorted(files))
        return named_first((own, *others))


def _read(growing: GrowingFile) -> Iterator[list[Named]]:
    try:
        yield from growing.read(growing=True)
    finally:
        growing.reader.close()


def _size_of(batches: list[Named]) -> int:
    return sum(batch.nbytes for _, batch in batches)
