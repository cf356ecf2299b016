"""The columns that tables share, and the names of what an event file holds."""

from __future__ import annotations

import pyarrow as pa

__all__ = ["EVENT_FIELDS", "KEYS", "LABEL", "VALUE_FIELDS", "key_fields"]

#: Few distinct strings over many rows: runs, tags, names of fields and plugins.
LABEL = pa.dictionary(pa.int32(), pa.string())

#: The key columns of a table that has a row per logged point. ``step`` is the writer's;
#: ``wall_time`` is in seconds since the epoch, exactly as written, NaN and all.
KEYS = (
    pa.field("run", LABEL, nullable=False),
    pa.field("tag", LABEL),
    pa.field("step", pa.int64(), nullable=False),
    pa.field("wall_time", pa.float64(), nullable=False),
)

#: Members of the oneof Summary.Value.value, ``metadata`` for a Value that has only that, and
#: ``none`` for one that has nothing known. Source: docs/format.md, "Summary".
VALUE_FIELDS = (
    "none",
    "metadata",
    "simple_value",
    "obsolete_old_style_histogram",
    "image",
    "histo",
    "audio",
    "tensor",
)

#: Members of the oneof Event.what but for ``summary``. Source: docs/format.md, "Event".
EVENT_FIELDS = (
    "file_version",
    "graph_def",
    "log_message",
    "session_log",
    "tagged_run_metadata",
    "meta_graph_def",
)


def key_fields(*names: str) -> list[pa.Field]:
    """The key columns of these names, in the order of KEYS."""
    return [field for field in KEYS if field.name in names]
