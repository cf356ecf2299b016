"""What the restarts of a run overwrote, under each policy.

``keep`` gives every row. ``latest`` drops, for each tag, the rows of a segment at or after the
first step of that tag in a later segment. ``tensorboard`` drops what TensorBoard's Python loader
drops (purging.py). Both come down to places in the run from which on earlier rows
of a tag are kept only below some step.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

import pyarrow as pa

from tbtools.runs.survey import Survey, TagStats
from tbtools.selection import RestartPolicy

__all__ = ["Limit", "Overwritten", "Rule", "dropped", "limits_of", "rules_of"]

#: (tag, position, step): from the position on, earlier rows of the tag stay only below the step.
Rule = tuple[str, int, int]

#: (position, tag, step): from the position on, rows of the tag stay below the step; None: all do.
Limit = tuple[int, str, int | None]


class Overwritten:
    """Tells which rows of a run were overwritten later in the run."""

    def __init__(self, rules: list[Rule]) -> None:
        import polars as pl

        frame = pl.DataFrame(
            rules, {"tag": pl.String, "position": pl.Int64, "limit": pl.Int64}, orient="row"
        )
        limit = pl.col("limit").cum_min(reverse=True).over("tag")
        self._rules = frame.sort("position").with_columns(limit)

    def kept(self, tag: pa.Array, step: pa.Array, position: pa.Array) -> pa.Array:
        """A mask of the rows that stay; ``position`` must not descend."""
        import polars as pl

        rows = pl.DataFrame(
            {
                "tag": pl.Series(pa.array(tag.cast(pa.string()))),
                "step": pl.Series(step),
                "position": pl.Series(position),
            }
        )
        joined = rows.join_asof(
            self._rules,
            on="position",
            by="tag",
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        kept = joined["limit"].is_null() | (joined["step"] < joined["limit"])
        return kept.to_arrow()


def rules_of(survey: Survey, policy: RestartPolicy) -> list[Rule]:
    """What is overwritten in a run; nothing if nothing can be."""
    if len(survey.segments) < 2 and not survey.purges:
        return []
    if policy == "latest":
        return _latest(survey)
    return _tensorboard(survey) if policy == "tensorboard" else []


def _latest(survey: Survey) -> list[Rule]:
    first: dict[tuple[str, int], int] = {}
    for stats in survey.stats:
        if stats.tag is not None and stats.segment > 0:
            # A tag may have several entries in a segment, in the order of their first values.
            first.setdefault((stats.tag, stats.segment), stats.first_step)
    return [(tag, survey.segments[segment], step) for (tag, segment), step in first.items()]


def _tensorboard(survey: Survey) -> list[Rule]:
    tags = sorted({stats.tag for stats in survey.stats if stats.tag is not None})
    return [
        (tag, purge.position, purge.step)
        for purge in survey.purges
        for tag in (tags if purge.tag is None else [purge.tag])
    ]


def limits_of(rules: list[Rule]) -> list[Limit]:
    """The same rules for somebody who goes through the run from its beginning, by position."""
    of_tag: dict[str, list[tuple[int, int]]] = {}
    for tag, position, step in rules:
        of_tag.setdefault(tag, []).append((position, step))
    found: list[Limit] = []
    for tag, each in of_tag.items():
        each.sort()
        steps = [step for _, step in each]
        limits: list[int | None] = [*list(accumulate(reversed(steps), min))[::-1], None]
        places = [-1, *(position for position, _ in each)]
        # At one position the last limit counts, and those that say nothing new are left out.
        found += [
            (place, tag, limit)
            for number, (place, limit) in enumerate(zip(places, limits, strict=True))
            if number == 0 or limit != limits[number - 1]
        ]
    return sorted(found, key=lambda limit: limit[0])


def dropped(survey: Survey, rules: list[Rule]) -> int | None:
    """The number of rows that these rules drop, if the survey is enough to tell; else None."""
    of_tag: dict[str, list[tuple[int, int]]] = {}
    for tag, position, step in rules:
        of_tag.setdefault(tag, []).append((position, step))
    limits = {tag: _Limits(each) for tag, each in of_tag.items()}
    segments = survey.segments
    total = 0
    for stats in survey.stats:
        known = limits.get(stats.tag or "") if stats.tag is not None else None
        if known is None:
            continue
        begin = segments[stats.segment]
        last = stats.segment + 1 == len(segments)
        end = None if last else segments[stats.segment + 1]
        limit = known.behind(begin)
        if limit is None or stats.max_step < limit:
            continue
        if limit != known.behind(end - 1 if end is not None else None):
            return None  # something is dropped from inside the segment on
        above = _above(stats, limit)
        if above is None:
            return None
        total += above
    return total


class _Limits:
    """The rules of one tag."""

    def __init__(self, rules: list[tuple[int, int]]) -> None:
        rules.sort()
        self._positions = [position for position, _ in rules]
        steps = [step for _, step in rules]
        self._limits = list(accumulate(reversed(steps), min))[::-1]

    def behind(self, position: int | None) -> int | None:
        """The step below which rows at this position (None: the end) stay; None if all do."""
        if position is None:
            return None
        index = bisect_right(self._positions, position)
        return self._limits[index] if index < len(self._limits) else None


def _above(stats: TagStats, limit: int) -> int | None:
    """How many of the steps are at or above a limit; None if that is not known."""
    if stats.min_step >= limit:
        return stats.points
    if stats.steps is None:
        return None
    return sum(_above_in(*sequence, limit) for sequence in stats.steps)


def _above_in(first: int, stride: int, count: int, limit: int) -> int:
    if stride > 0:
        return count - min(max(-((first - limit) // stride), 0), count)
    if first < limit:
        return 0
    return count if stride == 0 else min((first - limit) // -stride + 1, count)
