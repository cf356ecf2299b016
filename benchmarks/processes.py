"""A whole process as a contender."""

from __future__ import annotations

import os
import subprocess
import sys
import time

__all__ = ["Measure", "process"]

#: Seconds of work, and rows that came of it (None: not of rows).
Measure = tuple[float, int | None]


def process(*arguments: str) -> float:
    """Seconds of this Python with these arguments. 3 is the exit code of damage, and no failure."""
    command = [sys.executable, *arguments]
    begin = time.perf_counter()
    # As for a user: what Python has compiled, it keeps.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    )
    seconds = time.perf_counter() - begin
    if done.returncode not in (0, 3):
        raise RuntimeError(f"{arguments} ended with {done.returncode}: {done.stderr[-1000:]}")
    return seconds
