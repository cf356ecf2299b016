"""Standard streams: closed ones, full ones, and readers that have seen enough."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from typing import IO, TextIO

from tbtools.errors import WriteError

__all__ = ["is_closed", "note", "open_missing", "silence", "to_stdout"]


def to_stdout(write: Callable[[IO[bytes]], object]) -> None:
    """Let ``write`` write to stdout. That nobody reads it to its end is no failure.

    Raises WriteError if the system refuses it, such as on a full disk.
    """
    from tbtools.output.targets import writing

    try:
        with writing("stdout", but=BrokenPipeError):
            sys.stdout.flush()
            write(sys.stdout.buffer)
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        silence(sys.stdout)
    except WriteError:
        silence(sys.stdout)  # or what is left in the buffer would fail again at the end
        raise


def note(text: str) -> None:
    """A line on stderr, where everything is said that is no data."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def is_closed(stream: TextIO) -> bool:
    """Whether whoever read from a stream has gone, as far as the system tells without writing."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except (AttributeError, OSError, ValueError):  # no poll on Windows, no number of a test's
        return False


def silence(stream: TextIO) -> None:
    """Let what is still written to a stream go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def open_missing() -> None:
    """Open standard streams that were closed, to nowhere.

    Otherwise the next file that is opened, perhaps an output, takes the place of stderr.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = os.O_RDONLY if number == 0 else os.O_WRONLY
            opened = os.open(os.devnull, mode)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8"))  # noqa: PTH123, SIM115
