"""What the core makes of Events: fields, tags, metadata, and what is none."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from driver import drive, points_of, table
from event_writing import (
    EVENT_FIELDS,
    EventFile,
    bytes_field,
    double_field,
    event_message,
    float_field,
    record,
    summary,
    summary_metadata,
    value_message,
    varint,
    varint_field,
)

from tbtools import _core
from tbtools._core import Stop


def test_the_bytes_of_the_format_description_are_read() -> None:
    version = "1800000000000000a37f4b2209000000000000f03f1a0d627261696e2e4576656e743a3286bf577a"
    loss = "1a00000000000000129bd82d09000000000000f83f10072a0d0a0b0a046c6f7373150000003f79e18fbb"
    scan = _core.scan(bytes.fromhex(version + loss), at_end=True)
    assert (scan.stop, scan.records, scan.offset, scan.skip_to) == (Stop.end, 2, 82, 82)
    assert table(scan.points) == [{"tag": "loss", "step": 7, "wall_time": 1.5, "value": 0.5}]
    (row,) = table(scan.rows)
    assert (row["field"], row["payload"]) == ("file_version", b"brain.Event:2")
    assert (scan.file_version, scan.source_metadata) == (b"brain.Event:2", b"")


@pytest.mark.parametrize("value", [0.0, -0.0, math.inf, -math.inf, math.nan, 2.0**-149, 3.4e38])
@pytest.mark.parametrize("step", [0, 1, -1, 2**63 - 1, -(2**63)])
def test_steps_and_values_come_out_as_they_were_written(step: int, value: float) -> None:
    (point,) = points_of(EventFile().scalar("a", step, value).bytes)
    assert repr(point) == repr(("a", step, pa.scalar(value, pa.float32()).as_py()))


@pytest.mark.parametrize("wall_time", [0.0, -1.5, math.nan, math.inf, 1e308])
def test_any_wall_time_is_kept(wall_time: float) -> None:
    (row,) = drive(EventFile().scalar("a", 1, 0.5, wall_time).bytes).rows
    assert row.wall_time == repr(wall_time)


@pytest.mark.parametrize(
    ("field", "payload"),
    [
        ("file_version", b"brain.Event:2"),
        ("graph_def", b"\x0a\x00"),
        ("log_message", b""),
        ("session_log", b"\x08\x01"),
        ("tagged_run_metadata", b"\x0a\x01t"),
        ("meta_graph_def", b"not even protobuf \xff"),
    ],
)
def test_events_without_a_summary_are_rows_without_a_tag(field: str, payload: bytes) -> None:
    source = bytes_field(1, "writer")
    file = EventFile().what(field, payload, 7, 1.5)
    file.event(bytes_field(EVENT_FIELDS[field], payload) + bytes_field(10, source), 8, 2.5)
    expected = {"tag": None, "field": field, "payload": payload, "value": None}
    first, second = table(_core.scan(file.bytes).rows)
    assert first == {**expected, "offset": 0, "step": 7, "wall_time": 1.5, "metadata": None,
                     "points_before": 0}  # fmt: skip
    assert second == {**expected, "offset": file.offsets[1], "step": 8, "wall_time": 2.5,
                      "metadata": source, "points_before": 0}  # fmt: skip


@pytest.mark.parametrize(
    "field", ["obsolete_old_style_histogram", "image", "histo", "audio", "tensor"]
)
def test_values_are_rows_with_their_payload(field: str) -> None:
    file = EventFile().value("a", 3, field, b"payload", plugin="p")
    (row,) = table(_core.scan(file.bytes).rows)
    assert (row["tag"], row["field"], row["payload"]) == ("a", field, b"payload")
    assert row["metadata"] == summary_metadata("p")


def test_a_value_without_a_member_is_a_row_without_a_payload() -> None:
    file = EventFile().value("a", 1, plugin="hparams").value("b", 1)
    rows = table(_core.scan(file.bytes).rows)
    assert [(row["field"], row["payload"]) for row in rows] == [("metadata", None), ("none", None)]


@pytest.mark.parametrize("payload", [b"", varint_field(2, 5), bytes_field(99, "new")])
def test_an_event_of_nothing_known_is_kept_whole(payload: bytes) -> None:
    (row,) = table(_core.scan(record(payload)).rows)
    assert (row["field"], row["payload"], row["tag"]) == ("none", payload, None)


def test_an_empty_summary_is_a_record_without_rows() -> None:
    scan = _core.scan(EventFile().event(summary()).bytes)
    assert (scan.records, len(scan.points), len(scan.rows)) == (1, 0, 0)


def test_fields_may_come_in_any_order_and_among_unknown_ones() -> None:
    value = float_field(2, 0.5) + bytes_field(77, "new") + bytes_field(1, "a")
    payload = summary(value) + varint_field(2, 9) + double_field(12, 1.0) + double_field(1, 1.5)
    assert table(_core.scan(record(payload)).points) == [
        {"tag": "a", "step": 9, "wall_time": 1.5, "value": 0.5}
    ]


def test_the_last_member_of_a_oneof_counts() -> None:
    value = value_message("a", float_field(2, 1.0) + bytes_field(4, "image") + float_field(2, 2.0))
    both = summary(value) + bytes_field(3, "version") + summary(value)
    assert points_of(record(both)) == [("a", 0, 2.0)]
    (row,) = table(_core.scan(record(summary(value) + bytes_field(3, "version"))).rows)
    assert row["field"] == "file_version"


def test_messages_in_pieces_are_merged() -> None:
    value = value_message("a", bytes_field(4, b"one") + bytes_field(4, b"two"))
    scan = _core.scan(record(summary(value, value_message("b", float_field(2, 1.0)))))
    assert [row["payload"] for row in table(scan.rows)] == [b"onetwo"]
    pieces = summary(value_message("a", float_field(2, 1.0))) + summary(
        value_message("b", float_field(2, 2.0))
    )
    assert points_of(record(pieces)) == [("a", 0, 1.0), ("b", 0, 2.0)]


def test_groups_are_passed_over() -> None:
    group = varint(11 << 3 | 3) + varint_field(2, 9) + varint(11 << 3 | 4)
    assert points_of(
        EventFile().event(group + summary(value_message("a", float_field(2, 1.0)))).bytes
    ) == [("a", 0, 1.0)]


@pytest.mark.parametrize("tag", ["", "loss", "ü/☃/𝄞", "a\0b\n", "x" * 5000, " "])
def test_tags_come_out_as_they_were_written(tag: str) -> None:
    assert points_of(EventFile().scalar(tag, 1, 0.5).scalar(tag, 2, 0.5).bytes) == [
        (tag, 1, 0.5),
        (tag, 2, 0.5),
    ]


@pytest.mark.parametrize(
    "tag",
    [
        b"\xff",
        b"a\x80",
        b"\xc3",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe0\x80\xaf",
    ],
)
def test_a_tag_that_is_not_utf8_makes_its_record_no_event(tag: bytes) -> None:
    file = EventFile().scalar("good", 1, 0.5).scalar(tag, 2, 0.5).value(tag, 3, "image", b"x")
    scan = _core.scan(file.bytes)
    assert (scan.stop, scan.offset, scan.skip_to) == (Stop.bad_event, *file.offsets[1:])
    assert [row["tag"] for row in table(scan.tags)] == ["good"]
    again = _core.scan(file.bytes, file.offsets[2])
    assert (again.stop, len(again.tags), len(again.rows)) == (Stop.bad_event, 0, 0)


def test_a_tensor_without_a_tag_is_called_by_its_node_name() -> None:
    file = EventFile().event(summary(bytes_field(8, b"t") + bytes_field(7, "node")))
    file.event(summary(bytes_field(4, b"i") + bytes_field(7, "node")))
    assert [row["tag"] for row in table(_core.scan(file.bytes).rows)] == ["node", ""]


@pytest.mark.parametrize(
    "payload",
    [
        b"\x09",
        b"\x0a\x05abc",
        b"\x00\x00",
        b"\x10" + b"\xff" * 10 + b"\x01",
        b"\x5c",
        b"\x5b",
        bytes_field(5, b"\x0a\x05abc"),
        summary(b"\x0a\x05abc"),
        event_message(1, 1.0, summary(value_message("a", float_field(2, 1.0)), b"\x15")),
    ],
    ids=lambda payload: payload[:10].hex(),
)
def test_a_payload_that_is_no_event_costs_its_record_alone(payload: bytes) -> None:
    file = EventFile().scalar("a", 1, 0.5).record(payload).scalar("a", 3, 2.5)
    driven = drive(file.bytes)
    assert [row.step for row in driven.rows] == [1, 3]
    assert [(each.offset, each.kind) for each in driven.damages] == [(file.offsets[1], "bad_event")]


def test_a_refused_record_leaves_nothing_of_its_tags_and_metadata() -> None:
    refused = [
        value_message("a", bytes_field(8, b""), summary_metadata("text")),
        value_message("new", float_field(2, 1.0), summary_metadata("p")),
        b"\x15",
    ]
    file = EventFile().scalar("a", 1, 0.5, metadata=b"").event(summary(*refused))
    scan = _core.scan(file.bytes)
    assert (scan.stop, scan.records) == (Stop.bad_event, 1)
    assert table(scan.tags) == [{"tag": "a", "metadata": b""}]


def test_the_metadata_of_a_tag_is_the_first_that_names_a_plugin_else_the_first() -> None:
    named, other, bare = summary_metadata("p"), summary_metadata("q"), summary_metadata("", b"x")
    file = EventFile()
    for tag, each in [
        ("a", bare),
        ("a", b""),
        ("b", bare),
        ("b", named),
        ("b", other),
        ("c", None),
    ]:
        file.scalar(tag, 1, 0.5, metadata=each)
    assert table(_core.scan(file.bytes).tags) == [
        {"tag": "a", "metadata": bare},
        {"tag": "b", "metadata": named},
        {"tag": "c", "metadata": None},
    ]


def test_points_before_puts_rows_between_points() -> None:
    file = EventFile().version().scalar("a", 1, 0.5).scalars(2, {"a": 1.0, "b": 2.0})
    file.session_start(3).scalar("a", 4, 0.5).value("c", 5, "image", b"")
    assert [row["points_before"] for row in table(_core.scan(file.bytes).rows)] == [0, 3, 4]


def test_the_event_that_opens_a_file_is_told_apart() -> None:
    file = EventFile().scalar("a", 1, 0.5).version("brain.Event:2", "me").version("later")
    for fields in (None, []):
        scan = _core.scan(file.bytes, fields=fields)
        assert scan.file_version == b"brain.Event:2"
        assert scan.source_metadata == bytes_field(1, "me")
    assert _core.scan(EventFile().scalar("a", 1, 0.5).bytes).file_version is None
