"""Rows → records: what the core writes is read by the oracle, record by record and bit by bit."""

from __future__ import annotations

import math
import struct

import pyarrow as pa
import pytest
from event_writing import event_message, record
from hypothesis import given
from hypothesis import strategies as st
from oracle import Value, read

from tbtools import _core

INT64 = st.integers(-(2**63), 2**63 - 1)
DOUBLES = st.floats(allow_nan=True) | st.binary(min_size=8, max_size=8).map(
    lambda bits: struct.unpack("<d", bits)[0]
)
TAGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
LABEL = pa.dictionary(pa.int32(), pa.string())


def bits(number: float) -> bytes:
    """A float64 as it is stored, NaN payload and all."""
    return struct.pack("<d", number)


def survives(number: float) -> bool:
    """Whether float32 holds a float64 bit by bit."""
    as_float32 = pa.array([number]).cast(pa.float32(), safe=False).cast(pa.float64())
    return bits(as_float32[0].as_py()) == bits(number)


def rows(**columns: object) -> pa.RecordBatch:
    """A batch of rows with these columns; tags become a dictionary."""
    columns["tag"] = pa.array(columns["tag"], LABEL)
    return pa.record_batch(columns)


def encoded(batch: pa.RecordBatch, **options: bool) -> tuple[bytes, int]:
    """The records of a batch, and how many numbers were rounded."""
    data, _, rounded = _core.encode_events(batch, [-1] * len(batch["tag"].dictionary), **options)
    return data, rounded


POINTS = st.lists(st.tuples(TAGS, INT64, DOUBLES, DOUBLES), max_size=30)


@given(POINTS, st.booleans())
def test_scalars_are_read_as_they_were_written(
    points: list[tuple[str, int, float, float]], exact: bool
) -> None:
    tags, steps, times, values = zip(*points, strict=True) if points else ([], [], [], [])
    batch = rows(
        tag=tags,
        step=pa.array(steps, pa.int64()),
        wall_time=pa.array(times, pa.float64()),
        number=pa.array(values, pa.float64()),
    )
    data, rounded = encoded(batch, exact=exact)
    reading = read(data)
    assert not reading.damages
    assert not reading.pending
    assert len(reading.events) == len(points)
    for event, (tag, step, wall_time, value) in zip(reading.events, points, strict=True):
        assert (event.step, bits(event.wall_time)) == (step, bits(wall_time))
        (found,) = event.values
        assert found.tag == tag
        assert found.scalar is not None
        if exact or survives(value):
            assert bits(found.scalar) == bits(value)
            assert (found.field == "simple_value") == survives(value)
        else:
            as_float32 = pa.array([value]).cast(pa.float32(), safe=False)[0].as_py()
            assert repr(found.scalar) == repr(as_float32)
    assert rounded == (0 if exact else sum(not survives(value) for value in values))


def test_columns_may_be_slices() -> None:
    batch = rows(
        tag=["a", "b", None, "a"],
        step=[1, 2, 3, 4],
        wall_time=[1.0, 2.0, 3.0, 4.0],
        number=[0.5, None, None, 2.5],
        member=pa.array([None, 0x88, 4, None], pa.uint8()),
        payload=pa.array([None, b"tensor", b"graph", None], pa.binary()),
    )
    whole, _ = encoded(batch)
    pieces = [encoded(batch.slice(at, 1))[0] for at in range(4)]
    assert b"".join(pieces) == whole
    assert read(whole).events[1].values == (Value("b", "tensor", None, b"tensor", None),)
    assert read(whole).events[2].values == (Value(None, "graph_def", None, b"graph", None),)


def test_a_payload_may_be_the_whole_event() -> None:
    event = event_message(5, 2.0, b"\x1a\x01x")
    batch = rows(
        tag=[None], step=[0], wall_time=[0.0], member=pa.array([0], pa.uint8()), payload=[event]
    )
    assert encoded(batch)[0] == record(event)


def metadata_of(data: bytes) -> list[bytes | None]:
    """The metadata of each event of a scalar."""
    return [event.values[0].metadata for event in read(data).events]


