"""Meshes: vertices, faces and colours."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st
from kind_events import events_of, metadata_of, refused_by, rows_in, rows_of
from tensor_building import tensor_proto

from tbtools.kinds.meshes import KIND
from tbtools.proto.plugins_pb2 import MeshPluginData
from tbtools.proto.tfevents_pb2 import TensorProto

VERTEX, FACE, COLOR = 1, 2, 3


def about(part: int, config: str = "") -> bytes:
    return metadata_of("mesh", MeshPluginData(name="m", content_type=part, json_config=config))


def points(dtype: int, code: str, *numbers: float) -> TensorProto:
    content = struct.pack(f"<{len(numbers)}{code}", *numbers)
    return tensor_proto(dtype, (1, len(numbers) // 3, 3), tensor_content=content)


def test_no_events_are_no_rows() -> None:
    assert KIND.decode(events_of()).tables == {}


def test_each_part_is_a_row() -> None:
    events = events_of(
        points(1, "f", 0.5, 1.5, -2.0),
        points(3, "i", 0, 1, 2, 2, 1, 0),
        points(4, "B", 255, 0, 128),
        metadata=[about(VERTEX, '{"a": 1}'), about(FACE), about(COLOR)],
    )
    assert rows_of(KIND, events) == [
        {
            "event_index": 0,
            "name": "m",
            "part": "vertex",
            "shape": [1, 1, 3],
            "values": [0.5, 1.5, -2.0],
            "config": '{"a": 1}',
        },
        {
            "event_index": 1,
            "name": "m",
            "part": "face",
            "shape": [1, 2, 3],
            "values": [0, 1, 2, 2, 1, 0],
        },
        {
            "event_index": 2,
            "name": "m",
            "part": "color",
            "shape": [1, 1, 3],
            "values": [255, 0, 128],
        },
    ]


def test_a_mesh_without_points_is_a_row() -> None:
    (row,) = rows_of(KIND, events_of(points(1, "f"), metadata=about(VERTEX)))
    assert (row["shape"], row["values"]) == ([1, 0, 3], [])


def test_a_part_that_cannot_be_read_does_not_shift_the_others() -> None:
    events = events_of(
        b"\xff", points(1, "f", 1, 2, 3), b"", points(1, "f", 4, 5, 6), metadata=about(VERTEX)
    )
    decoded = KIND.decode(events)
    assert decoded.refused == [
        (0, "not a tensor"),
        (2, "type 0 values cannot be read as numbers"),
    ]
    rows = rows_in(KIND, events, decoded, "meshes")
    assert [(row["event_index"], row["values"]) for row in rows] == [(1, [1, 2, 3]), (3, [4, 5, 6])]


def test_what_is_not_a_mesh_is_refused() -> None:
    strings = TensorProto(dtype=7, string_val=[b"x"])
    assert refused_by(KIND, None, strings, metadata=about(FACE)) == [
        "metadata without a tensor",
        "string values cannot be read as numbers",
    ]


def test_metadata_must_say_which_part_it_is() -> None:
    payload = points(1, "f", 1, 2, 3)
    unknown = "the tag's metadata does not say which part of a mesh this is"
    assert refused_by(KIND, payload, metadata=about(0)) == [unknown]
    assert refused_by(KIND, payload, metadata=about(9)) == [unknown]
    assert refused_by(KIND, payload, metadata=None) == [unknown]
    assert refused_by(KIND, payload, metadata=metadata_of("mesh", b"\xff")) == [
        "the tag's metadata is not that of a mesh"
    ]
    assert refused_by(KIND, payload, metadata=b"\xff") == ["the tag's metadata cannot be read"]


def test_points_that_are_only_declared_are_refused() -> None:
    huge = tensor_proto(4, [10**10], int_val=[1])
    assert "declares 10000000000" in refused_by(KIND, huge, metadata=about(COLOR))[0]


@given(st.lists(st.tuples(st.binary(max_size=32), st.binary(max_size=16))))
def test_any_bytes_are_rows_or_refused(pairs: list[tuple[bytes, bytes]]) -> None:
    contents = [metadata_of("mesh", content) for _, content in pairs]
    events = events_of(*(payload for payload, _ in pairs), metadata=contents)
    decoded = KIND.decode(events)
    assert len(rows_in(KIND, events, decoded, "meshes")) + len(decoded.refused) == len(pairs)
