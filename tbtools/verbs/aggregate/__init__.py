"""``aggregate``: statistics of scalars over runs.

Points are numbered and put into files by what they will meet in (points.py), brought to common
steps (alignment.py), and what runs have at one step becomes a row (statistics.py, bootstrap.py).
"""

from __future__ import annotations

from tbtools.verbs.aggregate.verb import (
    AggregateOptions,
    Aggregation,
    Align,
    aggregate,
    aggregate_events,
    aggregated,
    write_events,
)

__all__ = [
    "AggregateOptions",
    "Aggregation",
    "Align",
    "aggregate",
    "aggregate_events",
    "aggregated",
    "write_events",
]
