"""Text: tensors of strings, of any shape, of the plugin ``text``."""

from __future__ import annotations

import pyarrow as pa

from tbtools.decode.kind import Decoded, Events, Kind, column, table
from tbtools.decode.payloads import flat, string_tensors

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


KIND = Kind(tables=(TEXT,), decode=decode, plugins=frozenset({"text"}))
