"""What a caller of the core may leave out, and what is passed over unread."""

from __future__ import annotations

import pytest
from driver import points_of, table
from event_writing import (
    EventFile,
    bytes_field,
    float_field,
    record,
    summary,
    value_message,
    varint,
)

from tbtools import _core
from tbtools._core import NameSet, Stop

ALL_FIELDS = [
    "none",
    "metadata",
    "simple_value",
    "obsolete_old_style_histogram",
    "image",
    "histo",
    "audio",
    "tensor",
    "file_version",
    "graph_def",
    "log_message",
    "session_log",
    "tagged_run_metadata",
    "meta_graph_def",
]


def one_of_each() -> EventFile:
    """A record for every field."""
    file = EventFile().scalar("a", 1, 0.5).event().value("a", 1, plugin="p").session_start(1)
    for field in ["obsolete_old_style_histogram", "image", "histo", "audio", "tensor"]:
        file.value(field, 1, field, field.encode())
    for field in ["file_version", "graph_def", "log_message", "tagged_run_metadata"]:
        file.what(field, field.encode(), 1)
    return file.what("meta_graph_def", b"meta", 1)


@pytest.mark.parametrize("field", ALL_FIELDS)
def test_only_the_fields_asked_for_are_rows(field: str) -> None:
    scan = _core.scan(one_of_each().bytes, fields=[field])
    assert scan.records == 14
    if field == "simple_value":
        assert (len(scan.points), len(scan.rows)) == (1, 0)
    else:
        assert len(scan.points) == 0
        assert [row["field"] for row in table(scan.rows)] == [field]


def test_all_fields_are_rows_unless_some_are_asked_for() -> None:
    scan = _core.scan(one_of_each().bytes)
    assert len(scan.points) == 1
    assert sorted(row["field"] for row in table(scan.rows)) == sorted(
        set(ALL_FIELDS) - {"simple_value"}
    )
    assert _core.scan(one_of_each().bytes, fields=[]).records == 14


@pytest.mark.parametrize("payloads", [[], ["image"], ["image", "session_log"], ["tensor"]], ids=str)
def test_only_the_payloads_asked_for_are_copied(payloads: list[str]) -> None:
    rows = table(_core.scan(one_of_each().bytes, payloads=payloads).rows)
    assert len(rows) == 13
    assert {row["field"] for row in rows if row["payload"] is not None} == set(payloads)


def test_a_tensor_is_a_point_even_if_its_payload_is_not_asked_for() -> None:
    data = EventFile().tensor_scalar("a", 1, 0.5).bytes
    assert points_of(data, payloads=[]) == [("a", 1, 0.5)]
    assert points_of(data, fields=["tensor"]) == [("a", 1, 0.5)]
    assert points_of(data, fields=["simple_value"]) == []


@pytest.mark.parametrize(("largest", "kept"), [(None, 4), (200, 4), (199, 3), (10, 2), (0, 1)])
def test_values_with_a_larger_payload_are_left_out(largest: int | None, kept: int) -> None:
    file = EventFile().scalar("a", 1, 0.5).value("b", 1, "image", bytes(200))
    file.what("graph_def", bytes(150)).value("c", 1, "histo", bytes(10))
    scan = _core.scan(file.bytes, largest=largest)
    assert len(scan.points) + len(scan.rows) == kept


@pytest.mark.parametrize(("largest", "kept"), [(10, 3), (9, 0)])
def test_the_payload_of_a_scalar_tensor_counts_as_well(largest: int, kept: int) -> None:
    file = EventFile().tensor_scalar("a", 1, 0.5).tensor_scalar("a", 2, 0.5)
    assert len(_core.scan(file.tensor_scalar("a", 3, 0.5).bytes, largest=largest).points) == kept


def test_skipped_tags_are_left_out_whatever_their_field() -> None:
    file = EventFile().scalars(1, {"a": 1.0, "b": 2.0}).value("a", 2, "image", b"x")
    file.tensor_scalar("a", 3, 1.0).tensor_scalar("a", 4, 1.0).value("b", 5, "image", b"x")
    scan = _core.scan(file.bytes, skip=NameSet(["a", "unknown"]))
    assert scan.records == 5
    assert [point["tag"] for point in table(scan.points)] == ["b"]
    assert [row["tag"] for row in table(scan.rows)] == ["b"]


def test_an_empty_set_of_skipped_tags_skips_nothing() -> None:
    assert points_of(EventFile().scalar("", 1, 0.5).bytes, skip=NameSet([])) == [("", 1, 0.5)]
    assert points_of(EventFile().scalar("", 1, 0.5).bytes, skip=NameSet([""])) == []


def test_tensors_of_other_plugins_are_left_out() -> None:
    file = EventFile().value("a", 1, "tensor", b"", plugin="text")
    file.value("b", 1, "tensor", b"", plugin="images").value("c", 1, "tensor", b"")
    file.value("d", 1, "image", b"", plugin="images").value("e", 1, "tensor", b"")
    for wanted, tags in [(["text"], "acde"), (["images"], "bcde"), ([], "cde")]:
        rows = table(_core.scan(file.bytes, plugins=NameSet(wanted)).rows)
        assert "".join(row["tag"] for row in rows) == tags


