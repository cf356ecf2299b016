"""A progress bar on stderr, on a terminal only, and only for what takes a while."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Any

__all__ = ["Progress", "hide_progress"]

PATIENCE = 0.5  # seconds before a bar appears
PAUSE = 0.1  # seconds between two drawings


class Progress:
    """Counts bytes that were read, of ``total``. Several threads may advance it."""

    def __init__(self) -> None:
        self.total = 0
        self._done = 0
        self._begun = time.monotonic()
        self._drawn = 0.0
        self._wanted = sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        _watched.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        _watched.remove(self)
        self.hide()

    def hide(self) -> None:
        """Take the bar away, for good."""
        with self._lock:
            self._wanted = False
            if self._bar is not None:
                self._bar.stop()

    def expect(self, total: int) -> None:
        """Tell how many bytes there will be."""
        self.total = total

    def advance(self, count: int) -> None:
        """Tell of bytes that were read."""
        self._done += count
        if not self._wanted:
            return
        now = time.monotonic()
        if now - self._begun < PATIENCE or now - self._drawn < PAUSE:
            return
        with self._lock:
            if self._wanted:
                self._draw()
                self._drawn = now

    def _draw(self) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            console = Console(stderr=True)
            columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
            # What goes to stdout must not end up on stderr because a bar is there.
            self._bar = Bar(*columns, console=console, transient=True, redirect_stdout=False)
            self._task = self._bar.add_task("", total=self.total)
            self._bar.start()
        # Several tables may be read one after the other, each of them from the beginning.
        total = max(self.total, 1)
        self._bar.update(self._task, completed=self._done % (total + 1), total=total)


#: Those that are counting. There is one terminal, so whoever prints to it has to know them.
_watched: list[Progress] = []


def hide_progress() -> None:
    """Take all bars away: something else is about to be printed to the terminal."""
    for each in _watched:
        each.hide()
