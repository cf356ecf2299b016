"""Precision-recall curves: tensors of six rows of the plugin ``pr_curves``."""

from __future__ import annotations

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
)
from tbtools.decode.kind import Decoded, Events, Kind, column, table
from tbtools.decode.tensor_content import narrowest, number_tensor
from tbtools.decode.tensor_values import RefusedError, dtype_name, numbers, tensor_of
from tbtools.proto.plugins_pb2 import PrCurvePluginData

#: The rows of the tensor, in order.
ROWS = (
    "true_positives",
    "false_positives",
    "true_negatives",
    "false_negatives",
    "precision",
    "recall",
)

PR_CURVES = table(
    "pr_curves",
    "A row per threshold of a precision-recall curve. Thresholds are not stored: they are evenly "
    "spaced from 0 to 1, as TensorBoard takes them to be. Counts may be fractions, of weights.",
    column("index", pa.int64(), "Number of the threshold, from 0.", nullable=False),
    column("threshold", pa.float64(), "From what score on is a sample positive.", nullable=False),
    column("true_positives", pa.float64(), "Positive samples found positive.", nullable=False),
    column("false_positives", pa.float64(), "Negative samples found positive.", nullable=False),
    column("true_negatives", pa.float64(), "Negative samples found negative.", nullable=False),
    column("false_negatives", pa.float64(), "Positive samples found negative.", nullable=False),
    column("precision", pa.float64(), "As the writer worked it out.", nullable=False),
    column("recall", pa.float64(), "As the writer worked it out.", nullable=False),
)


def decode(events: Events) -> Decoded:
    """As many rows as there are thresholds for each event that is a curve."""
    refused = []
    origins: list[pa.Array] = []
    index: list[pa.Array] = []
    thresholds: list[pa.Array] = []
    curves: list[list[pa.Array]] = [[] for _ in ROWS]
    for number, payload in enumerate(events.payload.to_pylist()):
        try:
            values, count = _curve(payload)
        except RefusedError as reason:
            refused.append((number, str(reason)))
            continue
        origins.append(pa.repeat(pa.scalar(number, pa.int64()), count))
        index.append(pa.array(range(count), pa.int64()))
        thresholds.append(_thresholds(count))
        for row, parts in enumerate(curves):
            parts.append(values[row * count : (row + 1) * count])
    if not sum(map(len, origins)):
        return Decoded({}, refused)
    columns = {
        "index": pa.concat_arrays(index),
        "threshold": pa.concat_arrays(thresholds),
        **{name: pa.concat_arrays(parts) for name, parts in zip(ROWS, curves, strict=True)},
    }
    return Decoded({PR_CURVES.name: (pa.concat_arrays(origins), columns)}, refused)


def _curve(payload: bytes | None) -> tuple[pa.DoubleArray, int]:
    """The six rows, one after the other, and how long each is."""
    tensor = tensor_of(payload)
    if dtype_name(tensor) not in ("float32", "float64"):
        raise RefusedError(f"{dtype_name(tensor)} values, not those of a precision-recall curve")
    curve = numbers(tensor)
    if len(curve.shape) != 2 or curve.shape[0] != len(ROWS):
        raise RefusedError(f"a tensor of shape {curve.shape[:8]}, not [6, thresholds]")
    return curve.values, curve.shape[1]


def _thresholds(count: int) -> pa.DoubleArray:
    """numpy.linspace(0, 1, count), bit for bit: what TensorBoard shows and exports."""
    step = 1 / (count - 1) if count > 1 else 0.0
    thresholds = [number * step for number in range(count)]
    if count > 1:
        thresholds[-1] = 1.0
    return pa.array(thresholds, pa.float64())


def encode(tables: Mapping[str, pa.RecordBatch]) -> Encoded:
    """A tensor for the thresholds of each event."""
    rows = tables[PR_CURVES.name]
    found = list(groups(PR_CURVES.name, rows))
    payloads, about = [], []
    for group in found:
        count = group.end - group.begin
        values = pa.concat_arrays([rows[name][group.begin : group.end] for name in ROWS])
        dtype = narrowest(values, "float32")
        payloads.append(number_tensor(PR_CURVES.name, values, [len(ROWS), count], dtype))
        content = PrCurvePluginData(num_thresholds=count).SerializeToString()
        about.append(metadata_of("pr_curves", TENSOR, content))
    return Encoded(
        **first_rows(rows, found),
        member=members("tensor", len(found)),
        payload=pa.array(payloads, pa.binary()),
        metadata=pa.array(about, pa.binary()).dictionary_encode(),
    )


KIND = Kind(
    tables=(PR_CURVES,),
    decode=decode,
    plugins=frozenset({"pr_curves"}),
    encode=Encoder({PR_CURVES.name: ROWS}, encode),
)
