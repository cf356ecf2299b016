"""Rows of ``events`` → the events that they were: what no table claims is written as it stands."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.decode.encoding import MEMBERS, Encoded, Encoder, members, metadata_of
from tbtools.decode.kind import UNCLAIMED
from tbtools.errors import UsageError

__all__ = ["ENCODER"]

WRITABLE = MEMBERS.keys() - {"simple_value"}  # of which there is no payload


def encode(tables: Mapping[str, pa.RecordBatch]) -> Encoded:
    """An event for each row. Of its metadata there is the plugin's name only."""
    rows = tables[UNCLAIMED.name]
    fields = rows["field"].to_pylist()
    for field in fields:
        if field not in WRITABLE:
            raise UsageError(f"events: field {field!r} is none of {', '.join(sorted(WRITABLE))}")
    plugins = rows["plugin"].to_pylist()
    about = [None if name is None else metadata_of(name, 0) for name in plugins]
    of_values = pc.not_equal(pc.bit_wise_and(members(fields), pa.scalar(128, pa.uint8())), 0)
    return Encoded(
        pc.if_else(of_values, rows["tag"], pa.scalar(None, rows["tag"].type)),
        rows["step"],
        rows["wall_time"],
        member=members(fields),
        payload=rows["payload"],
        metadata=pa.array(about, pa.binary()).dictionary_encode(),
    )


ENCODER = Encoder({UNCLAIMED.name: ("field", "payload")}, encode)
