"""Images: the legacy ``image`` and the tensors of the plugin ``images``.

The core decodes the tensors (``_core.decode_strings``). The bytes of an image are those that were
written; format and size are what they say themselves, because writers are wrong about both: PyTorch
claims the size of an image before it was rescaled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import DecodeError

from tbtools.decode.encoding import (
    BLOB_SEQUENCE,
    Encoded,
    Encoder,
    first_rows,
    groups,
    members,
    metadata_of,
    of_every_row,
    string_tensor,
)
from tbtools.decode.image_headers import header_of
from tbtools.decode.kind import Decoded, Events, Kind, column, table
from tbtools.decode.payloads import Columns, by_form, flat, string_tensors, views
from tbtools.proto.tfevents_pb2 import Summary
from tbtools.schema import LABEL

IMAGES = table(
    "images",
    "A row per image of a batch. A batch without images has none.",
    column("index", pa.int64(), "Place in the batch.", nullable=False),
    column(
        "width",
        pa.int64(),
        "Pixels; what the writer claimed only if the image itself does not say. Null if neither "
        "does.",
    ),
    column("height", pa.int64(), "Pixels; as `width`."),
    column(
        "format",
        LABEL,
        "`png`, `jpeg`, `gif`, `bmp` or `webp`, by its first bytes; null for any other.",
    ),
    column("data", pa.binary(), "The image file, byte for byte as written.", nullable=False),
)

PICTURE = 4 << 3 | 2  # the key of encoded_image_string on the wire
CLAIMS = 2  # strings before the first image: width and height, in decimal
DECIMAL = "^[0-9]{1,18}$"

Sizes = list[int | None]


def decode(events: Events) -> Decoded:
    """A row for each image."""
    says_size = events.wants("width", "height", "format")
    return by_form(
        events,
        IMAGES.name,
        "image",
        lambda payloads: _legacy(payloads, says_size),
        lambda payloads: _tensors(payloads, says_size),
    )


def _legacy(payloads: pa.BinaryArray, says_size: bool) -> Columns:
    origin: list[int] = []
    widths: Sizes = []
    heights: Sizes = []
    images: list[memoryview] = []
    refused: list[tuple[int, str]] = []
    for number, message in enumerate(views(payloads)):
        if message is None:
            refused.append((number, "metadata without a value"))
            continue
        found = _plain(message)
        if found is None:
            try:
                image = Summary.Image.FromString(message.tobytes())
            except DecodeError:
                refused.append((number, "not an image"))
                continue
            found = image.width, image.height, memoryview(image.encoded_image_string)
        origin.append(number)
        # Zero is what an absent field reads as.
        widths.append(found[0] if found[0] > 0 else None)
        heights.append(found[1] if found[1] > 0 else None)
        images.append(found[2])
    data = _joined(images)
    columns = {"index": pa.repeat(pa.scalar(0, pa.int64()), len(data)), "data": data}
    if says_size:
        columns |= _sizes(data, widths, heights)
    return Columns(pa.array(origin, pa.int64()), columns, refused)


def _plain(message: memoryview) -> tuple[int, int, memoryview] | None:
    """Width, height and picture of a Summary.Image as every writer writes it: three small numbers,
    or fewer, and the string behind them. None for any other message.
    """
    numbers = {1: 0, 2: 0, 3: 0}
    at = 0
    while at < len(message) and message[at] != PICTURE:
        key, kind = divmod(message[at], 8)
        value, at = _varint(message, at + 1)
        if kind != 0 or key not in numbers or not 0 <= value < 1 << 31:
            return None
        numbers[key] = value
    size, at = _varint(message, at + 1)
    if size != len(message) - at:
        return None
    return numbers[2], numbers[1], message[at:]


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A varint of up to five bytes and where it ends; -1 for what is none."""
    value = 0
    for place, byte in enumerate(message[at : at + 5]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    return -1, at


def _joined(images: list[memoryview]) -> pa.BinaryArray:
    """The pictures as a column. A single one, which may be large, is not copied."""
    if len(images) != 1:
        # Of memoryviews themselves pyarrow never lets go.
        return pa.array([image.tobytes() for image in images], pa.binary())
    offsets = pa.array([0, len(images[0])], pa.int32()).buffers()[1]
    return pa.BinaryArray.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(images[0])])


