"""Text: tensors of strings, of any shape, of the plugin ``text``."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pyarrow as pa

from tbtools.decode.encoding import (
    TENSOR,
    Encoded,
    Encoder,
    first_rows,
    groups,
    members,
    metadata_of,
    of_every_row,
    string_tensor,
)
from tbtools.decode.kind import Decoded, Events, Kind, column, table
from tbtools.decode.payloads import flat, string_tensors
from tbtools.errors import UsageError

TEXT = table(
    "text",
    "A row per string of a text tensor, most often Markdown.",
    column(
        "index", pa.int64(), "Place in the tensor, last dimension running fastest.", nullable=False
    ),
    column(
        "shape",
        pa.list_(pa.int64()),
        "Sizes of the tensor's dimensions; empty if it is a single string. TensorBoard shows one "
        "or two dimensions as a table.",
        nullable=False,
    ),
    column("value", pa.string(), "The string, as it was written.", nullable=False),
)


def decode(events: Events) -> Decoded:
    """A row for each string of each event that is a tensor of UTF-8 strings."""
    tensors = string_tensors(events.payload, text=True)
    strings = flat(tensors["strings"])
    if not len(strings.row):
        return Decoded({}, tensors.refused)
    columns = {
        "index": strings.place,
        "shape": tensors["shape"].take(strings.row),
        "value": strings.values,
    }
    return Decoded({TEXT.name: (tensors.origin.take(strings.row), columns)}, tensors.refused)


def encode(tables: Mapping[str, pa.RecordBatch]) -> Encoded:
    """A tensor for the strings of each event."""
    rows = tables[TEXT.name]
    found = list(groups(TEXT.name, rows))
    values, shapes = rows["value"].to_pylist(), rows["shape"].to_pylist()
    payloads = []
    for group in found:
        strings = [value.encode() for value in values[group.begin : group.end]]
        shape = shapes[group.begin]
        if shape is None:
            shape = [] if len(strings) == 1 else [len(strings)]
        if math.prod(shape) != len(strings):
            raise UsageError(
                f"text: shape {shape} has {math.prod(shape)} strings, and {len(strings)} rows of "
                "the event are there"
            )
        payloads.append(string_tensor(strings, shape))
    return Encoded(
        **first_rows(rows, found),
        member=members("tensor", len(found)),
        payload=pa.array(payloads, pa.binary()),
        metadata=of_every_row(metadata_of("text", TENSOR), len(found)),
    )


KIND = Kind(
    tables=(TEXT,),
    decode=decode,
    plugins=frozenset({"text"}),
    encode=Encoder({TEXT.name: ("value",)}, encode),
)
