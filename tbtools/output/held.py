"""A folder that one process writes to at a time.

The system lets go of a lock when the process that has it ends, however it ends.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tbtools.errors import WriteError

__all__ = ["LOCK_SIZE", "held"]

LOCK_SIZE = 256  # bytes: what is in the file changes, what a manifest says of it does not


@contextmanager
def held(lock: Path, what: str) -> Iterator[None]:
    """Hold a lock, which is a file that is made if need be. Raises WriteError if it is taken."""
    while True:
        file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _take(file, what)
            if _is_at(file, lock):
                owner = f"process {os.getpid()} on {socket.gethostname()}"
                os.lseek(file, 0, os.SEEK_SET)
                os.write(file, owner.encode()[:LOCK_SIZE].ljust(LOCK_SIZE))
                yield
                return
        finally:
            os.close(file)  # and the lock with it


def _is_at(file: int, path: Path) -> bool:
    """Whether a file is still the one at its path."""
    try:
        status = path.stat()
    except OSError:
        return False
    return os.path.samestat(os.fstat(file), status)


def _take(file: int, what: str) -> None:
    try:
        _lock(file)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            raise WriteError(f"cannot lock {what}: {error.strerror or error}") from error
        os.lseek(file, 0, os.SEEK_SET)
        owner = os.read(file, LOCK_SIZE).decode("utf-8", "replace").strip()
        who = f"another sync ({owner})" if owner else "another sync"
        raise WriteError(
            f"{what} is being written by {who}; wait until it is done, or give another output"
        ) from None


def _lock(file: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        os.lseek(file, 1 << 20, os.SEEK_SET)  # a byte that nobody reads
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
