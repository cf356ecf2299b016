"""What is known of all runs, kept up to date by looking at the files again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING

import pyarrow as pa

from tbtools import _core
from tbtools.errors import NothingFoundError, TbtoolsError
from tbtools.files.discovery import EventFile, Run, list_runs
from tbtools.files.groups import grouped, is_group, read_group, uncollected
from tbtools.files.storage import Stamp
from tbtools.tables.manifest import check_remains, is_exported
from tbtools.verbs.tensorboard.files import OPTIONS, RunFiles, Shared, is_read
from tbtools.verbs.tensorboard.scanned import others_of, points_of

if TYPE_CHECKING:
    from tbtools.verbs.tensorboard.datasets import Mirror

__all__ = ["Logdir", "Store"]


@dataclass(frozen=True)
class Logdir:
    """Where runs are looked for, and what their names begin with; None: nothing."""

    path: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class _New:
    """A file of a run of which nothing is known yet."""

    files: RunFiles
    file: EventFile
    stamp: Stamp


class Store:
    """All runs under some logdirs. Of a dataset, they are those that it was made of.

    Raises UsageError for a dataset that cannot be read back.
    """

    def __init__(self, logdirs: Sequence[Logdir], purges: bool) -> None:
        self.logdirs = logdirs
        self.shared = Shared(purges)
        self.lock = self.shared.lock
        self.notes = self.shared.notes
        self.runs: dict[str, RunFiles] = {}
        self.has_read = Event()  # once, at least
        self._reading = Lock()
        self._mirrors: dict[str, Mirror] = {}
        for logdir in logdirs:
            self._mirror(logdir)

    def is_of(self, logdirs: Sequence[Logdir], purges: bool) -> bool:
        """Whether it is what these ask for."""
        return self.logdirs == logdirs and self.shared.purges == purges

    def close(self) -> None:
        """Read nothing more, and let go of all that is known and of the event files of datasets.

        Threads of a server may hold on to the store until the process ends.
        """
        self.shared.stopped.set()
        self.shared.may_migrate.set()
        self.has_read.set()
        with self.lock:
            self.runs = {}
        for mirror in [*self._mirrors.values()]:
            mirror.close()

    def reload(self) -> bool:
        """Look at the files once, and read what is new; whether there was anything."""
        with self._reading:
            try:
                return self._reload()
            finally:
                self.notes.settle()
                self.has_read.set()

    def _reload(self) -> bool:
        found: dict[str, Run] = {}
        for logdir in self.logdirs:
            for run in self._listed(logdir):
                name = run.name if logdir.name is None else f"{logdir.name}/{run.name}"
                if found.setdefault(name, run) is not run:
                    self.notes.once("names", f"two runs are called {name}: {run.path} is not shown")
        is_new = self.runs.keys() != found.keys()
        with self.lock:
            for name in self.runs.keys() - found.keys():
                del self.runs[name]
        new: list[_New] = []
        for name, run in found.items():
            if self.shared.stopped.is_set():
                return is_new
            known = self.runs.get(name)
            if known is None:
                known = self._begin(name, run)
                new += self._files_of(known, run)
                continue
            changed, anew = known.changed(run)
            if anew is not None:
                if not self._mirrors:  # a dataset that was changed is nothing to be told
                    self.notes.say(f"{anew}; {name} is read again")
                known = RunFiles(name, run, self.shared)
                changed = [(each.file, each.stamp) for each in self._files_of(known, run)]
            known.run = run
            for file, stamp in changed:
                known.read(file, stamp)
                is_new = True
            if anew is not None:
                self._publish(name, known)
        self._read_together(new)
        return is_new

    def in_walk_order(self, names: Iterable[str]) -> list[str]:
        """Runs in the order in which TensorBoard finds them: as the system lists folders.

        It takes the first experiment of hparams that it meets (``GetLogdirSubdirectories`` of its
        ``io_wrapper.py``).
        """
        listed: dict[Path, dict[str, int]] = {}

        def key(name: str) -> tuple[int, ...]:
            path = Path(self.runs[name].run.path)
            tops = [Path(self._place(logdir)) for logdir in self.logdirs]
            number = next(
                (place for place, top in enumerate(tops) if path.is_relative_to(top)), len(tops)
            )
            places = [number]
            folder = tops[number] if number < len(tops) else path
            for part in path.relative_to(folder).parts:
                if folder not in listed:
                    listed[folder] = _places(folder)
                places.append(listed[folder].get(part, -1))
                folder /= part
            return tuple(places)

        with self.lock:
            return sorted((name for name in names if name in self.runs), key=key)

    def _listed(self, logdir: Logdir) -> Sequence[Run]:
        if "://" in logdir.path:
            self.notes.once("paths", f"{logdir.path}: tbtools does not read object stores yet")
            return ()
        try:
            mirror = self._mirror(logdir)
            if mirror is not None:
                mirror.refresh()
            try:
                listing = list_runs([self._place(logdir)])
            except NothingFoundError:
                if mirror is None:
                    check_remains(logdir.path)
                return ()  # there may be one later
        except TbtoolsError as error:
            self.notes.once("datasets", str(error))
            return ()
        for folder, why in listing.unlistable:
            self.notes.once("folders", f"{folder} cannot be listed: {why}")
        return listing.runs

    def _mirror(self, logdir: Logdir) -> Mirror | None:
        """What makes event files of a dataset; None if it is none. Raises TbtoolsError."""
        path = logdir.path
        if path not in self._mirrors and "://" not in path and is_exported(path):
            from tbtools.verbs.tensorboard.datasets import Mirror  # few need what it imports

            self._mirrors[path] = Mirror(path, self.notes.say)
        return self._mirrors.get(path)

    def _place(self, logdir: Logdir) -> str:
        """Where the event files are."""
        mirror = self._mirrors.get(logdir.path)
        return logdir.path if mirror is None else str(mirror.folder)

    def _begin(self, name: str, run: Run) -> RunFiles:
        files = RunFiles(name, run, self.shared)
        self._publish(name, files)
        return files

    def _publish(self, name: str, files: RunFiles) -> None:
        with self.lock:
            if not self.shared.stopped.is_set():
                self.runs[name] = files

    @staticmethod
    def _files_of(files: RunFiles, run: Run) -> Iterator[_New]:
        for file in run.files:
            if is_read(file):
                stamp = file.storage.stamp(file.path)
                if stamp is not None:
                    if file.size != stamp.size:
                        file = file._replace(size=stamp.size)
                    yield _New(files, file, stamp)

    def _read_together(self, new: Sequence[_New]) -> None:
        """Read files of which nothing is known: small ones in one go, as many as fit."""
        for group in grouped((each, each.file) for each in new):
            members = [member for member, _ in group]
            if self.shared.stopped.is_set():
                return
            if len(members) == 1 or not is_group(
                sum(each.file.size for each in members), len(members)
            ):
                for each in members:
                    each.files.read(each.file, each.stamp)
                continue
            with uncollected():
                self._read_group(members)

    def _read_group(self, members: Sequence[_New]) -> None:
        group = read_group([("", each.file) for each in members], OPTIONS, summed=True)
        points = points_of(pa.record_batch(group.scan.points))
        others = others_of(pa.record_batch(group.scan.rows))
        counter = _core.Survey()
        counter.add_group(group.scan)
        counted = counter.files()
        place = {number: index for index, number in enumerate(group.numbers)}
        for number, each in enumerate(members):
            index = place.get(number)
            if index is None or group.health[index] is None:
                each.files.read(each.file, each.stamp)
                continue
            first_point, first_row = group.ends[index - 1] if index else (0, 0)
            end_point, end_row = group.ends[index]
            each.files.take(
                each.file,
                each.stamp,
                group,
                index,
                points.slice(first_point, end_point),
                others.slice(first_row, end_row, first_point),
                counted[index],
            )


def _places(folder: Path) -> dict[str, int]:
    try:
        return {path.name: place for place, path in enumerate(folder.iterdir())}
    except OSError:
        return {}