def test_metadata_is_written_where_it_is_new() -> None:
    batch = rows(
        tag=["a", "b", "a", "a", "b", "a"],
        step=range(6),
        wall_time=[0.0] * 6,
        number=[0.0] * 6,
        metadata=pa.array([b"x", b"x", b"x", b"y", None, b"x"]).dictionary_encode(),
    )
    data, declared, _ = _core.encode_events(batch, [-1, -1])
    assert metadata_of(data) == [b"x", b"x", None, b"y", None, b"x"]
    assert declared == [0, 0]
    again, _, _ = _core.encode_events(batch, declared)
    assert metadata_of(again) == [None, None, None, b"y", None, b"x"]
    always, _, _ = _core.encode_events(batch, declared, repeat=True)
    assert metadata_of(always) == [b"x", b"x", b"x", b"y", None, b"x"]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("step", pa.array([1.0]), "int64"),
        ("step", pa.array([None], pa.int64()), "without step"),
        ("tag", pa.array(["a"]), "dictionaries"),
        ("number", pa.array([1], pa.int32()), "float64"),
        ("number", pa.array([None], pa.float64()), "needs a member"),
        ("payload", pa.array(["a"]), "binary"),
        ("member", pa.array([1], pa.int64()), "uint8"),
        ("metadata", pa.array(["a"]).dictionary_encode(), "to binary"),
        (
            "tag",
            pa.DictionaryArray.from_arrays(pa.array([3], pa.int32()), pa.array(["a"]), safe=False),
            "no value belongs to",
        ),
    ],
)
def test_other_columns_are_refused(column: str, values: pa.Array, message: str) -> None:
    batch = rows(tag=["a"], step=[1], wall_time=[0.0], number=[0.0])
    names = batch.schema.names
    columns = {**dict(zip(names, batch.columns, strict=True)), column: values}
    with pytest.raises(ValueError, match=message):
        _core.encode_events(pa.record_batch(columns), [-1])


def in_order(times: list[float]) -> list[float]:
    """The time that each record counts as: none is before the one before it."""
    found: list[float] = []
    for wall_time in times:
        latest = found[-1] if found else -math.inf
        found.append(wall_time if wall_time > latest else latest)  # a NaN is not above anything
    return found


@given(st.lists(st.lists(DOUBLES, max_size=8), max_size=5), st.integers(1, 200))
def test_sequences_are_merged_by_time(sequences: list[list[float]], window: int) -> None:
    data = []
    for number, times in enumerate(sequences):
        batch = rows(
            tag=[str(number)] * len(times),
            step=pa.array(range(len(times)), pa.int64()),
            wall_time=pa.array(times, pa.float64()),
            number=pa.array(times, pa.float64()),
        )
        data.append(encoded(batch)[0])
    count = len(data)
    sizes, begins, latest = [0] * count, [0] * count, [-math.inf] * count
    merged, needs = b"", 0 if count else None
    while needs is not None:
        sizes[needs] += window
        windows = [each[:size] for each, size in zip(data, sizes, strict=True)]
        are_last = [size >= len(each) for each, size in zip(data, sizes, strict=True)]
        records, begins, latest, needs = _core.merge_records(windows, begins, latest, are_last)
        merged += records
    found = [(int(event.values[0].tag or ""), event.step) for event in read(merged).events]
    expected = [
        (wall_time, number, step)
        for number, times in enumerate(sequences)
        for step, wall_time in enumerate(in_order(times))
    ]
    assert found == [(number, step) for _, number, step in sorted(expected)]


def test_a_record_that_says_no_time_stays_where_it_is() -> None:
    odd = record(b"")
    batch = rows(tag=["a"], step=[1], wall_time=[5.0], number=[1.0])
    early, _ = encoded(rows(tag=["b"], step=[1], wall_time=[1.0], number=[1.0]))
    late, _ = encoded(batch)
    merged, *_ = _core.merge_records([late + odd, early], [0, 0], [-math.inf] * 2, [True] * 2)
    assert merged == early + late + odd
    with pytest.raises(ValueError, match="for each of the windows"):
        _core.merge_records([late], [], [], [])
    with pytest.raises(ValueError, match="behind"):
        _core.merge_records([late], [1000], [0.0], [True])
