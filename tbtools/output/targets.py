"""Outputs that appear all at once, and never where they may not be.

Something is written beside its target and moved into place when it is complete: a reader sees the
old output or the new one, never half of one, whatever kills the writer. Everything that tbtools
writes to a file or a folder is written by ``staged``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa

from tbtools.errors import TargetExistsError, UsageError, WriteError
from tbtools.output.staging import NEW, OLD, remove_leftovers, staging
from tbtools.tables.manifest import foreign_file

__all__ = ["check_inputs", "check_target", "staged", "writing"]

AT_FDCWD = -100
RENAME_NOREPLACE = 1  # renameat2(2)
RENAME_EXCHANGE = 2

Identity = tuple[int, int]  # device and inode: equal for two paths that lead to the same thing


def check_target(target: Path, inputs: Iterable[str], force: bool, *, folder: bool = False) -> None:
    """Raises UsageError or TargetExistsError if nothing may be written at ``target``.

    It may not be one of the ``inputs`` (paths of folders and files), be inside one or hold one, nor
    hold the current folder. With ``force``, a file may be replaced by a file unless its name is
    that of an event file, and by a ``folder`` one in which every file is one that tbtools wrote.
    Raises WriteError if that cannot be told.
    """
    with writing(str(target)):
        _check(target, _place(target), inputs, force, folder)


def check_inputs(target: Path, inputs: Iterable[str]) -> None:
    """Raises UsageError if ``target`` is one of the ``inputs``, is inside one or holds one."""
    _keep_inputs(target, _place(target), inputs)


@contextmanager
def staged(
    target: Path, inputs: Iterable[str] = (), force: bool = False, *, folder: bool = False
) -> Iterator[Path]:
    """A path near ``target`` to write to: a file or a ``folder``, which takes the target's place.

    A missing parent is made. Raises as ``check_target``, which is asked again right before the
    move, and WriteError if the system refuses anything on the way. Nothing is left behind if
    anything is raised, and what killed processes left beside the target is removed.
    """
    inputs = list(inputs)
    with writing(str(target)):
        place = _place(target)
        _check(target, place, inputs, force, folder)
        if remove_leftovers(place.parent):
            _check(target, place, inputs, force, folder)
        made: list[Path] = []
        try:
            _make_parents(place, made)
            with staging(place) as beside:  # a folder, since DuckDB writes a log beside its file
                yield beside / NEW
                if _place(target) != place:
                    raise UsageError(f"{target} leads elsewhere since it was written to")
                _check(target, place, inputs, force, folder)
                _put(beside / NEW, place, target)
                made.clear()
        finally:
            for parent in reversed(made):
                with suppress(OSError):
                    parent.rmdir()


@contextmanager
def writing(what: str, but: type[OSError] | tuple[()] = ()) -> Iterator[None]:
    """Makes a WriteError of what the system, or the format, refuses while ``what`` is written.

    Errors of the kind ``but`` are not made one.
    """
    try:
        yield
    except but:
        raise
    except _refusals() as error:
        raise WriteError(f"cannot write {what}: {_reason(error)}") from error


def _refusals() -> tuple[type[Exception], ...]:
    """Asked only once something was raised: few commands need DuckDB."""
    found: tuple[type[Exception], ...] = (OSError, pa.ArrowNotImplementedError)
    if "duckdb" in sys.modules:
        import duckdb

        found += (duckdb.OperationalError, duckdb.FatalException)
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, pa.ArrowNotImplementedError):
        return f"{error} (CAST it in the statement, or give another --format)"
    if not isinstance(error, OSError) or not error.errno:
        return (str(error) or type(error).__name__).splitlines()[0]
    reason = os.strerror(error.errno)
    elsewhere = error.filename is not None and ".tbtools-" not in str(error.filename)
    return f"{reason}: {error.filename}" if elsewhere else reason


# --- what may not be written to ------------------------------------------------------------------


def _place(target: Path) -> Path:
    """Where a target is, links in its parents followed. A link that it is itself is not."""
    if "\0" in str(target):
        raise UsageError(f"{str(target)!r} is no path")
    if target.name in ("", ".."):
        return Path(os.path.realpath(target))
    return Path(os.path.realpath(target.parent)) / target.name


def _check(target: Path, place: Path, inputs: Iterable[str], force: bool, folder: bool) -> None:
    _keep_inputs(target, place, inputs)
    try:
        status = place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        for parent in place.parents:
            if parent.exists():
                if not parent.is_dir():
                    raise UsageError(f"{parent} is not a folder") from None
                break
        return
    if stat.S_ISLNK(status.st_mode):
        raise TargetExistsError(
            f"{target} is a link, which is not replaced; remove it, or give another output"
        )
    if stat.S_ISDIR(status.st_mode):
        if not folder:
            raise TargetExistsError(f"{target} is a folder; give a file")
    elif not stat.S_ISREG(status.st_mode):
        raise TargetExistsError(f"{target} is no regular file; give one, or a pipe to stdout")
    elif folder:
        raise TargetExistsError(f"{target} is a file; give a folder")
    if not force:
        raise TargetExistsError(f"{target} exists (--force replaces it)")
    if folder:
        _keep_foreign(target, place)
    elif "tfevents" in place.name:
        raise TargetExistsError(
            f"{target} has the name of an event file, which is not replaced; remove it yourself, "
            "or give another output"
        )


def _keep_foreign(target: Path, place: Path) -> None:
    foreign = foreign_file(place)
    if foreign is not None:
        raise TargetExistsError(
            f"{target} holds {foreign!r}, which tbtools did not write; remove it yourself, "
            "or give another output"
        )


def _keep_inputs(target: Path, place: Path, inputs: Iterable[str]) -> None:
    own = _identity(place)
    above = _identities(place)
    for path in inputs:
        real = Path(os.path.realpath(path))
        known = _identity(real)
        if known is None:
            continue  # gone since it was read
        kind = "logdir" if real.is_dir() else "input"
        if known == own:
            raise UsageError(f"{target} is the {kind} {path} itself; give another output")
        if known in above:
            raise UsageError(f"{target} lies in the {kind} {path}; give an output outside of it")
        # What a link is in is lost together with the link.
        if own in _identities(real) | _identities(_place(Path(path)).parent):
            raise UsageError(f"{target} holds the {kind} {path}; give an output outside of it")
    if own in _identities(Path(os.path.realpath("."))):
        raise UsageError(f"{target} holds the current folder; give another output")


def _identities(path: Path) -> set[Identity]:
    """Those of a path and of all that it is in."""
    found = map(_identity, (path, *path.parents))
    return {each for each in found if each is not None}


def _identity(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


# --- moving into place ---------------------------------------------------------------------------


def _make_parents(place: Path, made: list[Path]) -> None:
    """Makes the folders above ``place`` that are missing, and tells which."""
    for parent in reversed([parent for parent in place.parents if not parent.exists()]):
        parent.mkdir(exist_ok=True)
        made.append(parent)


def _put(source: Path, place: Path, target: Path) -> None:
    if not os.path.lexists(place):
        if not _rename(source, place, RENAME_NOREPLACE):
            source.rename(place)
    elif not source.is_dir():
        source.replace(place)
    else:
        _replace_folder(source, place, target)


def _replace_folder(source: Path, place: Path, target: Path) -> None:
    """``OLD`` is what remove_leftovers looks at, if this is killed: both are moved by way of it."""
    old = source.with_name(OLD)
    source.rename(old)
    exchanged = _rename(old, place, RENAME_EXCHANGE)
    if not exchanged:
        old.rename(source)
        place.rename(old)
    try:
        if not exchanged:
            source.rename(place)
        _keep_foreign(target, old)  # somebody may have been quick
    except BaseException:
        with suppress(OSError):
            place.rename(source)
        old.rename(place)
        raise


def _rename(one: Path, other: Path, flag: int) -> bool:
    """Rename in one step, as the flag says; False where the system cannot do that."""
    if sys.platform != "linux":
        return False
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    done = renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), ctypes.c_uint(flag))
    if done == 0:
        return True
    if ctypes.get_errno() in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(other))
