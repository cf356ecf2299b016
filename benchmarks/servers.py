"""Servers as whole processes: started, asked, ended, and what memory they have."""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["answer", "megabytes", "started"]


@contextmanager
def started(
    arguments: Sequence[str], logdir: Path
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server and its address; it is ended with all of its processes.

    ``arguments`` are those of this Python; LOGDIR and PORT are put in.
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    words = {"LOGDIR": str(logdir), "PORT": port}
    command = [sys.executable, *(words.get(word, word) for word in arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answer(url: str) -> bytes:
    """What a server answers; nothing where it refuses, or does not listen yet."""
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            data: bytes = response.read()
            return data
    except OSError:
        return b""


def megabytes(root: int) -> float:
    """The resident memory (proportional set size) of a process and of those that it started."""
    return sum(map(_megabytes, _tree(root)))


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue  # it has ended
        parent = int(text[text.rindex(")") + 2 :].split()[1])
        children.setdefault(parent, []).append(int(path.parent.name))
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def _megabytes(process: int) -> float:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return (
        next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024
    )
