"""Custom scalars: the layout of charts that the plugin ``custom_scalars`` shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from google.protobuf.message import DecodeError

from tbtools.decode.kind import Decoded, Events, Kind, column, table
from tbtools.decode.rows import Rows
from tbtools.decode.tensor_values import RefusedError, strings, tensor_of
from tbtools.proto.plugins_pb2 import Category, Chart, Layout
from tbtools.schema import LABEL

CUSTOM_SCALARS = table(
    "custom_scalars",
    "The layouts of the Custom Scalars dashboard: a row per multiline chart, and per series of a "
    "margin chart. Layouts of several runs are not merged here; each row says its run.",
    column("index", pa.int64(), "Position of the row in its layout, from 0.", nullable=False),
    column("category", pa.string(), "Title of the category.", nullable=False),
    column("closed", pa.bool_(), "Whether the category is folded at first.", nullable=False),
    column("chart", pa.string(), "Title of the chart; null for a category that has no chart."),
    column("type", LABEL, "`multiline` or `margin`; null for a chart that says neither."),
    column(
        "tags",
        pa.list_(pa.string()),
        "Of a multiline chart: regular expressions; a tag is drawn if one matches its beginning.",
    ),
    column("value", pa.string(), "Of a margin series: the tag of the middle line."),
    column("lower", pa.string(), "Of a margin series: the tag of the lower bound."),
    column("upper", pa.string(), "Of a margin series: the tag of the upper bound."),
    keys=("run",),
)


def decode(events: Events) -> Decoded:
    """The rows of each layout."""
    rows = Rows(CUSTOM_SCALARS)
    refused = []
    for index, payload in enumerate(events.payload.to_pylist()):
        try:
            layout = _layout(payload)
        except RefusedError as reason:
            refused.append((index, str(reason)))
            continue
        for position, row in enumerate(_rows(layout)):
            rows.add(index, index=position, **row)
    return Decoded(rows.made(), refused)


def _layout(payload: bytes | None) -> Layout:
    values = strings(tensor_of(payload)).values
    if len(values) != 1:
        raise RefusedError(f"{len(values)} strings, not the one of a layout")
    try:
        return Layout.FromString(values[0])
    except DecodeError:
        raise RefusedError("the string is not a layout of charts") from None


def _rows(layout: Layout) -> Iterator[dict[str, Any]]:
    for category in layout.category:
        for row in _of_category(category):
            yield {"category": category.title, "closed": category.closed, **row}


def _of_category(category: Category) -> Iterator[dict[str, Any]]:
    if not category.chart:
        yield {}
    for chart in category.chart:
        for row in _of_chart(chart):
            yield {"chart": chart.title, "type": chart.WhichOneof("content"), **row}


def _of_chart(chart: Chart) -> Iterator[dict[str, Any]]:
    if chart.HasField("multiline"):
        yield {"tags": list(chart.multiline.tag)}
    elif not chart.margin.series:
        yield {}
    for series in chart.margin.series:
        yield {"value": series.value, "lower": series.lower, "upper": series.upper}


KIND = Kind(tables=(CUSTOM_SCALARS,), decode=decode, plugins=frozenset({"custom_scalars"}))
