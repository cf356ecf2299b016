"""Outputs that appear all at once, and never where they may not be.

Something is written beside its target and moved into place when it is complete: a reader sees the
old output or the new one, never half of one, whatever kills the writer.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tbtools.errors import TargetExistsError, UsageError
from tbtools.tables.manifest import is_exported

__all__ = ["check_target", "staged"]

AT_FDCWD = -100
RENAME_EXCHANGE = 2  # renameat2(2)


def check_target(target: Path, logdirs: Sequence[str], force: bool) -> None:
    """Raises UsageError or TargetExistsError if nothing may be written at ``target``.

    Nothing is written into a logdir. With ``force``, a file may be replaced, and a folder if it is
    empty or a dataset of tbtools.
    """
    real = target.resolve()
    for logdir in logdirs:
        folder = Path(logdir).resolve()
        if folder.is_dir() and (real == folder or folder in real.parents):
            raise UsageError(f"{target} lies in the logdir {logdir}; give an output outside of it")
        if real == folder:
            raise UsageError(f"{target} is the input itself")
    if not target.parent.is_dir() and target.parent.exists():
        raise UsageError(f"{target.parent} is not a folder")
    if not target.exists() and not target.is_symlink():
        return
    if not force:
        raise TargetExistsError(f"{target} exists (--force replaces it)")
    if target.is_dir() and not is_exported(str(target)) and any(target.iterdir()):
        raise TargetExistsError(
            f"{target} is a folder that tbtools did not write; remove it yourself"
        )


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """A path beside ``target`` to write to. It takes the target's place if nothing is raised."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}.partial"
    try:
        yield beside
        _put(beside, target)
    finally:
        _remove(beside)


def _put(source: Path, target: Path) -> None:
    if source.is_dir() and target.exists() and not target.is_symlink():
        if _exchange(source, target):
            return  # the old one is at `source` now, and is removed as any leftover is
        aside = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}.old"
        target.rename(aside)
        source.rename(target)
        _remove(aside)
        return
    if target.is_dir() and not target.is_symlink():
        _remove(target)
    source.replace(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two paths in one step, where the system can do that."""
    if sys.platform != "linux":
        return False
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    done = renameat2(
        AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), ctypes.c_uint(RENAME_EXCHANGE)
    )
    if done == 0:
        return True
    if ctypes.get_errno() in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(other))
