"""A Parquet dataset that follows logdirs, and reads nothing of them twice.

How it lies on the disk, and what holds whenever the process ends: docs/design.md, "Logs that grow".
"""

from __future__ import annotations

from tbtools.verbs.sync.verb import Synced, sync, watch

__all__ = ["Synced", "sync", "watch"]
