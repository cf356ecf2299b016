"""Tensors that no other table claims: numbers, strings, and what is neither."""

from __future__ import annotations

import struct
from pathlib import Path

import pyarrow as pa
import pytest
from event_writing import EventFile
from event_writing import tensor as tensor_bytes
from hypothesis import given
from hypothesis import strategies as st
from kind_events import events_of, metadata_of, refused_by, rows_in, rows_of
from tensor_building import tensor_proto

import tbtools
from tbtools.kinds import tensors
from tbtools.kinds.tensors import KIND
from tbtools.schema import LABEL

TORCH = metadata_of("tensor")


def test_no_events_are_no_rows() -> None:
    assert KIND.decode(events_of()).tables == {}


def test_numbers_and_strings_are_rows_of_their_own_columns() -> None:
    events = events_of(
        tensor_proto(2, [2, 2], double_val=[0.1, 2, 3, 4]),
        tensor_proto(7, [2], string_val=[b"a", b"\xff"]),
        tensor_proto(9, [], int64_val=[-(2**53)]),
        metadata=[TORCH, metadata_of("npmi"), None],
    )
    assert rows_of(KIND, events) == [
        {
            "event_index": 0,
            "plugin": "tensor",
            "dtype": "float64",
            "shape": [2, 2],
            "values": [0.1, 2, 3, 4],
        },
        {
            "event_index": 1,
            "plugin": "npmi",
            "dtype": "string",
            "shape": [2],
            "strings": [b"a", b"\xff"],
        },
        {"event_index": 2, "dtype": "int64", "shape": [], "values": [-(2.0**53)]},
    ]


def test_tensors_of_nothing_are_rows() -> None:
    events = events_of(tensor_proto(1, [0]), tensor_proto(7, [0]), tensor_proto(3, [3, 0, 2]))
    rows = rows_of(KIND, events)
    assert [row["shape"] for row in rows] == [[0], [0], [3, 0, 2]]
    assert [row.get("values") for row in rows] == [[], None, []]
    assert [row.get("strings") for row in rows] == [None, [], None]


@pytest.mark.parametrize("metadata", [None, b"", b"\xff", metadata_of("")])
def test_a_tensor_without_a_plugin_has_none(metadata: bytes | None) -> None:
    (row,) = rows_of(KIND, events_of(tensor_proto(1, [], float_val=[1]), metadata=metadata))
    assert "plugin" not in row


def float_bits(value: float) -> int:
    return int.from_bytes(struct.pack("<f", value), "little", signed=True)


def test_what_pytorch_writes_into_the_wrong_members_is_read() -> None:
    events = events_of(
        tensor_proto(19, [2], half_val=[float_bits(1.5), float_bits(-0.1)]),
        tensor_proto(14, [1], half_val=[float_bits(0.25)]),
        tensor_proto(4, [2], uint32_val=[0, 255]),
        metadata=TORCH,
    )
    rows = rows_of(KIND, events)
    rounded = struct.unpack("<f", struct.pack("<f", -0.1))[0]
    assert [row["values"] for row in rows] == [[1.5, rounded], [0.25], [0, 255]]
    assert [row["dtype"] for row in rows] == ["float16", "bfloat16", "uint8"]


def test_what_tensorflow_writes_into_half_val_is_read() -> None:
    events = events_of(
        tensor_proto(19, [1], half_val=[0x3E00]), tensor_proto(14, [1], half_val=[0x3FC0])
    )
    assert [row["values"] for row in rows_of(KIND, events)] == [[1.5], [1.5]]


def test_a_few_numbers_that_are_left_out_are_filled_up_as_tensorflow_does() -> None:
    events = events_of(tensor_proto(1, [4], float_val=[1, 2]), tensor_proto(1, [2]))
    assert [row["values"] for row in rows_of(KIND, events)] == [[1, 2, 2, 2], [0, 0]]


def test_what_float64_does_not_hold_exactly_is_refused() -> None:
    for payload in (
        tensor_proto(9, [2], int64_val=[1, 2**53 + 1]),
        tensor_proto(9, [1], int64_val=[2**63 - 1]),
        tensor_proto(23, [1], uint64_val=[2**64 - 1]),
        tensor_proto(9, [1], tensor_content=struct.pack("<q", -(2**53) - 1)),
    ):
        assert refused_by(KIND, payload) == ["an integer that float64 does not hold exactly"]


