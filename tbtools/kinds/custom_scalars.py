"""Custom scalars: the layout of charts that the plugin ``custom_scalars`` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from google.protobuf.message import DecodeError

from tbtools.decode.encoding import (
    TENSOR,
    Encoded,
    Encoder,
    labels,
    members,
    metadata_of,
    of_every_row,
    string_tensor,
)
from tbtools.decode.kind import Decoded, Events, Kind, column, table
from tbtools.decode.rows import Rows
from tbtools.decode.tensor_values import RefusedError, strings, tensor_of
from tbtools.errors import UsageError
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


#: The tag of layouts. Source: tensorboard.plugins.custom_scalar.metadata.CONFIG_TAG.
TAG = "custom_scalars__config__"


def encode(tables: Mapping[str, pa.RecordBatch]) -> Encoded:
    """A tensor for each layout of a run: in one, the index rises."""
    layouts: list[Layout] = []
    before: dict[str, Any] = {}
    for row in tables[CUSTOM_SCALARS.name].to_pylist():
        if not layouts or (row["index"] is not None and row["index"] <= before["index"]):
            layouts.append(Layout())
            before = {}
        _add(layouts[-1], row, before)
        before = row
    count = len(layouts)
    payloads = [string_tensor([layout.SerializeToString()], []) for layout in layouts]
    return Encoded(
        labels([TAG] * count),
        pa.repeat(pa.scalar(0, pa.int64()), count),
        pa.nulls(count, pa.float64()),
        member=members("tensor", count),
        payload=pa.array(payloads, pa.binary()),
        metadata=of_every_row(metadata_of("custom_scalars", TENSOR), count),
    )


def _add(layout: Layout, row: dict[str, Any], before: dict[str, Any]) -> None:
    """A row, behind the row ``before`` of the same layout: the same chart goes on, or another."""
    same_category = [row[name] for name in CATEGORY] == [before.get(name) for name in CATEGORY]
    if not same_category or row["chart"] is None:
        layout.category.add(title=row["category"] or "", closed=bool(row["closed"]))
    if row["chart"] is None:
        return
    charts = layout.category[-1].chart
    is_series = row["type"] == "margin" and row["value"] is not None
    goes_on = is_series and same_category and row["chart"] == before.get("chart")
    if not goes_on or before.get("type") != "margin":
        charts.add(title=row["chart"])
    if row["type"] == "multiline":
        charts[-1].multiline.tag.extend(row["tags"] or [])
        charts[-1].multiline.SetInParent()
    elif row["type"] == "margin":
        charts[-1].margin.SetInParent()
        if is_series:
            series = {name: row[name] or "" for name in ("value", "lower", "upper")}
            charts[-1].margin.series.add(**series)
    elif row["type"] is not None:
        raise UsageError(f"custom_scalars: type {row['type']!r} is neither multiline nor margin")


CATEGORY = ("category", "closed")

KIND = Kind(
    tables=(CUSTOM_SCALARS,),
    decode=decode,
    plugins=frozenset({"custom_scalars"}),
    encode=Encoder({CUSTOM_SCALARS.name: ("category", "chart", "type")}, encode, whole=True),
)
