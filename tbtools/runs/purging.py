"""What TensorBoard's Python loader drops of a run: its rules, as a machine that is fed events.

The loader is ``EventAccumulator`` of TensorBoard 2.21's
``backend/event_processing/plugin_event_accumulator.py`` with ``purge_orphaned_data`` set. The rules
in words: docs/format.md, "Restarts". The core finds the events (``FileSurvey.marks``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["Purge", "Purging"]


@dataclass(frozen=True)
class Purge:
    """A place where TensorBoard drops what was read before it, at ``step`` and above.

    Of all tags if ``tag`` is None.
    """

    position: int
    step: int
    tag: str | None = None


class Purging:
    """Is fed the events of a run in their order, and notes where TensorBoard drops something.

    Versions and STARTs must all be fed; an event with a Summary need not be if its step is not
    below that of the one before.
    """

    def __init__(self) -> None:
        self.purges: list[Purge] = []
        self.last_step = -1  # of the latest event with a Summary
        self.looks_at_steps = True  # else at STARTs
        self._started = False

    def feed(
        self,
        marks: Iterable[tuple[Any, ...]],
        last_step: int | None,
        position: Callable[[str, int], int],
    ) -> None:
        """The events of a file or of a piece of it: ``marks`` and ``last_step`` of a FileSurvey.

        ``position`` gives that of a START or Summary (``start``, ``summary``) by its offset.
        """
        for mark in marks:
            match mark:
                case ("version", _, text):
                    self.version(text.decode("utf-8", "replace"))
                case ("start", offset, step):
                    self.start(position("start", offset), step)
                case ("summary", offset, step, before, tags):
                    if before is not None:
                        self.last_step = before
                    self.summary(position("summary", offset), step, tags)
        if last_step is not None:
            self.last_step = last_step

    def version(self, file_version: str) -> None:
        """An event with a file_version. It holds until the next, whichever file that is in."""
        try:
            version = float(file_version.rpartition("brain.Event:")[2])
        except ValueError:
            version = -1.0
        self.looks_at_steps = not version >= 2  # NaN, too

    def start(self, position: int, step: int) -> None:
        """A SessionLog START. The first that is looked at begins the run."""
        if self.looks_at_steps:
            return
        if self._started:
            self.purges.append(Purge(position, step))
        self._started = True

    def summary(self, position: int, step: int, tags: Iterable[str]) -> None:
        """An event with a Summary, and the tags of its values, of which there may be none."""
        if self.looks_at_steps and step < self.last_step:
            self.purges.extend(Purge(position, step, tag) for tag in tags)
        self.last_step = step
