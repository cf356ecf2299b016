"""Images: the legacy ``image`` and the tensors of the plugin ``images``.

The core decodes the tensors (``_core.decode_strings``). The bytes of an image are those that were
written; format and size are what they say themselves, because writers are wrong about both: PyTorch
claims the size of an image before it was rescaled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

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
from tbtools.decode.payloads import Columns, by_form, flat, parsed, string_tensors
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

CLAIMS = 2  # strings before the first image: width and height, in decimal
DECIMAL = "^[0-9]{1,18}$"

Sizes = Iterable[int | None]


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
    images = parsed(payloads, Summary.Image, "not an image")
    data = pa.array([image.encoded_image_string for image in images.messages], pa.binary())
    # Zero is what an absent field reads as.
    widths = [image.width if image.width > 0 else None for image in images.messages]
    heights = [image.height if image.height > 0 else None for image in images.messages]
    index = pa.repeat(pa.scalar(0, pa.int64()), len(data))
    columns = {"index": index, "data": data}
    if says_size:
        columns |= _sizes(data, widths, heights)
    return Columns(images.origin, columns, images.refused)


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
    is_image = pc.greater_equal(images.place, CLAIMS)
    row = images.row.filter(is_image)
    data = images.values.filter(is_image)
    columns = {"index": pc.subtract(images.place.filter(is_image), CLAIMS), "data": data}
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
    for image, width, height in zip(data, widths, heights, strict=True):
        name, size = header_of(memoryview(image.as_buffer()))
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
