"""Histograms: both forms, held against a reading by protobuf."""

from __future__ import annotations

import dataclasses
import struct
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from kind_events import events_of, metadata_of, refused_by, rows_in, rows_of
from oracle import read
from tensor_building import tensor_proto

import tbtools
from tbtools.decode.kind import Events
from tbtools.kinds.histograms import KIND
from tbtools.proto.tfevents_pb2 import HistogramProto, TensorProto

LOWEST = -sys.float_info.max
HIGHEST = sys.float_info.max
STATISTICS = ("min", "max", "num", "sum", "sum_squares")
FLOAT, DOUBLE = 1, 2


def tensor(dtype: int, shape: list[int], values: list[float], form: str = "content") -> TensorProto:
    if form == "content":
        content = struct.pack(f"<{len(values)}{'f' if dtype == FLOAT else 'd'}", *values)
        return tensor_proto(dtype, shape, tensor_content=content)
    return tensor_proto(dtype, shape, **{form: values})


def legacy(*payloads: bytes | HistogramProto | None) -> Events:
    return events_of(*payloads, field="histo")


def mixed(tensors: Events, histos: Events, which: list[bool]) -> Events:
    """The events of both, one after the other as ``which`` says: True is the next histo."""
    taken = {True: 0, False: 0}
    payloads = []
    for histo in which:
        source = histos if histo else tensors
        payloads.append(source.payload[taken[histo]].as_py())
        taken[histo] += 1
    field = pa.array(["histo" if histo else "tensor" for histo in which], pa.string())
    return dataclasses.replace(events_of(*payloads), field=field)


def reference(payload: bytes | None, field: str) -> dict[str, Any] | None:
    """What a row has to be; None if the payload has to be refused."""
    try:
        return None if payload is None else (_legacy if field == "histo" else _tensor)(payload)
    except DecodeError:
        return None


def _legacy(payload: bytes) -> dict[str, Any] | None:
    histo = HistogramProto.FromString(payload)
    if len(histo.bucket) != len(histo.bucket_limit):
        return None
    left = [LOWEST, *histo.bucket_limit][: len(histo.bucket)]
    edges = zip(left, histo.bucket_limit, histo.bucket, strict=True)
    buckets = [{"left": a, "right": b, "count": c} for a, b, c in edges]
    return {"buckets": buckets, **{name: getattr(histo, name) for name in STATISTICS}}


def _tensor(payload: bytes) -> dict[str, Any] | None:
    proto = TensorProto.FromString(payload)
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or len(shape) != 2 or shape[1] != 3:
        return None
    dtype = proto.dtype - 100 if proto.dtype > 100 else proto.dtype  # that of a reference
    if dtype not in (FLOAT, DOUBLE):
        return None
    code, held = ("f", proto.float_val) if dtype == FLOAT else ("d", proto.double_val)
    values = list(held)
    if proto.tensor_content:
        size = struct.calcsize(code)
        if len(proto.tensor_content) % size:
            return None
        count = len(proto.tensor_content) // size
        values = list(struct.unpack(f"<{count}{code}", proto.tensor_content))
    if len(values) != 3 * shape[0]:
        return None
    rows = zip(values[::3], values[1::3], values[2::3], strict=True)
    return {"buckets": [{"left": a, "right": b, "count": c} for a, b, c in rows]}


def check(events: Events) -> None:
    """Every event is the row that the reference makes of it, or refused if it makes none."""
    decoded = KIND.decode(events)
    rows = rows_in(KIND, events, decoded, "histograms")
    pairs = zip(events.payload.to_pylist(), events.field.to_pylist(), strict=True)
    expected = [reference(payload, field) for payload, field in pairs]
    good = [{"event_index": i, **row} for i, row in enumerate(expected) if row is not None]
    assert repr(rows) == repr(good)  # NaN included
    assert [index for index, _ in decoded.refused] == [
        index for index, row in enumerate(expected) if row is None
    ]


# --- what there is -------------------------------------------------------------------------------


def test_the_columns_are_those_of_the_design() -> None:
    (spec,) = KIND.tables
    edges = pa.struct([(name, pa.float64()) for name in ("left", "right", "count")])
    assert [(field.name, field.type) for field in spec.schema][4:] == [
        ("buckets", pa.list_(edges)),
        *((name, pa.float64()) for name in STATISTICS),
    ]


def test_no_events_are_no_rows() -> None:
    assert KIND.decode(events_of()).tables == {}


