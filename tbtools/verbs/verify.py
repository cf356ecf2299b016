"""``verify``: what is wrong with event files."""

from __future__ import annotations

from typing import Unpack

from tbtools.tables.logs import LogsOrPaths, OpenOptions, opened
from tbtools.tables.table import LazyTable

__all__ = ["verify"]


def verify(logs: LogsOrPaths, **options: Unpack[OpenOptions]) -> LazyTable:
    """What is wrong with event files, a row per finding; docs/format.md says what there is.

    The table is lazy: each reading of it reads all files, once, and memory does not grow with
    them. Damaged are those that have a row with ``damage``; the other rows are remarks. ``logs``
    is what ``open`` gives or takes; of its ``options``, ``run`` chooses runs.

    Raises what ``open`` raises, and UsageError for an exported dataset.
    """
    return opened(logs, options).findings()