def _tensors(payloads: pa.BinaryArray, says_size: bool) -> Columns:
    made = string_tensors(payloads)
    rank = pc.list_value_length(made["shape"])
    made.refuse(pc.not_equal(rank, 1), "a tensor that is not one list of strings")
    count = pc.list_value_length(made["strings"])
    made.refuse(pc.less(count, CLAIMS), "no width and height before the images")
    claims = [_claims(made["strings"], place) for place in range(CLAIMS)]
    wrong = pc.or_(*(pc.invert(pc.match_substring_regex(claim, DECIMAL)) for claim in claims))
    made.refuse(wrong, "width and height before the images are not numbers")
    widths, heights = (
        _claims(made["strings"], place).cast(pa.string()).cast(pa.int64())
        for place in range(CLAIMS)
    )
    images = flat(made["strings"])
    if len(made["strings"]) == 1:  # it may be large: no copy
        row, place, data = (
            each.slice(CLAIMS) for each in (images.row, images.place, images.values)
        )
    else:
        is_image = pc.greater_equal(images.place, CLAIMS)
        row, place, data = (
            each.filter(is_image) for each in (images.row, images.place, images.values)
        )
    columns = {"index": pc.subtract(place, CLAIMS), "data": data}
    if says_size:
        columns |= _sizes(data, widths.take(row).to_pylist(), heights.take(row).to_pylist())
    return Columns(made.origin.take(row), columns, made.refused)


def _claims(strings: pa.ListArray, place: int) -> pa.BinaryArray:
    if not len(strings):
        return pa.array([], pa.binary())
    return pc.list_element(strings, place)


def _sizes(data: pa.BinaryArray, widths: Sizes, heights: Sizes) -> dict[str, pa.Array]:
    formats: list[str | None] = []
    sizes: list[tuple[int | None, int | None]] = []
    for image, width, height in zip(views(data), widths, heights, strict=True):
        name, size = header_of(image or memoryview(b""))
        formats.append(name)
        sizes.append(size or (width, height))
    return {
        "width": pa.array([width for width, _ in sizes], pa.int64()),
        "height": pa.array([height for _, height in sizes], pa.int64()),
        "format": pa.array(formats, LABEL),
    }


def encode(tables: Mapping[str, pa.RecordBatch]) -> Encoded:
    """A tensor for the images of each event, as TF2 writes them."""
    rows = tables[IMAGES.name]
    found = list(groups(IMAGES.name, rows))
    images = rows.select(["width", "height", "data"]).to_pylist()
    names, payloads = [], []
    for group in found:
        name, payload = _event(images[group.begin : group.end])
        names.append(name)
        payloads.append(payload)
    return Encoded(
        **first_rows(rows, found),
        member=members(names),
        payload=pa.array(payloads, pa.binary()),
        metadata=of_every_row(metadata_of("images", BLOB_SEQUENCE), len(found)),
    )


def _event(images: list[dict[str, Any]]) -> tuple[str, bytes]:
    first = images[0]
    width, height = first["width"], first["height"]
    if width is None or height is None:
        size = header_of(memoryview(first["data"]))[1]
        if size is None and len(images) == 1:
            # Only the legacy form has nothing to say of the size.
            legacy = Summary.Image(encoded_image_string=first["data"])
            return "image", legacy.SerializeToString()
        width, height = size or (0, 0)
    claims = [str(claim).encode() for claim in (width, height)]
    strings = [*claims, *(image["data"] for image in images)]
    return "tensor", string_tensor(strings, [len(strings)])


KIND = Kind(
    tables=(IMAGES,),
    decode=decode,
    fields=frozenset({"image"}),
    plugins=frozenset({"images"}),
    bulky=frozenset({"data"}),
    encode=Encoder({IMAGES.name: ("data",)}, encode),
)