def test_scalars_are_points_whatever_plugins_are_asked_for() -> None:
    data = EventFile().tensor_scalar("a", 1, 0.5).tensor_scalar("a", 2, 0.5).bytes
    assert len(points_of(data, plugins=NameSet(["text"]))) == 2


def test_a_set_of_names_counts_each_once() -> None:
    assert len(NameSet(["a", "b", "a", "ü"])) == 3
    with pytest.raises(TypeError):
        NameSet([b"a"])


# --- passing over --------------------------------------------------------------------------------


def named(selection: dict) -> dict:
    """The same with tags as a set, which no parameter is: nanobind counts leaks at exit."""
    return {key: NameSet(each) if key == "skip" else each for key, each in selection.items()}


def large_image(tag: str = "picture", size: int = 1000) -> EventFile:
    """An image that is larger than the windows below."""
    return EventFile().value(tag, 1, "image", bytes(size), plugin="images").scalar("a", 2, 0.5)


@pytest.mark.parametrize(
    "selection",
    [{"fields": ["simple_value"]}, {"largest": 999}, {"skip": ["picture"]}],
    ids=["field", "size", "tag"],
)
def test_a_cut_record_that_nobody_wants_is_passed_over(selection: dict) -> None:
    file = large_image()
    end = file.offsets[1]
    for cut in range(41, 1000, 7):
        scan = _core.scan(memoryview(file.bytes)[:cut], **named(selection))
        assert (scan.stop, scan.offset, scan.skip_to) == (Stop.unwanted, 0, end)
        assert (scan.unread, scan.records) == (end, 0)


@pytest.mark.parametrize("cut", range(12, 41))
def test_a_record_is_not_passed_over_before_its_tag_and_field_are_there(cut: int) -> None:
    scan = _core.scan(memoryview(large_image().bytes)[:cut], fields=[])
    assert (scan.stop, scan.need) == (Stop.cut, large_image().offsets[1])


@pytest.mark.parametrize(
    "selection",
    [
        {"fields": ["image"]},
        {"largest": 1000},
        {"skip": ["pictur"]},
        {"fields": [], "may_skip": False},
        {},
    ],
    ids=["field", "size", "tag", "may not", "nothing"],
)
def test_a_cut_record_that_somebody_wants_is_not_passed_over(selection: dict) -> None:
    scan = _core.scan(memoryview(large_image().bytes)[:500], **named(selection))
    assert (scan.stop, scan.unread) == (Stop.cut, 0)


def test_a_record_of_several_values_is_not_passed_over() -> None:
    image = value_message("picture", bytes_field(4, bytes(1000)))
    other = value_message("a", float_field(2, 0.5))
    for values in ([image, other], [other, image]):
        data = EventFile().event(summary(*values), 1).bytes
        assert _core.scan(data[:500], skip=NameSet(["picture"])).stop == Stop.cut
    split = EventFile().event(summary(image) + summary(other), 1).bytes
    assert _core.scan(split[:500], skip=NameSet(["picture"])).stop == Stop.cut


def test_a_record_with_something_behind_its_summary_is_not_passed_over() -> None:
    image = summary(value_message("picture", bytes_field(4, bytes(1000))))
    data = EventFile().event(image + bytes_field(3, "version"), 1).bytes
    assert _core.scan(data[:500], skip=NameSet(["picture"])).stop == Stop.cut


def test_a_window_that_ends_behind_the_payload_is_not_passed_over() -> None:
    metadata = b"\x0a\x06\x0a\x04text" + bytes_field(3, b"d" * 100)
    file = EventFile().value("t", 1, "image", bytes(50), metadata=metadata)
    behind = file.bytes.index(metadata)
    assert _core.scan(file.bytes[: behind + 5], fields=[]).stop == Stop.cut
    assert _core.scan(file.bytes[: behind - 5], fields=[]).stop == Stop.unwanted


def test_a_whole_record_that_nobody_wants_is_checked_and_counted() -> None:
    file = large_image()
    scan = _core.scan(file.bytes, fields=["simple_value"])
    assert (scan.stop, scan.records, scan.unread) == (Stop.end, 2, 0)
    assert [tag["tag"] for tag in table(scan.tags)] == ["picture", "a"]
    assert _core.scan(file.flip(100).bytes, fields=["simple_value"]).stop == Stop.bad_data


def test_records_in_front_of_the_one_passed_over_are_read() -> None:
    file = EventFile().scalar("a", 1, 0.5).value("picture", 1, "image", bytes(1000))
    scan = _core.scan(file.bytes[:300], fields=["simple_value"], position=70)
    assert (scan.stop, scan.records, len(scan.points)) == (Stop.unwanted, 1, 1)
    assert (scan.offset, scan.skip_to) == (70 + file.offsets[1], 70 + len(file))


@pytest.mark.parametrize("claimed", [2**31, 2**63 - 1, 2**64 - 1])
def test_lengths_that_lie_are_not_passed_over(claimed: int) -> None:
    file = large_image()
    at = file.bytes.index(b"\x22\xe8\x07")  # the key and the size of the image
    lie = record(file.bytes[12:at] + b"\x22" + varint(claimed) + bytes(1000))
    assert _core.scan(lie[:500], fields=[]).stop == Stop.cut
    whole = _core.scan(lie, fields=[])
    assert whole.stop == Stop.bad_event
