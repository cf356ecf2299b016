"""Disks that are full, and files to which something happens while they are read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tbtools.files.storage import Source


class Changing:
    """A source to whose file something happens when it is read."""

    def __init__(self, source: Source, happen: Callable[[], None]) -> None:
        self._source = source
        self._happen = happen

    def size(self) -> int | None:
        return self._source.size()

    def read_into(self, offset: int, buffer: memoryview) -> int:
        self._happen()
        return self._source.read_into(offset, buffer)

    def close(self) -> None:
        self._source.close()


def disk_of(megabytes: int, place: Path) -> Iterator[Path]:
    """A file system of this size, until the next; skips the test for others than root."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield place
    finally:
        done = subprocess.run(["umount", str(place)], check=False)
        if done.returncode:  # somebody has a file open that was refused
            subprocess.run(["umount", "-l", str(place)], check=True)
        assert done.returncode == 0
