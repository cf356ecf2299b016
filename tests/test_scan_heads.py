"""Heads: rows whose payload keeps only what tells the format and the size of an image."""

from __future__ import annotations

import struct

import pytest
from driver import table
from event_writing import EventFile, bytes_field, tensor, varint_field
from hypothesis import given
from hypothesis import strategies as st
from oracle import fields_of
from test_image_headers import SIZED, jpeg, segment

from tbtools import _core
from tbtools._core import NameSet
from tbtools.decode.image_headers import header_of

HEAD = 64  # bytes: strings up to this are kept whole

segments = st.builds(
    segment,
    st.sampled_from([0xE0, 0xE1, 0xFE, 0xDB, 0xC4, 0xC8, 0xCC, 0x02, 0xDA, 0xD8]),
    st.one_of(st.binary(max_size=20), st.integers(0, 65533).map(bytes)),
)
jpegs = st.builds(
    lambda sizes, before, fill, rest: jpeg(*sizes, before=before + b"\xff" * fill) + rest,
    st.tuples(st.integers(0, 65535), st.integers(0, 65535), st.sampled_from([0xC0, 0xC2, 0xCF])),
    st.lists(segments, max_size=6).map(b"".join),
    st.integers(0, 5),
    st.binary(max_size=80),
)
whole_images = st.one_of(
    jpegs,
    st.binary(max_size=200),
    st.builds(lambda each, rest: each[1] + rest, st.sampled_from(SIZED), st.binary(max_size=200)),
    st.builds(lambda rest: b"\xff\xd8\xff" + rest, st.binary(max_size=200)),
)
images = st.builds(
    lambda image, kept: image[: int(len(image) * kept) if kept < 0.9 else len(image)],
    whole_images,
    st.floats(0, 1),
)


def image_message(image: bytes, colorspace: int = 3) -> bytes:
    """A Summary.Image."""
    head = varint_field(1, 7) + varint_field(2, 9) + varint_field(3, colorspace)
    return head + bytes_field(4, image)


def payload_of(file: EventFile, **options: object) -> bytes:
    """That of the only row."""
    (row,) = table(_core.scan(file.bytes, at_end=True, **options).rows)
    return row["payload"]


def strings_of(message: bytes, number: int) -> list[bytes]:
    """The length-delimited members of this number."""
    return [bytes(value) for n, wire, value in fields_of(message) if (n, wire) == (number, 2)]


def head_of(image: bytes) -> bytes:
    """What is left of an image."""
    payload = payload_of(EventFile().value("a", 1, "image", image_message(image)), heads=["image"])
    assert list(fields_of(payload))[:3] == list(fields_of(image_message(b"")))[:3]
    (head,) = strings_of(payload, 4)
    return head


@given(images)
def test_a_head_tells_what_the_image_tells(image: bytes) -> None:
    head = head_of(image)
    assert image.startswith(head)
    assert header_of(memoryview(head)) == header_of(memoryview(image))
    assert head == image if len(image) <= HEAD else len(head) >= HEAD


@pytest.mark.parametrize("segments", [0, 1, 20, 990, 996, 997, 998, 999, 1000, 1001, 1500])
@pytest.mark.parametrize("size", [2, 40, 65533])
def test_a_jpeg_is_kept_up_to_its_size(segments: int, size: int) -> None:
    if segments * size > 2_000_000:
        segments = min(segments, 30)
    image = jpeg(640, 480, before=segment(0xE1, bytes(size)) * segments) + bytes(100_000)
    head = head_of(image)
    assert header_of(memoryview(head)) == header_of(memoryview(image))
    assert len(head) < len(image) - 99_000


def test_a_jpeg_is_kept_no_further_than_needed() -> None:
    before = segment(0xE1, bytes(1000))
    image = jpeg(640, 480, before=before) + bytes(5000)
    assert len(head_of(image)) == image.index(b"\xff\xc0") + 9
    assert len(head_of(jpeg(640, 480) + bytes(5000))) == HEAD


def test_a_tensor_is_cut_if_its_plugin_is_named() -> None:
    strings = [b"7", b"9", b"\x89PNG" + bytes(500), bytes(HEAD), bytes(HEAD + 1)]
    whole = tensor("string", strings, (5,))
    file = EventFile().value("a", 1, "tensor", whole, plugin="images")
    assert payload_of(file) == whole
    assert payload_of(file, head_plugins=NameSet(["text"])) == whole
    cut = tensor("string", [each[:HEAD] for each in strings], (5,))
    assert payload_of(file, head_plugins=NameSet(["images"])) == cut
    assert payload_of(file, heads=["tensor"]) == cut


