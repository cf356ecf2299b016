"""Rows → events: the way of ``decode``, backwards.

A kind that can be written has an Encoder. What it makes are members of Event and Summary.Value,
serialised; ``_core.encode_events`` puts tag, step, wall_time and metadata around them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.errors import UsageError
from tbtools.proto.tfevents_pb2 import SummaryMetadata, TensorProto, TensorShapeProto
from tbtools.schema import LABEL

__all__ = [
    "BLOB_SEQUENCE",
    "MEMBERS",
    "SCALAR",
    "TENSOR",
    "Encoded",
    "Encoder",
    "Group",
    "enum_number",
    "first_rows",
    "groups",
    "labels",
    "members",
    "metadata_of",
    "of_every_row",
    "string_tensor",
    "tensor_shape",
]

#: What a tag's values are to TensorBoard. Source: SummaryMetadata.data_class.
SCALAR, TENSOR, BLOB_SEQUENCE = 1, 2, 3

#: A member's name → what ``_core.encode_events`` calls it.
MEMBERS = {
    "none": 0,
    "file_version": 3,
    "graph_def": 4,
    "log_message": 6,
    "session_log": 7,
    "tagged_run_metadata": 8,
    "meta_graph_def": 9,
    "metadata": 128,
    "simple_value": 128 + 2,
    "obsolete_old_style_histogram": 128 + 3,
    "image": 128 + 4,
    "histo": 128 + 5,
    "audio": 128 + 6,
    "tensor": 128 + 8,
}


@dataclass(frozen=True)
class Encoded:
    """Events of one run, in the order in which they are to be written.

    ``tag`` is null for an event that is no value. A null ``wall_time`` means: when the run began.
    An event has a ``number``, if it is a scalar, or a ``member`` (see ``members``) with its
    ``payload``. ``metadata`` are serialised SummaryMetadata, as a dictionary; one stands in the
    file where it is new to its tag, or with ``repeat`` in every event.
    """

    tag: pa.DictionaryArray
    step: pa.Int64Array
    wall_time: pa.DoubleArray
    number: pa.DoubleArray | None = None
    member: pa.UInt8Array | None = None
    payload: pa.BinaryArray | None = None
    metadata: pa.DictionaryArray | None = None
    repeat: bool = False

    def __len__(self) -> int:
        return len(self.tag)


@dataclass(frozen=True)
class Encoder:
    """How rows of the tables of a kind become events.

    ``needs`` has, for each table that can be written, the columns that it cannot do without beside
    its keys: a table is recognised by them. ``encode`` gets rows of one run with all columns of
    their table, null where nothing is known. They come from one table, a batch at a time, and rows
    of one event (those with a rising ``index``) come together; a kind that is ``whole`` gets all
    rows of its tables at once. It raises UsageError for rows that no event can hold.
    """

    needs: Mapping[str, tuple[str, ...]]
    encode: Callable[[Mapping[str, pa.RecordBatch]], Encoded]
    whole: bool = False


def members(names: str | Sequence[str], count: int = 0) -> pa.UInt8Array:
    """The members of these names; of one name, for so many events."""
    if isinstance(names, str):
        return pa.repeat(pa.scalar(MEMBERS[names], pa.uint8()), count)
    return pa.array([MEMBERS[name] for name in names], pa.uint8())


def metadata_of(plugin: str, data_class: int, content: bytes = b"") -> bytes:
    """A SummaryMetadata, serialised."""
    about = SummaryMetadata(data_class=data_class)
    about.plugin_data.plugin_name = plugin
    about.plugin_data.content = content
    return about.SerializeToString()


def of_every_row(metadata: bytes, count: int) -> pa.DictionaryArray:
    """The same metadata for so many events."""
    codes = pa.repeat(pa.scalar(0, pa.int32()), count)
    return pa.DictionaryArray.from_arrays(codes, pa.array([metadata], pa.binary()))


def tensor_shape(sizes: Sequence[int]) -> TensorShapeProto:
    """A shape of these sizes."""
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in sizes])


def string_tensor(strings: Sequence[bytes], shape: Sequence[int]) -> bytes:
    """A TensorProto of strings, serialised."""
    tensor = TensorProto(dtype=7, tensor_shape=tensor_shape(shape), string_val=strings)
    return tensor.SerializeToString()


@dataclass(frozen=True)
class Group:
    """The rows of one event: those from ``begin`` up to, not including, ``end``."""

    begin: int
    end: int


def groups(table: str, rows: pa.RecordBatch) -> Iterator[Group]:
    """The rows of each event, by their ``index``. Raises UsageError if some of one are missing."""
    keys = [rows[name].to_pylist() for name in ("tag", "step", "wall_time")]
    begin, before = 0, None
    for row, (index, *key) in enumerate(zip(rows["index"].to_pylist(), *keys, strict=True)):
        if index == 0 or before is None:
            if row:
                yield Group(begin, row)
            begin = row
        if index != row - begin or (index and repr(key) != before):
            tag, step, _ = key
            raise UsageError(
                f"{table}: index {index} of tag {tag!r} at step {step} does not follow index "
                f"{row - begin - 1}; rows of one event have to stand together, from index 0 on"
            )
        before = repr(key)  # NaN is the same time as itself
    if rows.num_rows:
        yield Group(begin, rows.num_rows)


def first_rows(rows: pa.RecordBatch, found: Sequence[Group]) -> dict[str, pa.Array]:
    """tag, step and wall_time of the events that consist of these rows."""
    at = pa.array([group.begin for group in found], pa.int64())
    return {name: pc.take(rows[name], at) for name in ("tag", "step", "wall_time")}


def enum_number(names: Mapping[int, str | None], name: str | None, what: str) -> int:
    """The number that is called so; a number without a name may be given as it is.

    Raises UsageError for any other name.
    """
    for number, known in names.items():
        if known == name:
            return number
    try:
        return int(name or "")
    except ValueError:
        known_names = ", ".join(filter(None, names.values()))
        raise UsageError(f"{what} {name!r} is none of {known_names}") from None


def labels(values: Sequence[str | None]) -> pa.DictionaryArray:
    """Tags of events."""
    return pa.array(values, LABEL)
