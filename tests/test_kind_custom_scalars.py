"""Layouts of the Custom Scalars dashboard."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from kind_events import events_of, refused_by, rows_in, rows_of
from tensor_building import STRING, string_tensor

from tbtools.kinds.custom_scalars import KIND
from tbtools.proto.plugins_pb2 import Category, Chart, Layout, MarginChartContent
from tbtools.proto.plugins_pb2 import MultilineChartContent as Multiline
from tbtools.proto.tfevents_pb2 import TensorProto


def layout(*categories: Category, shape: tuple[int, ...] = ()) -> TensorProto:
    return string_tensor(Layout(category=categories).SerializeToString(), shape=shape)


def margin(title: str, *series: tuple[str, str, str]) -> Chart:
    made = Chart(title=title, margin=MarginChartContent())
    for value, lower, upper in series:
        made.margin.series.add(value=value, lower=lower, upper=upper)
    return made


def test_no_events_are_no_rows() -> None:
    assert KIND.decode(events_of()).tables == {}


def test_a_multiline_chart_is_a_row() -> None:
    chart = Chart(title="losses", multiline=Multiline(tag=["loss/.*", "total"]))
    events = events_of(layout(Category(title="train", chart=[chart], closed=True)))
    assert rows_of(KIND, events) == [
        {
            "event_index": 0,
            "index": 0,
            "category": "train",
            "closed": True,
            "chart": "losses",
            "type": "multiline",
            "tags": ["loss/.*", "total"],
        }
    ]


def test_each_series_of_a_margin_chart_is_a_row() -> None:
    chart = margin("band", ("mean", "low", "high"), ("m2", "", "h2"))
    rows = rows_of(KIND, events_of(layout(Category(title="eval", chart=[chart]))))
    assert [(row["index"], row["value"], row["lower"], row["upper"]) for row in rows] == [
        (0, "mean", "low", "high"),
        (1, "m2", "", "h2"),
    ]
    assert all("tags" not in row and row["type"] == "margin" for row in rows)


def test_what_is_empty_is_still_told() -> None:
    empty = Chart(title="says nothing")
    events = events_of(
        layout(Category(title="no charts"), Category(title="b", chart=[empty, margin("m")]))
    )
    rows = rows_of(KIND, events)
    assert [(row["category"], row.get("chart"), row.get("type")) for row in rows] == [
        ("no charts", None, None),
        ("b", "says nothing", None),
        ("b", "m", "margin"),
    ]
    assert [row["index"] for row in rows] == [0, 1, 2]


def test_each_layout_counts_from_0() -> None:
    one = layout(Category(title="a"), Category(title="b"))
    two = layout(Category(title="c"), shape=(1,))
    rows = rows_of(KIND, events_of(one, two))
    assert [(row["event_index"], row["index"]) for row in rows] == [(0, 0), (0, 1), (1, 0)]


def test_an_empty_layout_is_no_rows_and_not_refused() -> None:
    assert rows_of(KIND, events_of(layout())) == []


def test_what_is_not_a_layout_is_refused() -> None:
    reasons = refused_by(
        KIND,
        None,
        b"\xff",
        TensorProto(dtype=1, float_val=[1]),
        TensorProto(dtype=STRING),
        TensorProto(dtype=STRING, string_val=[b"\xff"]),
        TensorProto(dtype=STRING, string_val=[b"\x12\x03\x0a\x01\xff"]),
    )
    assert reasons == [
        "metadata without a tensor",
        "not a tensor",
        "float32 values, not strings",
        "the shape declares 1 strings, the tensor holds 0",
        "the string is not a layout of charts",
        "the string is not a layout of charts",
    ]
    assert refused_by(KIND, string_tensor("", "")) == ["2 strings, not the one of a layout"]


@given(st.lists(st.binary(max_size=48)))
def test_any_bytes_are_rows_or_refused(strings: list[bytes]) -> None:
    payloads = [TensorProto(dtype=STRING, string_val=[string]) for string in strings]
    events = events_of(*payloads, *strings)
    decoded = KIND.decode(events)
    rows_in(KIND, events, decoded, "custom_scalars")