def test_other_members_of_a_tensor_are_left_whole() -> None:
    content = tensor("float32", [1.0] * 100, (100,), content=True)
    file = EventFile().value("a", 1, "tensor", content, plugin="images")
    assert payload_of(file, head_plugins=NameSet(["images"])) == content
    floats = tensor("float32", [1.0] * 100, (100,), packed=True)
    file = EventFile().value("a", 1, "tensor", floats, plugin="images")
    assert payload_of(file, head_plugins=NameSet(["images"])) == floats


def test_a_tensor_without_metadata_goes_by_the_first_plugin_of_its_tag() -> None:
    long = tensor("string", [bytes(100)], (1,))
    short = tensor("string", [bytes(HEAD)], (1,))
    file = EventFile().value("a", 0, "tensor", long)  # not known yet: whole
    file.value("a", 1, "tensor", long, plugin="images").value("a", 2, "tensor", long)
    file.value("a", 3, "tensor", long, plugin="text").value("a", 4, "tensor", long)
    rows = table(_core.scan(file.bytes, head_plugins=NameSet(["images"])).rows)
    assert [row["payload"] for row in rows] == [long, short, short, long, short]
    # An earlier window has declared a plugin; the core is not told which.
    rows = table(
        _core.scan(file.bytes, head_plugins=NameSet(["images"]), declared=NameSet(["a"])).rows
    )
    assert [row["payload"] for row in rows] == [long, short, long, long, long]


def test_audio_is_cut_as_well() -> None:
    sound = varint_field(2, 1) + bytes_field(4, bytes(100)) + bytes_field(5, "x" * 100)
    cut = varint_field(2, 1) + bytes_field(4, bytes(HEAD)) + bytes_field(5, "x" * 100)
    file = EventFile().value("a", 1, "audio", sound)
    assert payload_of(file, heads=["audio"]) == cut
    assert payload_of(file, heads=["image"]) == sound


def test_fields_without_such_strings_are_left_whole() -> None:
    message = bytes_field(4, bytes(100)) + bytes_field(8, bytes(100))
    for field in ("histo", "obsolete_old_style_histogram"):
        file = EventFile().value("a", 1, field, message)
        assert payload_of(file, heads=[field]) == message
    assert payload_of(EventFile().what("graph_def", message), heads=["graph_def"]) == message


@pytest.mark.parametrize("rest", [b"\x22", b"\x07", b"\x22\x05abc", b"\x0b"], ids=repr)
def test_what_is_no_message_is_left_whole(rest: bytes) -> None:
    broken = bytes_field(4, bytes(100)) + rest
    file = EventFile().value("a", 1, "image", broken).value("b", 1, "image", b"")
    rows = table(_core.scan(file.bytes, heads=["image"]).rows)
    assert [row["payload"] for row in rows] == [broken, b""]


def test_the_largest_payload_is_that_of_the_file() -> None:
    whole = image_message(bytes(100))
    file = EventFile().value("a", 1, "image", whole)
    assert len(_core.scan(file.bytes, heads=["image"], largest=len(whole)).rows) == 1
    assert len(_core.scan(file.bytes, heads=["image"], largest=len(whole) - 1).rows) == 0


def test_a_payload_that_is_not_wanted_has_no_head() -> None:
    file = EventFile().value("a", 1, "image", image_message(bytes(100)))
    (row,) = table(_core.scan(file.bytes, heads=["image"], payloads=[]).rows)
    assert row["payload"] is None
    with pytest.raises(ValueError, match="no field is called images"):
        _core.scan(file.bytes, heads=["images"])


@given(st.binary(max_size=300), st.sampled_from(["image", "audio", "tensor"]))
def test_whatever_the_payload_is_its_head_is_a_message_of_the_same_shape(
    payload: bytes, field: str
) -> None:
    payload = struct.pack("<BB", 0x22 if field != "tensor" else 0x42, 100) + payload
    head = payload_of(EventFile().value("a", 1, field, payload), heads=[field])
    if head != payload:
        whole, cut = list(fields_of(payload)), list(fields_of(head))
        for (number, wire, value), (n, w, v) in zip(whole, cut, strict=True):
            assert (n, w) == (number, wire)
            assert v == value or (isinstance(value, bytes) and value.startswith(bytes(v)))