def test_a_legacy_histogram_keeps_its_statistics_and_every_bucket() -> None:
    histo = HistogramProto(min=-1, max=7, num=6, sum=9, sum_squares=60)
    histo.bucket_limit.extend([0, 1, 2, HIGHEST])
    histo.bucket.extend([0, 2, 4, 0])
    assert rows_of(KIND, legacy(histo)) == [
        {
            "event_index": 0,
            "buckets": [
                {"left": LOWEST, "right": 0, "count": 0},
                {"left": 0, "right": 1, "count": 2},
                {"left": 1, "right": 2, "count": 4},
                {"left": 2, "right": HIGHEST, "count": 0},
            ],
            "min": -1,
            "max": 7,
            "num": 6,
            "sum": 9,
            "sum_squares": 60,
        }
    ]


def test_a_legacy_histogram_of_nothing_is_a_row_of_zeros() -> None:
    assert rows_of(KIND, legacy(b"")) == [
        {"event_index": 0, "buckets": [], **dict.fromkeys(STATISTICS, 0.0)}
    ]


def test_a_tensor_has_buckets_and_no_statistics() -> None:
    events = events_of(tensor(DOUBLE, [2, 3], [0.1, 0.2, 3, 0.2, 0.2, 1e300]))
    assert rows_of(KIND, events) == [
        {
            "event_index": 0,
            "buckets": [
                {"left": 0.1, "right": 0.2, "count": 3},
                {"left": 0.2, "right": 0.2, "count": 1e300},
            ],
        }
    ]


def test_every_form_of_a_tensor_reads_the_same() -> None:
    values = [0.5, 1.5, 2, 1.5, 2.5, 3]
    unpacked = tensor(DOUBLE, [2, 3], [], "double_val").SerializeToString() + b"".join(
        b"\x31" + struct.pack("<d", value) for value in values
    )
    in_pieces = (
        tensor(FLOAT, [2, 3], values[:1], "float_val").SerializeToString()
        + TensorProto(float_val=values[1:]).SerializeToString()
    )
    events = events_of(
        tensor(DOUBLE, [2, 3], values),
        tensor(FLOAT, [2, 3], values),
        tensor(DOUBLE, [2, 3], values, "double_val"),
        tensor(FLOAT, [2, 3], values, "float_val"),
        unpacked,
        in_pieces,
        tensor(DOUBLE + 100, [2, 3], values),
    )
    first, *others = rows_of(KIND, events)
    assert len(others) == 6
    assert all(row["buckets"] == first["buckets"] for row in others)


def test_a_tensor_without_buckets_is_a_row() -> None:
    (row,) = rows_of(KIND, events_of(tensor(DOUBLE, [0, 3], [])))
    assert row == {"event_index": 0, "buckets": []}


def test_both_forms_in_one_batch_stay_in_order() -> None:
    tensors = events_of(*[tensor(FLOAT, [1, 3], [n, n, n]) for n in range(3)], b"\xff")
    histos = legacy(*[HistogramProto(num=n) for n in range(3)], None)
    events = mixed(tensors, histos, [False, True, True, False, True, False, True, False])
    decoded = KIND.decode(events)
    rows = rows_in(KIND, events, decoded, "histograms")
    assert [row["event_index"] for row in rows] == list(range(6))
    assert ["num" in row for row in rows] == [False, True, True, False, True, False]
    assert decoded.refused == [(6, "metadata without a value"), (7, "not a tensor")]


# --- what is refused -----------------------------------------------------------------------------


def test_what_is_not_a_histogram_is_refused_in_plain_words() -> None:
    unknown_rank = tensor(DOUBLE, [0, 3], [])
    unknown_rank.tensor_shape.unknown_rank = True
    assert refused_by(
        KIND,
        None,
        b"\xff",
        b"",
        tensor(3, [1, 3], [1, 2, 3], "int_val"),
        tensor(DOUBLE, [3], [1, 2, 3]),
        tensor(DOUBLE, [1, 1, 3], [1, 2, 3]),
        tensor(DOUBLE, [3, 1], [1, 2, 3]),
        tensor(DOUBLE, [2, 3], [1, 2, 3]),
        tensor(DOUBLE, [0, 3], [1, 2, 3]),
        tensor(DOUBLE, [-1, 3], [1, 2, 3]),
        unknown_rank,
    ) == [
        "metadata without a value",
        "not a tensor",
        "values that are neither float32 nor float64",
        "values that are neither float32 nor float64",
        "a tensor that is not of shape [k, 3]",
        "a tensor that is not of shape [k, 3]",
        "a tensor that is not of shape [k, 3]",
        "the tensor holds more or fewer values than its shape declares",
        "the tensor holds more or fewer values than its shape declares",
        "the shape is not known",
        "the shape is not known",
    ]


