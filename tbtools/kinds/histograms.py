"""Histograms: the legacy ``histo`` and the tensors of the plugin ``histograms``.

The core decodes both (``_core.decode_histograms``). Buckets are as they were written: none is
trimmed, none merged, and their edges are the writer's.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.decode.encoding import (
    TENSOR,
    Encoded,
    Encoder,
    members,
    metadata_of,
    of_every_row,
    tensor_shape,
)
from tbtools.decode.kind import Decoded, Events, Kind, column, table
from tbtools.decode.payloads import Columns, by_form, histograms
from tbtools.errors import UsageError
from tbtools.proto.tfevents_pb2 import HistogramProto, TensorProto

BUCKETS = pa.list_(
    pa.struct([("left", pa.float64()), ("right", pa.float64()), ("count", pa.float64())])
)

LOWEST = -sys.float_info.max  # the left edge of the first bucket of the legacy form

#: What only the legacy form has.
STATISTICS = ("min", "max", "num", "sum", "sum_squares")

HISTOGRAMS = table(
    "histograms",
    "A row per histogram, with the buckets that were written: no trimming, no resampling.",
    column(
        "buckets",
        BUCKETS,
        "Edges of each bucket and how many values are in it; `left` may equal `right`. Of the "
        "legacy form, the first `left` is the lowest double and the last `right` often the "
        "highest.",
        nullable=False,
    ),
    column("min", pa.float64(), "Smallest value; null if the writer did not say, as TF2."),
    column("max", pa.float64(), "Largest value; null as `min`."),
    column("num", pa.float64(), "Number of values; null as `min`."),
    column("sum", pa.float64(), "Sum of the values; null as `min`."),
    column("sum_squares", pa.float64(), "Sum of the squares of the values; null as `min`."),
)


def decode(events: Events) -> Decoded:
    """A row for each event that is a histogram."""
    return by_form(events, HISTOGRAMS.name, "histo", _legacy, _tensors)


def _legacy(payloads: pa.BinaryArray) -> Columns:
    made = histograms(payloads, legacy=True)
    return Columns(made.origin, {name: made[name] for name in made.rows.schema.names}, made.refused)


def _tensors(payloads: pa.BinaryArray) -> Columns:
    made = histograms(payloads, legacy=False)
    absent = pa.nulls(len(made.origin), pa.float64())
    columns = {"buckets": made["buckets"], **dict.fromkeys(STATISTICS, absent)}
    return Columns(made.origin, columns, made.refused)


def encode(tables: Mapping[str, pa.RecordBatch]) -> Encoded:
    """A tensor for each row, as TF2 writes it; the legacy form, if the statistics are there."""
    rows = tables[HISTOGRAMS.name]
    buckets = rows["buckets"]
    if buckets.null_count or buckets.flatten().null_count:
        raise UsageError("histograms: a histogram without buckets, or a bucket that is null")
    edges = [_numbers(column) for column in buckets.flatten().flatten()]
    ends = pc.cumulative_sum(pc.list_value_length(buckets)).to_pylist()
    statistics = rows.select(STATISTICS).to_pylist()
    names, payloads = [], []
    for (begin, end), known in zip(pairwise([0, *ends]), statistics, strict=True):
        left, right, count = (column[begin:end] for column in edges)
        legacy = _legacy_message(left, right, count, known)
        names.append("tensor" if legacy is None else "histo")
        payloads.append(_tensor(left, right, count) if legacy is None else legacy)
    return Encoded(
        rows["tag"],
        rows["step"],
        rows["wall_time"],
        member=members(names),
        payload=pa.array(payloads, pa.binary()),
        metadata=of_every_row(metadata_of("histograms", TENSOR), rows.num_rows),
    )


def _numbers(column: pa.DoubleArray) -> array[float]:
    numbers = array("d")
    numbers.frombytes(memoryview(column.buffers()[1] or b"").cast("B"))
    return numbers[column.offset : column.offset + len(column)]


def _tensor(left: array[float], right: array[float], count: array[float]) -> bytes:
    rows = array("d", bytes(24 * len(left)))
    rows[0::3], rows[1::3], rows[2::3] = left, right, count
    tensor = TensorProto(dtype=2, tensor_shape=tensor_shape([len(left), 3]))
    tensor.tensor_content = rows.tobytes()
    return tensor.SerializeToString()


def _legacy_message(
    left: array[float], right: array[float], count: array[float], known: dict[str, Any]
) -> bytes | None:
    """A HistogramProto; None if statistics are missing, or it does not give these edges."""
    touching = array("d", [LOWEST, *right[:-1]])[: len(left)]
    if None in known.values() or left.tobytes() != touching.tobytes():
        return None
    return HistogramProto(bucket_limit=right, bucket=count, **known).SerializeToString()


KIND = Kind(
    tables=(HISTOGRAMS,),
    decode=decode,
    fields=frozenset({"histo"}),
    plugins=frozenset({"histograms"}),
    encode=Encoder({HISTOGRAMS.name: ("buckets",)}, encode),
)
