"""Images: both forms, every byte, and sizes that are true."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kind_events import events_of, refused_by, rows_in, rows_of
from oracle import read
from tensor_building import string_tensor
from test_image_headers import gif, jpeg, png

import tbtools
from tbtools.decode.kind import Events
from tbtools.kinds.images import KIND
from tbtools.proto.tfevents_pb2 import Summary, TensorProto
from tbtools.schema import LABEL

WRONG_CLAIMS = "width and height before the images are not numbers"


def legacy(*images: Summary.Image | bytes | None) -> Events:
    return events_of(*images, field="image")


def test_the_columns_are_those_of_the_design() -> None:
    (spec,) = KIND.tables
    assert [(field.name, field.type) for field in spec.schema][4:] == [
        ("index", pa.int64()),
        ("width", pa.int64()),
        ("height", pa.int64()),
        ("format", LABEL),
        ("data", pa.binary()),
    ]


def test_no_events_are_no_rows() -> None:
    assert KIND.decode(events_of()).tables == {}


def test_each_image_of_a_batch_is_a_row() -> None:
    events = events_of(
        string_tensor(b"9", b"9", png(2, 3), jpeg(4, 5)),
        string_tensor(b"7", b"8"),
        string_tensor(b"7", b"8", gif(6, 7)),
    )
    assert rows_of(KIND, events) == [
        {
            "event_index": 0,
            "index": 0,
            "width": 2,
            "height": 3,
            "format": "png",
            "data": png(2, 3),
        },
        {
            "event_index": 0,
            "index": 1,
            "width": 4,
            "height": 5,
            "format": "jpeg",
            "data": jpeg(4, 5),
        },
        {
            "event_index": 2,
            "index": 0,
            "width": 6,
            "height": 7,
            "format": "gif",
            "data": gif(6, 7),
        },
    ]


def test_a_batch_without_images_is_neither_a_row_nor_refused() -> None:
    assert rows_of(KIND, events_of(string_tensor(b"640", b"480"))) == []


def test_the_claim_counts_where_the_image_does_not_say() -> None:
    events = events_of(string_tensor(b"640", b"480", b"<svg/>", png(2, 3)[:12], b""))
    rows = rows_of(KIND, events)
    assert [(row["width"], row["height"]) for row in rows] == [(640, 480)] * 3
    assert [row.get("format") for row in rows] == [None, "png", None]


def test_a_legacy_image_is_a_row_of_its_true_size() -> None:
    rescaled = Summary.Image(width=640, height=480, encoded_image_string=png(64, 48))
    unknown = Summary.Image(width=640, height=480, encoded_image_string=b"<svg/>")
    without = Summary.Image(encoded_image_string=b"<svg/>")
    assert rows_of(KIND, legacy(rescaled, unknown, without)) == [
        {
            "event_index": 0,
            "index": 0,
            "width": 64,
            "height": 48,
            "format": "png",
            "data": png(64, 48),
        },
        {"event_index": 1, "index": 0, "width": 640, "height": 480, "data": b"<svg/>"},
        {"event_index": 2, "index": 0, "data": b"<svg/>"},
    ]


def test_a_legacy_image_of_nothing_is_a_row() -> None:
    assert rows_of(KIND, legacy(b"")) == [{"event_index": 0, "index": 0, "data": b""}]


def test_both_forms_in_one_batch_stay_in_order() -> None:
    image = Summary.Image(encoded_image_string=gif(1, 2))
    events = events_of(
        string_tensor(b"1", b"1", png(1, 1), png(2, 2)),
        image,
        b"\xff",
        string_tensor(b"1", b"1", b"?"),
        None,
    )
    fields = pa.array(["tensor", "image", "image", "tensor", "image"])
    events = dataclasses.replace(events, field=fields)
    decoded = KIND.decode(events)
    rows = rows_in(KIND, events, decoded, "images")
    assert [(row["event_index"], row["index"], row.get("format")) for row in rows] == [
        (0, 0, "png"),
        (0, 1, "png"),
        (1, 0, "gif"),
        (3, 0, None),
    ]
    assert decoded.refused == [(2, "not an image"), (4, "metadata without a value")]


def test_what_is_not_a_batch_of_images_is_refused_in_plain_words() -> None:
    assert refused_by(
        KIND,
        None,
        b"\xff",
        TensorProto(dtype=1, float_val=[1]),
        string_tensor(b"1", shape=[]),
        string_tensor(b"1", b"1", b"x", b"y", shape=[2, 2]),
        string_tensor(b"1"),
        string_tensor(png(1, 1), png(1, 1)),
        string_tensor(b"-1", b"1", b"x"),
        string_tensor(b"1", b"1e3", b"x"),
        string_tensor(b"1", b"", b"x"),
        string_tensor(b"1", b"\xff", b"x"),
        string_tensor(b"1", b"9" * 100, b"x"),
    ) == [
        "metadata without a value",
        "not a tensor",
        "values that are not strings",
        "a tensor that is not one list of strings",
        "a tensor that is not one list of strings",
        "no width and height before the images",
        *[WRONG_CLAIMS] * 6,
    ]


@pytest.mark.parametrize("size", [10**10, 2**40, 2**63 - 1])
def test_images_that_are_only_declared_are_refused(size: int) -> None:
    (reason,) = refused_by(KIND, string_tensor(b"1", b"1", b"x", shape=[size]))
    assert reason == "the tensor holds more or fewer values than its shape declares"


def test_what_is_refused_does_not_move_the_rest() -> None:
    events = events_of(
        string_tensor(b"1", b"1", b"a"),
        string_tensor(b"x", b"1", b"b"),
        b"\xff",
        string_tensor(b"1", b"1", b"c"),
        string_tensor(),
    )
    decoded = KIND.decode(events)
    rows = rows_in(KIND, events, decoded, "images")
    assert [(row["event_index"], row["data"]) for row in rows] == [(0, b"a"), (3, b"c")]
    assert [index for index, _ in decoded.refused] == [1, 2, 4]


blobs = st.one_of(st.binary(max_size=40), st.sampled_from([png(3, 4), jpeg(3, 4), gif(3, 4)]))


@given(st.lists(st.tuples(st.booleans(), st.lists(blobs, max_size=4))))
def test_every_byte_of_every_image_is_kept(batches: list[tuple[bool, list[bytes]]]) -> None:
    payloads: list[Any] = []
    expected = []
    for number, (is_legacy, images) in enumerate(batches):
        if is_legacy:
            images = images[:1] or [b""]
            payloads.append(Summary.Image(encoded_image_string=images[0]))
        else:
            payloads.append(string_tensor(b"1", b"2", *images))
        expected += [(number, index, image) for index, image in enumerate(images)]
    fields = pa.array(["image" if each else "tensor" for each, _ in batches], pa.string())
    events = dataclasses.replace(events_of(*payloads), field=fields)
    rows = rows_of(KIND, events)
    assert [(row["event_index"], row["index"], row["data"]) for row in rows] == expected


@given(st.lists(st.binary(max_size=48)))
def test_no_bytes_raise(payloads: list[bytes]) -> None:
    for events in (events_of(*payloads), legacy(*payloads)):
        rows_in(KIND, events, KIND.decode(events), "images")


def test_every_image_of_the_corpus_is_the_one_in_its_file(corpus: Path) -> None:
    seen = 0
    for path in sorted((corpus / "logs").rglob("*tfevents*")):
        if path.is_dir():
            continue
        table = tbtools.open(str(path))["images"].to_table()
        if not table.num_rows:
            continue
        expected = []
        for event in read(path.read_bytes()).events:
            for value in event.values:
                if value.field == "image":
                    image = Summary.Image.FromString(value.payload or b"")
                    expected.append((event.step, value.tag, image.encoded_image_string))
                elif value.field == "tensor" and b"images" in (value.metadata or b""):
                    _, _, *images = TensorProto.FromString(value.payload or b"").string_val
                    expected += [(event.step, value.tag, image) for image in images]
        rows = table.to_pylist()
        assert [(row["step"], row["tag"], row["data"]) for row in rows] == expected
        assert {row["format"] for row in rows} == {"png"}
        seen += len(rows)
    assert seen == 914