def test_what_has_no_faithful_form_is_refused_in_plain_words() -> None:
    counts = "the shape declares 2 strings, the tensor holds 1"
    assert refused_by(
        KIND,
        None,
        b"\xff",
        b"",
        tensor_proto(8, [1], scomplex_val=[1, 2]),
        tensor_proto(18, [1], dcomplex_val=[1, 2]),
        tensor_proto(20, []),
        tensor_proto(99, []),
        tensor_proto(7, [2], string_val=[b"x"]),
        tensor_proto(1, [3], tensor_content=bytes(8)),
    ) == [
        "metadata without a tensor",
        "not a tensor",
        "type 0 values cannot be read as numbers",
        "complex64 values cannot be read as numbers",
        "complex128 values cannot be read as numbers",
        "resource values cannot be read as numbers",
        "type 99 values cannot be read as numbers",
        counts,
        "the shape declares 3 numbers, the tensor holds 2",
    ]


@pytest.mark.parametrize("shape", [[10**10], [2**32, 2**32], [2**63 - 1, 2], [1 << 31]])
@pytest.mark.parametrize("dtype", [1, 4, 7, 9, 10])
def test_what_is_only_declared_is_refused(dtype: int, shape: list[int]) -> None:
    assert "declares" in refused_by(KIND, tensor_proto(dtype, shape, int_val=[1]))[0]


def test_more_numbers_than_a_batch_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensors, "MOST_VALUES", 5)
    events = events_of(*(tensor_proto(1, [count], float_val=[1] * count) for count in (2, 3, 1, 0)))
    decoded = KIND.decode(events)
    rows = rows_in(KIND, events, decoded, "tensors")
    assert [row["event_index"] for row in rows] == [0, 1, 3]
    assert decoded.refused == [(2, "more numbers than a batch of rows holds")]


numbers = st.tuples(
    st.sampled_from(["float32", "float64", "int32", "uint8", "int64", "bool", "half", "uint64"]),
    st.lists(st.integers(0, 1), max_size=6),
    st.booleans(),
)
strings = st.tuples(st.just("string"), st.lists(st.binary(max_size=6), max_size=4), st.just(False))


@given(st.lists(st.one_of(numbers, strings)))
def test_every_tensor_is_a_row_with_what_was_written(written: list[tuple[str, list, bool]]) -> None:
    payloads = [
        tensor_bytes(dtype, values, [len(values)], content=content)
        for dtype, values, content in written
    ]
    rows = rows_of(KIND, events_of(*payloads, metadata=TORCH))
    assert [row["event_index"] for row in rows] == list(range(len(written)))
    for row, (dtype, values, _) in zip(rows, written, strict=True):
        assert row["dtype"] == {"half": "float16"}.get(dtype, dtype)
        assert row["shape"] == [len(values)]
        assert row["strings" if dtype == "string" else "values"] == values


@given(st.lists(st.binary(max_size=48)))
def test_any_bytes_are_rows_or_refused(payloads: list[bytes]) -> None:
    events = events_of(*payloads)
    decoded = KIND.decode(events)
    rows = rows_in(KIND, events, decoded, "tensors")
    assert len(rows) + len(decoded.refused) == len(payloads)


def test_tensors_of_any_plugin_without_a_table_come_here(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "events.tfevents").version()
    payload = tensor_bytes("float32", [1, 2], [2])
    file.value("torch", 1, "tensor", payload, plugin="tensor")
    file.value("other", 2, "tensor", payload, plugin="somebody_elses")
    file.value("none", 3, "tensor", payload)
    file.value("complex", 4, "tensor", tensor_proto(8, [1]).SerializeToString(), plugin="tensor")
    logs = tbtools.open(str(tmp_path))
    rows = logs["tensors"].to_table().to_pylist()
    assert [(row["tag"], row["plugin"]) for row in rows] == [
        ("torch", "tensor"),
        ("other", "somebody_elses"),
        ("none", None),
    ]
    (left,) = logs["events"].to_table().to_pylist()
    assert left["tag"] == "complex"
    assert left["reason"] == "complex64 values cannot be read as numbers"


def test_the_columns_are_those_of_the_design() -> None:
    (spec,) = KIND.tables
    assert [(field.name, field.type) for field in spec.schema][4:] == [
        ("plugin", LABEL),
        ("dtype", LABEL),
        ("shape", pa.list_(pa.int64())),
        ("values", pa.list_(pa.float64())),
        ("strings", pa.list_(pa.binary())),
    ]
