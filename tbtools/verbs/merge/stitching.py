"""The parts of one training → what becomes of their steps, times and overwritten values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tbtools.output.tag_plans import whole_tags
from tbtools.runs.places import place_of, position_of
from tbtools.runs.reading import RunReader
from tbtools.runs.restarts import Limit, dropped, limits_of, rules_of
from tbtools.runs.survey import Survey, TagStats, put_together
from tbtools.selection import RestartPolicy

__all__ = ["Stitching", "Switch"]


@dataclass(frozen=True)
class Switch:
    """From a position on, this is added to steps, and to wall_times, in seconds."""

    position: int
    shift: int
    time_shift: float


@dataclass
class Stitching:
    """How the parts of a run follow each other. Files are numbered through all of them.

    ``pauses`` are seconds in which nothing was written, and that are taken out of the times.
    """

    readers: Sequence[RunReader]
    policy: RestartPolicy
    offset_steps: bool
    close_gaps: bool
    switches: list[Switch] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    pauses: float = 0.0

    def __post_init__(self) -> None:
        files = [file for reader in self.readers for file in reader.file_surveys]
        self.survey = put_together(files)
        if self.policy != "keep":
            if self.offset_steps:
                self.limits = sorted(self._limits_of_parts(), key=lambda limit: limit[0])
            else:
                self.limits = limits_of(rules_of(self.survey, self.policy))
        self.switches = list(self._find_switches())

    def overwritten(self) -> int:
        """How many values a restart wrote again, as far as that is known without reading them."""
        rules = [] if self.offset_steps else rules_of(self.survey, "latest")
        return dropped(self.survey, rules) or 0

    def _limits_of_parts(self) -> Iterator[Limit]:
        """Parts that are moved behind each other overwrite nothing but what is their own."""
        for reader, first in zip(self.readers, self._first_files(), strict=True):
            for position, tag, step in reader.limits(self.policy):
                yield max(position, 0) + position_of(first, 0), tag, step

    def _first_files(self) -> list[int]:
        firsts = [0]
        for reader in self.readers[:-1]:
            firsts.append(firsts[-1] + len(reader.run.files))
        return firsts

    def _find_switches(self) -> Iterator[Switch]:
        shifts = dict(zip(self._first_files(), self._shifts(), strict=True))
        times = self._time_shifts()
        shift = 0
        for number, position in enumerate(self.survey.segments):
            file, offset = place_of(position)
            if offset == 0:
                shift = shifts.get(file, shift)
            yield Switch(position, shift, times[number])

    # --- steps -------------------------------------------------------------------------------

    def _shifts(self) -> list[int]:
        """What is added to the steps of each part, so that it goes on where the one before ended.

        The first step of a part comes as far behind the last one as that was behind the step
        before it.
        """
        if not self.offset_steps:
            return [0] * len(self.readers)
        shifts: list[int] = []
        end: int | None = None  # where the next part is to begin
        for reader in self.readers:
            stats = list(_with_steps(reader.survey()))
            if not stats:
                shifts.append(0)
                continue
            shift = 0 if end is None else end - min(each.min_step for each in stats)
            shifts.append(shift)
            last = max(self._kept(reader, stats), key=lambda each: each.max_step)
            end = last.max_step + _stride(last) + shift
        return shifts

    def _kept(self, reader: RunReader, stats: list[TagStats]) -> list[TagStats]:
        """The values of a part that nothing overwrites, whole segments of a tag at a time."""
        if self.policy == "keep":
            return stats
        limited = {tag for _, tag, _ in reader.limits(self.policy)}
        last = {each.tag: each.segment for each in stats}
        kept = [each for each in stats if each.tag not in limited or each.segment == last[each.tag]]
        return kept or stats

    # --- times -------------------------------------------------------------------------------

    def _time_shifts(self) -> list[float]:
        """What is added to the times of each segment, so that none begins after a pause."""
        shifts = [0.0] * len(self.survey.segments)
        if not self.close_gaps:
            return shifts
        spans: dict[int, tuple[float, float]] = {}
        for stats in self.survey.stats:
            if stats.tag is not None and stats.min_time <= stats.max_time:  # neither is NaN
                first, last = spans.get(stats.segment, (stats.min_time, stats.max_time))
                spans[stats.segment] = min(first, stats.min_time), max(last, stats.max_time)
        end: float | None = None
        for number in range(len(shifts)):
            if number in spans:
                first, last = spans[number]
                if end is not None and first > end:
                    self.pauses += first - end
                end = last if end is None else max(end, last)
            shifts[number] = -self.pauses
        return shifts


def _with_steps(survey: Survey) -> Iterator[TagStats]:
    """The values that are of a step: not those that belong to the run as a whole."""
    whole = whole_tags(survey)
    for stats in survey.stats:
        if stats.tag is not None and stats.tag not in whole:
            yield stats


def _stride(stats: TagStats) -> int:
    if not stats.steps:
        return 1
    _, stride, count = stats.steps[-1]
    return stride if stride > 0 and count > 1 else 1
