"""What one file holds, counted piece by piece as it grows, as if it had been counted at once.

The core counts what one reading gives (``_core.FileSurvey``); here that is added to what earlier
readings gave, maybe in another process.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tbtools import _core

__all__ = ["KEPT", "NOT_KEPT", "Counted"]

#: As the core does it: sequences of steps that are kept of one count.
MOST_SEQUENCES = 32

#: Entries of a count that are kept. The others are for verify, which reads files whole.
KEPT = 14
NOT_KEPT = (0, 0, 0, 0)

NO_VALUES = ("file_version", "empty_summary")  # fields that do not make a START begin a segment

Sequences = list[tuple[int, int, int]]
#: An entry of ``_core.FileSurvey.counts``, and of ``marks``.
Count = tuple[Any, ...]
Mark = tuple[Any, ...]


@dataclass
class Counted:
    """The attributes of a ``_core.FileSurvey``, and what follows may be added to it."""

    counts: list[Count] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    last_step: int | None = None

    def plus(self, more: _core.FileSurvey | Counted) -> Counted:
        """What was found, and what was found behind it."""
        starts = list(more.starts)
        first: list[Any] = [mark[1] for mark in more.marks if mark[0] == "start"][:1]
        begins = bool(first) and first[0] not in starts and self._has_values()
        # What comes before the START, at most a version, goes with it.
        shift = len(self.starts) + begins
        if begins:
            starts = first + starts
        found = dict(_keyed(self.counts))
        further = ((each[0] + shift, *each[1:KEPT], *NOT_KEPT) for each in more.counts)
        for key, count in _keyed(further):
            known = found.get(key)
            found[key] = count if known is None else _sum(known, count)
        return Counted(
            list(found.values()),
            [*self.starts, *starts],
            [*self.marks, *self._further(more.marks)],
            self.last_step if more.last_step is None else more.last_step,
        )

    def _has_values(self) -> bool:
        """Whether there are values in the last segment so far."""
        last = len(self.starts)
        return any(each[0] == last and each[2] not in NO_VALUES for each in self.counts)

    def _further(self, marks: Iterable[Mark]) -> Iterator[Mark]:
        """The marks of what follows, without those that only its beginning was one."""
        versions = (mark[2] for mark in reversed(self.marks) if mark[0] == "version")
        looks_at_steps = next(versions, b"") != b"brain.Event:2"
        for mark in marks:
            if mark[0] == "version":
                looks_at_steps = mark[2] != b"brain.Event:2"
            if mark[0] != "summary":
                yield mark
                continue
            what, offset, step, before, tags = mark
            before = self.last_step if before is None else before
            if looks_at_steps and (before is None or step < before):
                yield what, offset, step, before, tags


def _keyed(counts: Iterable[Count]) -> Iterator[tuple[tuple[Any, ...], Count]]:
    """Counts by segment, tag, field and plugin, and the how manieth of these it is."""
    times: dict[tuple[Any, ...], int] = {}
    for each in counts:
        key = each[:4]
        times[key] = times.get(key, 0) + 1
        yield (*key, times[key]), each


def _sum(one: Count, more: Count) -> Count:
    """Two counts of the same, the second of what came later. NaN is no time if there is another."""
    key = one[:4]
    points, first, _, low, high, first_time, _, early, late, steps = one[4:KEPT]
    further, _, last, lower, higher, _, last_time, earlier, later, further_steps = more[4:KEPT]
    return (
        *key,
        points + further,
        first,
        last,
        min(low, lower),
        max(high, higher),
        first_time,
        last_time,
        earlier if math.isnan(early) else early if math.isnan(earlier) else min(early, earlier),
        later if math.isnan(late) else late if math.isnan(later) else max(late, later),
        _joined(steps, further_steps),
        *NOT_KEPT,
    )


def _joined(one: Sequences | None, more: Sequences | None) -> Sequences | None:
    """Steps as sequences, those of what came later behind the others."""
    if one is None or more is None:
        return None
    joined = list(one)
    for first, stride, count in more:
        rest = count
        last, step, so_far = joined[-1] if joined else (0, 0, 0)
        if so_far == 1 or (so_far and first == last + step * so_far):
            step = first - last if so_far == 1 else step
            goes_on = stride == step or count == 1
            taken = count if goes_on else 1
            joined[-1] = (last, step, so_far + taken)
            rest -= taken
        if rest == count:
            joined.append((first, stride, count))
        elif rest:
            joined.append((first + stride, stride if rest > 1 else 0, rest))
    return joined if len(joined) <= MOST_SEQUENCES else None
