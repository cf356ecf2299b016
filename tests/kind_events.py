"""Events as kinds get them, and what they make of them. For tests of single kinds."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from google.protobuf.message import Message

from tbtools.decode.kind import Decoded, Events, Kind, TableSpec
from tbtools.proto.tfevents_pb2 import SummaryMetadata
from tbtools.schema import KEYS, LABEL

Bytes = bytes | Message | None


def metadata_of(plugin: str, content: Bytes = b"") -> bytes:
    """A SummaryMetadata."""
    plugin_data = SummaryMetadata.PluginData(plugin_name=plugin, content=_bytes(content))
    return SummaryMetadata(plugin_data=plugin_data).SerializeToString()


def events_of(
    *payloads: Bytes, field: str = "tensor", metadata: Bytes | list[Bytes] = None
) -> Events:
    """Events of these payloads; ``metadata`` is that of all, or a list of that of each."""
    count = len(payloads)
    each = metadata if isinstance(metadata, list) else [metadata] * count
    keys = {
        "run": pa.array(["run"] * count, LABEL),
        "tag": pa.array([f"tag{number}" for number in range(count)], LABEL),
        "step": pa.array(range(count), pa.int64()),
        "wall_time": pa.array(map(float, range(count)), pa.float64()),
    }
    return Events(
        pa.record_batch(keys, schema=pa.schema(KEYS)),
        pa.array([field] * count, pa.string()),
        pa.array([_bytes(one) for one in each], pa.binary()),
        pa.array([_bytes(payload) for payload in payloads], pa.binary()),
        pa.nulls(count, pa.float64()),
    )


def rows_of(kind: Kind, events: Events, name: str | None = None) -> list[dict[str, Any]]:
    """The rows that a kind makes, without those columns that are null; nothing may be refused."""
    decoded = kind.decode(events)
    assert decoded.refused == []
    return rows_in(kind, events, decoded, name or kind.tables[0].name)


def rows_in(kind: Kind, events: Events, decoded: Decoded, name: str) -> list[dict[str, Any]]:
    """The rows of a table in what a kind made, with ``event`` as the index of their event."""
    check(kind, events, decoded)
    if name not in decoded.tables:
        return []
    origin, columns = decoded.tables[name]
    table = pa.table({"event_index": origin, **columns})
    return [
        {column: value for column, value in row.items() if value is not None}
        for row in table.to_pylist()
    ]


def refused_by(kind: Kind, *payloads: Bytes, metadata: Bytes = None) -> list[str]:
    """Why a kind refuses these payloads; it must refuse them all, and make no rows."""
    events = events_of(*payloads, metadata=metadata)
    decoded = kind.decode(events)
    check(kind, events, decoded)
    assert decoded.tables == {}
    assert [index for index, _ in decoded.refused] == list(range(len(payloads)))
    return [reason for _, reason in decoded.refused]


def check(kind: Kind, events: Events, decoded: Decoded) -> None:
    """What every kind owes: the columns of its tables, of their types, and every event once."""
    specs: dict[str, TableSpec] = {spec.name: spec for spec in kind.tables}
    seen = {index for index, _ in decoded.refused}
    assert len(seen) == len(decoded.refused)
    for name, (origin, columns) in decoded.tables.items():
        fields = {field.name: field for field in specs[name].schema}
        own = [column for column in fields if column in columns]
        keys = [column for column in fields if column not in columns]
        assert list(fields) == keys + own, "keys, then the columns that the kind gives"
        assert set(keys) <= {field.name for field in KEYS}
        assert set(columns) == set(own)
        assert origin.type == pa.int64()
        assert seen.isdisjoint(origin.to_pylist())
        assert all(0 <= index < len(events) for index in origin.to_pylist())
        for column, values in columns.items():
            values.validate(full=True)
            assert values.type == fields[column].type, column
            assert len(values) == len(origin), column
            assert fields[column].nullable or values.null_count == 0, column


def _bytes(value: Bytes) -> bytes | None:
    return value.SerializeToString() if isinstance(value, Message) else value