def test_a_legacy_histogram_without_a_limit_for_each_bucket_is_refused() -> None:
    events = legacy(HistogramProto(bucket=[1, 2], bucket_limit=[1]), b"\x32\x07" + bytes(7), None)
    assert KIND.decode(events).refused == [
        (0, "bucket_limit and bucket are not equally long"),
        (1, "not a histogram"),
        (2, "metadata without a value"),
    ]


def test_buckets_that_are_only_declared_are_refused() -> None:
    for size in (10**10, 2**62, 2**63 - 1, 2**64 // 3 + 1):
        huge = tensor(DOUBLE, [0, 3], [1, 2, 3], "double_val")
        huge.tensor_shape.dim[0].size = size if size < 2**63 else size - 2**64
        assert len(refused_by(KIND, huge)) == 1


# --- against protobuf ----------------------------------------------------------------------------

doubles = st.lists(st.floats(), max_size=12)
histos = st.builds(
    HistogramProto,
    **{name: st.floats() for name in STATISTICS},
    bucket_limit=st.shared(doubles, key="limits"),
    bucket=st.one_of(st.shared(doubles, key="limits"), doubles),
).map(HistogramProto.SerializeToString)


@st.composite
def tensors(draw: st.DrawFn) -> bytes:
    rows = draw(st.lists(st.tuples(*[st.floats(width=32)] * 3), max_size=5))
    shape = draw(st.sampled_from([[len(rows), 3], [len(rows), 3], [3], [1, 2], [len(rows) + 1, 3]]))
    form = draw(st.sampled_from(["content", "float_val", "double_val"]))
    dtype = draw(st.sampled_from([FLOAT, DOUBLE, 3, 7, 101]))
    values = [value for row in rows for value in row]
    return tensor(dtype, shape, values, form).SerializeToString()


def damaged(payloads: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Payloads, cut off, and with a byte changed."""
    cut = st.builds(lambda data, size: data[: size % (len(data) + 1)], payloads, st.integers(0))
    changed = st.builds(_changed, payloads, st.integers(0), st.integers(0, 255))
    return st.one_of(payloads, cut, changed)


def _changed(data: bytes, at: int, byte: int) -> bytes:
    at %= len(data) + 1
    return data[:at] + bytes([byte]) + data[at + 1 :]


@given(st.lists(st.one_of(st.none(), damaged(histos))))
def test_legacy_histograms_are_what_protobuf_reads(payloads: list[bytes | None]) -> None:
    check(legacy(*payloads))


@given(st.lists(st.one_of(st.none(), damaged(tensors()))))
def test_tensors_are_what_protobuf_reads(payloads: list[bytes | None]) -> None:
    check(events_of(*payloads, metadata=metadata_of("histograms")))


@given(st.lists(st.one_of(histos, tensors())), st.data())
def test_both_forms_together_are_what_protobuf_reads(payloads: list[bytes], data: Any) -> None:
    which = data.draw(st.lists(st.booleans(), min_size=len(payloads), max_size=len(payloads)))
    field = pa.array(["histo" if histo else "tensor" for histo in which], pa.string())
    check(dataclasses.replace(events_of(*payloads), field=field))


@given(st.lists(st.binary(max_size=48)))
def test_any_bytes_are_rows_or_refused(payloads: list[bytes]) -> None:
    for events in (events_of(*payloads), legacy(*payloads)):
        decoded = KIND.decode(events)
        rows = rows_in(KIND, events, decoded, "histograms")
        assert len(rows) + len(decoded.refused) == len(payloads)


# --- real files ----------------------------------------------------------------------------------


def test_every_histogram_of_the_corpus_is_what_protobuf_reads(corpus: Path) -> None:
    seen = 0
    for path in sorted((corpus / "logs").rglob("*tfevents*")):
        if path.is_dir():
            continue
        table = tbtools.open(str(path))["histograms"].to_table()
        if not table.num_rows:
            continue
        expected = []
        for event in read(path.read_bytes()).events:
            for value in event.values:
                is_tensor = value.field == "tensor" and b"histograms" in (value.metadata or b"")
                if is_tensor or value.field == "histo":
                    expected.append((event.step, reference(value.payload, value.field)))
        rows = table.drop_columns(["run", "tag", "wall_time"]).to_pylist()
        made = [
            (row.pop("step"), {name: value for name, value in row.items() if value is not None})
            for row in rows
        ]
        assert repr(made) == repr(expected)
        seen += len(made)
    assert seen == 2217
