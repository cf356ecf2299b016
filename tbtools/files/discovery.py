"""A path → runs → event files in order. The only module that lists folders.

The rules are TensorBoard's (docs/format.md, "Directories"): an event file is a file whose name
contains ``tfevents``; a run is a folder that holds one, named by its path relative to the logdir.
Unlike there, a folder is visited once, whatever links lead to it, and a folder named like an event
file is a folder. What tbtools itself is just writing is left out until it is complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tbtools.errors import NothingFoundError, UsageError
from tbtools.files.storage import LOCAL, Entry, Storage

__all__ = [
    "EventFile",
    "Listing",
    "Run",
    "existing",
    "is_staging",
    "list_runs",
    "named_paths",
    "readable",
]

_STAGING = re.compile(r"\.tbtools-[0-9a-f]{8}\.partial")


class EventFile(NamedTuple):
    """One event file, and how large it was when it was listed."""

    name: str
    path: str
    size: int
    storage: Storage = LOCAL


class Run(NamedTuple):
    """A run and its event files, in name order."""

    name: str
    path: str
    files: tuple[EventFile, ...]
    is_bare: bool = False  # nothing else was in its folder


@dataclass(frozen=True)
class Listing:
    """All runs of a logdir, sorted by name, and the folders that could not be listed, and why.

    ``links`` are those that were followed: where they lead belongs to the logdir as well.
    """

    runs: tuple[Run, ...]
    unlistable: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ()


def named_paths(logdirs: Sequence[str], storage: Storage = LOCAL) -> list[tuple[str, str]]:
    """The name that prefixes the runs of each logdir, and its path.

    ``name=path`` gives its own, unless it exists itself, as ``lr=0.1`` may. A single path has no
    name; of several, each is named by its last part, or by the whole path where two end alike.
    Raises UsageError if two have one name.
    """
    pairs: list[tuple[str, str]] = []
    for logdir in logdirs:
        name, equals, path = logdir.partition("=")
        if equals and path and storage.entry(logdir) is None:
            pairs.append((name, path))
        else:
            pairs.append(("", logdir))
    if len(pairs) > 1:
        last = [name or _last_part(path) for name, path in pairs]
        pairs = [
            (short if last.count(short) == 1 else (name or path), path)
            for (name, path), short in zip(pairs, last, strict=True)
        ]
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                raise UsageError(f"two logdirs are called {name!r}; name them: NAME=PATH")
    return pairs


def existing(path: str, logdir: str, storage: Storage = LOCAL) -> Entry:
    """What is at the path of a logdir. Raises NothingFoundError if there is nothing."""
    top = storage.entry(path)
    if top is None:
        nor = "" if path == logdir else f", nor {logdir!r}"
        raise NothingFoundError(f"there is no file or folder {path!r}{nor}")
    return top


def list_runs(logdirs: Sequence[str], storage: Storage = LOCAL) -> Listing:
    """The runs under each logdir, which may also be one event file.

    Raises NothingFoundError if a path does not exist or none holds an event file.
    """
    runs: dict[str, Run] = {}
    unlistable: list[tuple[str, str]] = []
    links: list[str] = []
    others = 0
    for (prefix, path), logdir in zip(named_paths(logdirs, storage), logdirs, strict=True):
        top = existing(path, logdir, storage)
        if not top.is_folder:
            file = EventFile(top.name, path, top.size, storage)
            _add(runs, Run(readable(prefix) or ".", path, (file,)))
            continue
        for folder, entries in _walk(storage, top, unlistable):
            files = _event_files(entries, storage)
            if len(entries) > len(files):
                others += sum(not entry.is_folder for entry in entries) - len(files)
            links += [entry.path for entry in entries if entry.is_link and _is_read(entry)]
            if files:
                name = "/".join(part for part in (prefix, folder.relative) if part) or "."
                is_bare = len(files) == len(entries)
                _add(runs, Run(readable(name), folder.path, files, is_bare))
    if not runs:
        where = ", ".join(repr(logdir) for logdir in logdirs)
        closed = "".join(f"; {folder} cannot be listed: {why}" for folder, why in unlistable[:1])
        raise NothingFoundError(
            f"no event file (a name with 'tfevents' in it) under {where}, "
            f"only {others} other file{'' if others == 1 else 's'}{closed}"
        )
    return Listing(tuple(runs[name] for name in sorted(runs)), tuple(unlistable), tuple(links))


def _add(runs: dict[str, Run], run: Run) -> None:
    """Raises UsageError for a second run of a name, as in ``a=x`` and ``a/b=y`` if x/b is one."""
    other = runs.setdefault(run.name, run)
    if other is not run:
        raise UsageError(
            f"two runs are called {run.name!r}: {readable(other.path)!r} and "
            f"{readable(run.path)!r}; name their logdirs: NAME=PATH"
        )


def is_staging(name: str) -> bool:
    """Whether a folder of this name is where tbtools writes something that is not complete yet."""
    return _STAGING.fullmatch(name) is not None


def readable(path: str) -> str:
    r"""A path as text; bytes of it that are no UTF-8, which Linux allows, are spelt ``\xff``."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _last_part(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path


def _is_read(entry: Entry) -> bool:
    return entry.is_folder or "tfevents" in entry.name


def _event_files(entries: list[Entry], storage: Storage) -> tuple[EventFile, ...]:
    """The event files among the entries of one folder; one that is linked twice counts once."""
    files: dict[object, EventFile] = {}
    for entry in entries:
        if _is_read(entry) and not entry.is_folder:
            files.setdefault(entry.identity, EventFile(entry.name, entry.path, entry.size, storage))
    return tuple(files.values())


class _Folder(NamedTuple):
    path: str
    relative: str  # to the logdir, "" for itself


def _walk(
    storage: Storage, top: Entry, unlistable: list[tuple[str, str]]
) -> Iterator[tuple[_Folder, list[Entry]]]:
    """Each folder under ``top`` once, with what it holds.

    Real folders come before those that only a link leads to, so that a run is called by its own
    name and not by that of a link such as ``latest``.
    """
    seen = {top.identity}
    waiting = [_Folder(top.path, "")]
    linked: list[tuple[Entry, _Folder]] = []
    while waiting or linked:
        if not waiting:
            entry, folder = linked.pop(0)
            if entry.identity in seen:
                continue
            seen.add(entry.identity)
            waiting.append(folder)
        folder = waiting.pop()
        try:
            entries = storage.entries(folder.path)
        except OSError as error:
            unlistable.append((folder.path, error.strerror or str(error)))
            continue
        yield folder, entries
        for entry in entries:
            if not entry.is_folder or is_staging(entry.name):
                continue
            below = _Folder(entry.path, "/".join(filter(None, (folder.relative, entry.name))))
            if entry.is_link:
                linked.append((entry, below))
            elif entry.identity not in seen:
                seen.add(entry.identity)
                waiting.append(below)
