"""Histograms: the legacy ``histo`` and the tensors of the plugin ``histograms``.

The core decodes both (``_core.decode_histograms``). Buckets are as they were written: none is
trimmed, none merged, and their edges are the writer's.
"""

from __future__ import annotations

import pyarrow as pa

from tbtools.decode.kind import Decoded, Events, Kind, column, table
from tbtools.decode.payloads import Columns, by_form, histograms

BUCKETS = pa.list_(
    pa.struct([("left", pa.float64()), ("right", pa.float64()), ("count", pa.float64())])
)

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


KIND = Kind(
    tables=(HISTOGRAMS,),
    decode=decode,
    fields=frozenset({"histo"}),
    plugins=frozenset({"histograms"}),
)
