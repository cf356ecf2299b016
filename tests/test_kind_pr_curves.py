"""Precision-recall curves."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kind_events import events_of, refused_by, rows_in, rows_of
from tensor_building import tensor_proto

from tbtools.kinds.pr_curves import KIND, ROWS
from tbtools.proto.tfevents_pb2 import TensorProto


def curve(*shape: int, dtype: int = 1, start: float = 0.0) -> TensorProto:
    """A tensor of this shape that counts up from ``start``."""
    count = math.prod(shape)
    code = {1: "f", 2: "d", 3: "i"}[dtype]
    numbers = [start + number for number in range(count)]
    content = struct.pack(f"<{count}{code}", *map(int if code == "i" else float, numbers))
    return tensor_proto(dtype, shape, tensor_content=content)


def test_no_events_are_no_rows() -> None:
    assert KIND.decode(events_of()).tables == {}


def test_each_threshold_is_a_row() -> None:
    rows = rows_of(KIND, events_of(curve(6, 3)))
    assert [row["index"] for row in rows] == [0, 1, 2]
    assert [row["threshold"] for row in rows] == [0.0, 0.5, 1.0]
    for number, name in enumerate(ROWS):
        assert [row[name] for row in rows] == [3 * number, 3 * number + 1, 3 * number + 2]


def test_several_curves_may_differ_in_length() -> None:
    rows = rows_of(KIND, events_of(curve(6, 1), curve(6, 0), curve(6, 2, dtype=2, start=0.25)))
    assert [(row["event_index"], row["index"], row["threshold"]) for row in rows] == [
        (0, 0, 0.0),
        (2, 0, 0.0),
        (2, 1, 1.0),
    ]
    assert rows[1]["true_positives"] == 0.25


def test_thresholds_are_those_that_numpy_makes() -> None:
    linspace = pytest.importorskip("numpy").linspace
    for count in (1, 2, 7, 127, 201, 1000):
        rows = rows_of(KIND, events_of(curve(6, count)))
        assert [row["threshold"] for row in rows] == linspace(0.0, 1.0, count).tolist()


def test_a_curve_without_thresholds_is_no_rows_and_not_refused() -> None:
    assert rows_of(KIND, events_of(curve(6, 0))) == []


def test_what_is_not_a_curve_is_refused() -> None:
    reasons = refused_by(
        KIND,
        None,
        b"\xff",
        curve(6),
        curve(5, 2),
        curve(1, 6, 2),
        curve(6, 2, dtype=3),
        TensorProto(dtype=7, string_val=[b"x"]),
    )
    assert reasons == [
        "metadata without a tensor",
        "not a tensor",
        "a tensor of shape [6], not [6, thresholds]",
        "a tensor of shape [5, 2], not [6, thresholds]",
        "a tensor of shape [1, 6, 2], not [6, thresholds]",
        "int32 values, not those of a precision-recall curve",
        "string values, not those of a precision-recall curve",
    ]


def test_thresholds_that_are_only_declared_are_refused() -> None:
    huge = tensor_proto(1, [6, 10**9], float_val=[1.0])
    assert refused_by(KIND, huge) == ["the shape declares 6000000000 numbers, the tensor holds 1"]


@given(st.lists(st.binary(max_size=48)))
def test_any_bytes_are_rows_or_refused(payloads: list[bytes]) -> None:
    events = events_of(*payloads)
    rows_in(KIND, events, KIND.decode(events), "pr_curves")
