"""Processes that are killed at some instant. They are forked from one without threads."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

#: What Python tells of before it asks the system for it.
CALLS = (
    "open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.scandir", "os.listdir", "os.link",
    "os.truncate", "shutil.copyfile", "fcntl.flock", "ctypes.dlsym",
)  # fmt: skip


def in_a_process(work: Callable[[], object], seconds: float | None = None) -> int:
    """How a process ended that did some work: 0, what it exited with, or the signal below zero.

    With ``seconds`` it is killed after that time.
    """
    child = os.fork()
    if not child:
        try:
            work()
            sys.stdout.flush()
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def calls_of(work: Callable[[], object], note: Path) -> int:
    """How many calls to the file system some work makes, which is done by a process of its own."""

    def run() -> None:
        count = _counted(lambda _: None)
        work()
        note.write_text(str(count[0]))

    if in_a_process(run):
        raise RuntimeError("it failed without being killed")
    return int(note.read_text())


def killed_at(call: int, work: Callable[[], object]) -> Callable[[], None]:
    """The same, killed when it is about to make this many calls to the file system."""

    def kill(count: int) -> None:
        if count == call:
            os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        _counted(kill)
        work()

    return run


def _counted(then: Callable[[int], None]) -> list[int]:
    """Counts the calls of this process from now on, and tells each time."""
    count = [0]

    def see(event: str, _: tuple[object, ...]) -> None:
        if event in CALLS:
            count[0] += 1
            then(count[0])

    sys.addaudithook(see)
    return count
