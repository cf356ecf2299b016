"""Scalars: ``simple_value``, and tensors of one number whose plugin is ``scalars``.

The core decodes all of them (docs/format.md, "Scalars"); what comes here is what it left open: a
tensor whose plugin was not known when it was read, and those that are not one number. It encodes
them, too.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.decode.encoding import SCALAR, Encoded, Encoder, metadata_of, of_every_row
from tbtools.decode.kind import Decoded, Events, Kind, column, table


def decode(events: Events) -> Decoded:
    """A row for each event that has a number."""
    rows = pc.indices_nonzero(pc.is_valid(events.value)).cast(pa.int64())
    refused = pc.indices_nonzero(pc.is_null(events.value)).to_pylist()
    return Decoded(
        {"scalars": (rows, {"value": events.value.take(rows)})},
        [(index, "not one number that float64 holds exactly") for index in refused],
    )


def encode(tables: Mapping[str, pa.RecordBatch]) -> Encoded:
    """An event for each row."""
    rows = tables["scalars"]
    return Encoded(
        rows["tag"],
        rows["step"],
        rows["wall_time"],
        number=rows["value"],
        metadata=of_every_row(metadata_of("scalars", SCALAR), rows.num_rows),
    )


KIND = Kind(
    tables=(
        table(
            "scalars",
            "A row per scalar, with the number that was written: no sampling, no purging.",
            column("value", pa.float64(), "The number; NaN is a number here.", nullable=False),
        ),
    ),
    decode=decode,
    fields=frozenset({"simple_value"}),
    plugins=frozenset({"scalars"}),
    largest=4096,
    encode=Encoder({"scalars": ("value",)}, encode),
)
