"""Folders in which something is written before it takes its place, and what is left of dead ones.

Such a folder is called ``.tbtools-<8 hex digits>.partial`` and holds a file ``lock``, which says
whose it is, and which its process has locked. The system lets go of a lock however a process ends:
what is not locked any more was left behind.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tbtools.files.discovery import is_staging
from tbtools.tables.manifest import foreign_file

__all__ = ["NEW", "OLD", "remove_leftovers", "scratch", "staging"]

LOCK = "lock"
NEW = "new"  # what is written
OLD = "old"  # the folder whose place it takes
GONE = "gone"  # the same, when it may be removed

MOST_NOTE = 4096  # bytes of a lock


@contextmanager
def staging(place: Path) -> Iterator[Path]:
    """A new folder beside ``place``, for what will be there. It vanishes with all that is in it.

    Raises OSError.
    """
    folder, lock = _make(place)
    try:
        yield folder
    finally:
        try:
            with suppress(OSError):
                _clear(folder, place)
        finally:
            os.close(lock)


@contextmanager
def scratch() -> Iterator[Path]:
    """A new folder for what has no room in memory, among the temporary files of the system.

    Raises OSError.
    """
    folder = Path(tempfile.gettempdir())
    remove_leftovers(folder)
    with staging(folder / "scratch") as made:
        yield made


def remove_leftovers(parent: Path) -> bool:
    """Remove what processes that are dead left in a folder; tells whether an output was put back.

    Only what this user made on this computer is removed, since of others it cannot be known
    whether they live. Where two folders cannot be exchanged in one step, a process may have died
    when it had moved the old output away and not yet the new one there: the old one is put back.
    """
    try:
        with os.scandir(parent) as entries:
            found = [
                Path(entry.path)
                for entry in entries
                if is_staging(entry.name) and _is_own_folder(entry)
            ]
    except OSError:
        return False
    put_back = False
    for folder in found:
        with suppress(OSError):
            put_back |= _remove_if_dead(folder)
    return put_back


def _is_own_folder(entry: os.DirEntry[str]) -> bool:
    if not entry.is_dir(follow_symlinks=False):
        return False
    # Where others may write, too, only an own folder cannot become a link meanwhile.
    return not hasattr(os, "geteuid") or entry.stat(follow_symlinks=False).st_uid == os.geteuid()


# --- locks ---------------------------------------------------------------------------------------


def _make(place: Path) -> tuple[Path, int]:
    """A new folder, and its lock, which is an open file."""
    while True:
        # It is not called like the target: what a killed process leaves must not be taken for an
        # event file, and long names have to fit.
        folder = place.parent / f".tbtools-{uuid.uuid4().hex[:8]}.partial"
        folder.mkdir()
        lock = -1
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            # Another process may look whether the folder was left behind right now. Where files
            # cannot be locked, none is ever found to be.
            if _lock(lock) is not False and _is_at(lock, folder / LOCK):
                note = {"tbtools": 1, "host": socket.gethostname(), "target": place.name}
                os.write(lock, json.dumps(note).encode())
                return folder, lock
        except FileNotFoundError:
            if not folder.parent.exists():
                raise
        except BaseException:
            with suppress(OSError):
                _clear(folder, place)
            if lock >= 0:
                os.close(lock)
            raise
        if lock >= 0:
            os.close(lock)


def _lock(file: int) -> bool | None:
    """Whether this process has the lock of a file now; None where there are no locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_at(file: int, path: Path) -> bool:
    """Whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.fstat(file), path.stat(follow_symlinks=False))
    except OSError:
        return False


def _remove_if_dead(folder: Path) -> bool:
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        folder.rmdir()  # its process came no further, or is about to; others are not empty
        return False
    try:
        if not _lock(lock) or not _is_at(lock, folder / LOCK):
            return False
        note = os.read(lock, MOST_NOTE)
        if not note and list(folder.iterdir()) == [folder / LOCK]:  # it came no further
            return _clear(folder, folder)
        try:
            said = json.loads(note)
            own = said["tbtools"] == 1 and said["host"] == socket.gethostname()
            name = str(said["target"])
        except (ValueError, KeyError, TypeError):
            return False
        if not own or Path(name).name != name:
            return False
        return _clear(folder, folder.with_name(name))
    finally:
        os.close(lock)


def _clear(folder: Path, place: Path) -> bool:
    """Remove a folder and what is in it, the lock last; tells whether something was put back.

    An old output stays if somebody put a file into it. What cannot be removed stays, too.
    """
    old = folder / OLD
    put_back = False
    if os.path.lexists(old):
        if os.path.lexists(folder / NEW) and not os.path.lexists(place):
            old.rename(place)
            put_back = True
        elif foreign_file(old) is not None:
            return False
        else:  # it is looked at once: killed meanwhile, half of it would look like somebody else's
            old.rename(folder / GONE)
    lock = folder / LOCK
    for path in [*folder.iterdir()]:
        if path != lock:
            _remove(path)
    if [*folder.iterdir()] == [lock]:
        lock.unlink()
    folder.rmdir()
    return put_back


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
