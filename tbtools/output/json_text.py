"""Columns as JSON text: what JSON, JSONL and the nested columns of CSV are written with.

NaN and the infinities become the strings "NaN", "Infinity" and "-Infinity", as in TensorBoard's
own downloads; bytes become base64 (RFC 4648, section 4).
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["json_lines", "json_text"]


def json_text(column: pa.Array) -> pa.StringArray:
    """Each value of a column as JSON; a null is ``null``."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        texts = json_text(column.dictionary).take(column.indices)
    elif pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        texts = column.cast(pa.string())
    elif pa.types.is_floating(kind):
        texts = column.cast(pa.string())
        # Without a point it would be read as an integer, which has no negative zero.
        texts = pc.if_else(pc.equal(texts, "-0"), "-0.0", texts)
        finite = pc.fill_null(pc.is_finite(column), True)
        if not pc.all(finite).as_py():
            texts = pc.replace_with_mask(texts, pc.invert(finite), _unusual(column, finite))
    elif pa.types.is_temporal(kind) and not (
        pa.types.is_interval(kind) or pa.types.is_duration(kind)
    ):
        # As in CSV. Python's own times have no nanoseconds, and years from 1 to 9999 only.
        texts = pc.binary_join_element_wise('"', column.cast(pa.string()), '"', "")
    else:
        texts = pa.array([_dumps(value) for value in column.to_pylist()], pa.string())
    return pc.fill_null(texts, "null")


def _unusual(column: pa.Array, finite: pa.Array) -> pa.Array:
    values = column.filter(pc.invert(finite)).to_pylist()
    return pa.array([_dumps(value) for value in values], pa.string())


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _dumps(value: Any) -> str:
    return _ENCODER.encode(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)  # dates and the like, which only a query can give


def json_lines(batch: pa.RecordBatch) -> pa.StringArray:
    """Each row of a batch as a JSON object."""
    pieces: list[Any] = []
    for index, name in enumerate(batch.schema.names):
        pieces += [("{" if index == 0 else ",") + json.dumps(name) + ":", json_text(batch[index])]
    return pc.binary_join_element_wise(*pieces, "}", "")
