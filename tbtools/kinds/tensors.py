"""Tensors that no other kind answers to: PyTorch's ``add_tensor``, and plugins of others."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pyarrow as pa

from tbtools.decode.encoding import (
    TENSOR,
    Encoded,
    Encoder,
    members,
    metadata_of,
    string_tensor,
)
from tbtools.decode.kind import Decoded, Events, Kind, column, table
from tbtools.decode.tensor_content import number_tensor
from tbtools.decode.tensor_values import RefusedError, dtype_name, numbers, strings, tensor_of
from tbtools.errors import UsageError
from tbtools.proto.metadata import plugin_of
from tbtools.schema import LABEL

TENSORS = table(
    "tensors",
    "A row per tensor that no other table claims. It has either `values` or `strings`.",
    column("plugin", LABEL, "Plugin that the tag's metadata names; null if none."),
    column(
        "dtype",
        LABEL,
        "Type of the elements as they were written, such as `float32` or `string`.",
        nullable=False,
    ),
    column("shape", pa.list_(pa.int64()), "Sizes of the dimensions.", nullable=False),
    column(
        "values",
        pa.list_(pa.float64()),
        "The numbers, last dimension running fastest; null if the tensor is one of strings.",
    ),
    column(
        "strings",
        pa.list_(pa.binary()),
        "The strings, last dimension running fastest; null if the tensor is one of numbers.",
    ),
)

MOST_VALUES = (1 << 31) - 1  # of all tensors of a batch: Arrow's offsets have 32 bits


class _Lists:
    """Lists of numbers, some of which are null, put together without making Python objects."""

    def __init__(self) -> None:
        self._parts: list[pa.DoubleArray] = [pa.array([], pa.float64())]
        self._ends: list[int] = [0]
        self._absent: list[bool] = []

    def add(self, values: pa.DoubleArray | None) -> None:
        self._absent.append(values is None)
        if values is not None:
            self._parts.append(values)
        self._ends.append(self._ends[-1] + (0 if values is None else len(values)))

    @property
    def room(self) -> int:
        return MOST_VALUES - self._ends[-1]

    def made(self) -> pa.ListArray:
        return pa.ListArray.from_arrays(
            pa.array(self._ends, pa.int32()),
            pa.concat_arrays(self._parts),
            mask=pa.array(self._absent, pa.bool_()),
        )


def decode(events: Events) -> Decoded:
    """A row for each event whose tensor holds numbers that float64 can, or strings."""
    origin: list[int] = []
    dtypes: list[str] = []
    shapes: list[list[int]] = []
    values = _Lists()
    texts: list[list[bytes] | None] = []
    refused: list[tuple[int, str]] = []
    for number, payload in enumerate(events.payload.to_pylist()):
        try:
            tensor = tensor_of(payload)
            dtype = dtype_name(tensor)
            if dtype == "string":
                held = strings(tensor)
                texts.append(held.values)
                values.add(None)
                shape = held.shape
            else:
                read = numbers(tensor)
                if len(read.values) > values.room:
                    raise RefusedError("more numbers than a batch of rows holds")
                texts.append(None)
                values.add(read.values)
                shape = read.shape
        except RefusedError as reason:
            refused.append((number, str(reason)))
            continue
        origin.append(number)
        dtypes.append(dtype)
        shapes.append(shape)
    if not origin:
        return Decoded({}, refused)
    rows = pa.array(origin, pa.int64())
    columns = {
        "plugin": _plugins(events.metadata).take(rows),
        "dtype": pa.array(dtypes, LABEL),
        "shape": pa.array(shapes, pa.list_(pa.int64())),
        "values": values.made(),
        "strings": pa.array(texts, pa.list_(pa.binary())),
    }
    return Decoded({TENSORS.name: (rows, columns)}, refused)


def _plugins(metadata: pa.BinaryArray) -> pa.DictionaryArray:
    """The plugin that each metadata names. Many rows have the same."""
    distinct = metadata.dictionary_encode()
    names = [plugin_of(each) or None for each in distinct.dictionary.to_pylist()]
    return pa.array(names, pa.string()).take(distinct.indices).cast(LABEL)


def encode(tables: Mapping[str, pa.RecordBatch]) -> Encoded:
    """A tensor for each row. Of its metadata there is the plugin's name only."""
    rows = tables[TENSORS.name]
    plugins = rows["plugin"].to_pylist()
    about = [None if name is None else metadata_of(name, TENSOR) for name in plugins]
    payloads = [_payload(rows, number) for number in range(rows.num_rows)]
    return Encoded(
        rows["tag"],
        rows["step"],
        rows["wall_time"],
        member=members("tensor", rows.num_rows),
        payload=pa.array(payloads, pa.binary()),
        metadata=pa.array(about, pa.binary()).dictionary_encode(),
    )


def _payload(rows: pa.RecordBatch, number: int) -> bytes:
    dtype, shape, values, texts = (
        rows[name][number] for name in ("dtype", "shape", "values", "strings")
    )
    if values.is_valid == texts.is_valid:
        raise UsageError("tensors: a tensor has either values or strings")
    held = values.values if values.is_valid else texts.values
    sizes = shape.as_py() if shape.is_valid else [len(held)]
    if texts.is_valid:
        if len(held) != math.prod(sizes):
            raise UsageError(f"tensors: {len(held)} strings are not those of a shape {sizes}")
        return string_tensor(held.to_pylist(), sizes)
    return number_tensor(TENSORS.name, held, sizes, dtype.as_py())


KIND = Kind(
    tables=(TENSORS,),
    decode=decode,
    plugins=frozenset({"tensor"}),
    rest=True,
    encode=Encoder({TENSORS.name: ("dtype",)}, encode),
)
