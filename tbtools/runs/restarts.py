"""What the restarts of a run overwrote, under each policy.

``keep`` gives every row. ``latest`` drops, for each tag, the rows of a segment at or after the
first step of that tag in a later segment. ``tensorboard`` drops what TensorBoard's Python loader
drops (purging.py). Both come down to places in the run from which on earlier rows
of a tag are kept only below some step.
"""

from __future__ import annotations

import pyarrow as pa

from tbtools.runs.survey import Survey
from tbtools.selection import RestartPolicy

__all__ = ["Overwritten", "overwritten"]


class Overwritten:
    """Tells which rows of a run were overwritten later in the run."""

    def __init__(self, rules: list[tuple[str, int, int]]) -> None:
        """From each position (tag, position, step) on, earlier rows stay only below the step."""
        import polars as pl

        self._empty = not rules
        frame = pl.DataFrame(
            rules, {"tag": pl.String, "position": pl.Int64, "limit": pl.Int64}, orient="row"
        )
        limit = pl.col("limit").cum_min(reverse=True).over("tag")
        self._rules = frame.sort("position").with_columns(limit)

    def __bool__(self) -> bool:
        return not self._empty

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


def overwritten(survey: Survey, policy: RestartPolicy) -> Overwritten | None:
    """What is overwritten in a run; None if nothing can be."""
    if policy == "latest":
        rules = _latest(survey)
    elif policy == "tensorboard":
        rules = _tensorboard(survey)
    else:
        rules = []
    return Overwritten(rules) if rules else None


def _latest(survey: Survey) -> list[tuple[str, int, int]]:
    if len(survey.segments) < 2:
        return []
    first: dict[tuple[str, int], int] = {}
    for stats in survey.stats:
        if stats.tag is not None and stats.segment > 0:
            # A tag may have several entries in a segment, in the order of their first values.
            first.setdefault((stats.tag, stats.segment), stats.first_step)
    return [(tag, survey.segments[segment], step) for (tag, segment), step in first.items()]


def _tensorboard(survey: Survey) -> list[tuple[str, int, int]]:
    tags = {stats.tag for stats in survey.stats if stats.tag is not None}
    return [
        (tag, purge.position, purge.step)
        for purge in survey.purges
        for tag in (sorted(tags) if purge.tag is None else [purge.tag])
    ]
