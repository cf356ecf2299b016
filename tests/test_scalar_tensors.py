"""Tensors of one element: which the core takes for a number, and which it leaves to kinds/."""

from __future__ import annotations

import math

import pytest
from driver import points_of, table
from event_writing import (
    DTYPES,
    EventFile,
    bytes_field,
    double_field,
    float_field,
    summary_metadata,
    tensor,
    tensor_shape,
    varint,
    varint_field,
)
from oracle import tensor_scalar

from tbtools import _core

INTEGERS = {
    "int8": (-(2**7), 2**7 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**53),
    "uint8": (0, 2**8 - 1),
    "uint16": (0, 2**16 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**63),
}
EXAMPLES = [
    *((dtype, value) for dtype, bounds in INTEGERS.items() for value in (0, 1, *bounds)),
    *(("bool", value) for value in (False, True)),
    *(
        (dtype, value)
        for dtype in ("float32", "float64", "half", "bfloat16")
        for value in (0.0, -0.0, 1.0, -2.5, math.inf, -math.inf, math.nan)
    ),
    ("float32", 2.0**-149),
    ("float64", 1e308),
    ("float64", 5e-324),
    ("half", 65504.0),
    ("half", 2.0**-24),
    ("half", -(2.0**-15)),
    ("half", 2.0**-14),
    ("bfloat16", 2.0**127),
    ("bfloat16", 2.0**-126),
]


def scalar_in(payload: bytes) -> float | None:
    """What the core makes of a tensor whose plugin is scalars; None if it declines."""
    file = EventFile().value("a", 1, "tensor", payload, plugin="scalars")
    scan = _core.scan(file.bytes, at_end=True)
    assert len(scan.points) + len(scan.rows) == 1
    if len(scan.rows):
        assert table(scan.rows)[0]["payload"] == payload
        return None
    return table(scan.points)[0]["value"]


@pytest.mark.parametrize("shape", [None, (), (1,), (1, 1, 1)], ids=str)
@pytest.mark.parametrize("form", ["content", "packed", "unpacked"])
@pytest.mark.parametrize(("dtype", "value"), EXAMPLES)
def test_every_dtype_is_read_exactly(dtype: str, value: float, form: str, shape) -> None:
    payload = tensor(dtype, [value], shape, content=form == "content", packed=form == "packed")
    assert repr(scalar_in(payload)) == repr(float(value))
    assert repr(tensor_scalar(payload)) == repr(float(value))


@pytest.mark.parametrize("dtype", [name for name in DTYPES if name != "string"])
@pytest.mark.parametrize("shape", [(0,), (2,), (1, 2), (-1,), (1, 0)], ids=str)
def test_a_shape_of_other_than_one_element_is_declined(dtype: str, shape: tuple) -> None:
    assert scalar_in(tensor(dtype, [1], shape)) is None
    assert scalar_in(tensor(dtype, [1], shape, content=True)) is None


@pytest.mark.parametrize("form", [{"content": True}, {"packed": True}, {"packed": False}], ids=str)
@pytest.mark.parametrize("count", [0, 2, 3])
@pytest.mark.parametrize("dtype", [name for name in DTYPES if name != "string"])
def test_another_number_of_values_than_one_is_declined(dtype: str, count: int, form) -> None:
    assert scalar_in(tensor(dtype, [1] * count, (), **form)) is None


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("int64", 2**53 + 1), ("int64", -(2**53) - 1), ("int64", 2**63 - 1), ("uint64", 2**64 - 1)],
)
@pytest.mark.parametrize("content", [False, True])
def test_an_integer_without_a_float64_of_its_own_is_declined(dtype, value, content) -> None:
    assert scalar_in(tensor(dtype, [value], (), content=content)) is None


@pytest.mark.parametrize(
    ("dtype", "raw"),
    [("int8", 128), ("uint8", 256), ("int16", -32769), ("uint16", -1), ("int32", 2**31)],
)
def test_a_value_out_of_its_types_range_is_declined(dtype: str, raw: int) -> None:
    number, _, field = DTYPES[dtype]
    assert scalar_in(varint_field(1, number) + varint_field(field, raw)) is None


def test_a_half_that_holds_the_bits_of_a_float32_is_one_as_pytorch_writes_it() -> None:
    bits = 0x3FC00000  # 1.5 as float32
    for dtype in ("half", "bfloat16"):
        payload = varint_field(1, DTYPES[dtype][0]) + bytes_field(13, varint(bits))
        assert scalar_in(payload) == 1.5


def test_a_uint8_in_uint32_val_is_read_as_pytorch_writes_it() -> None:
    head = varint_field(1, 4) + bytes_field(2, tensor_shape([1]))
    assert scalar_in(head + bytes_field(16, varint(200))) == 200.0
    assert scalar_in(head + varint_field(16, 200)) == 200.0
    assert scalar_in(head + bytes_field(16, varint(256))) is None
    assert scalar_in(head + bytes_field(7, varint(1)) + varint_field(16, 2)) is None


FLOAT = varint_field(1, 1)
ONE = float_field(5, 1.0)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        FLOAT,
        ONE,  # no type
        ONE + FLOAT,  # the type last
        FLOAT + FLOAT + ONE,
        FLOAT + double_field(6, 1.0),  # the values of another type
        FLOAT + varint_field(5, 1),  # another wire type
        FLOAT + ONE + b"\x08",  # cut off
        FLOAT + bytes_field(5, b"\0\0\0"),
        FLOAT + bytes_field(4, b"\0\0\0"),
        FLOAT + bytes_field(4, bytes(8)),
        varint_field(1, 2) + bytes_field(6, bytes(7)),
        varint_field(1, 3) + bytes_field(7, b"\x80"),
        varint_field(1, 10) + bytes_field(4, b"\1\1"),
        varint_field(1, 14) + bytes_field(4, b"\1"),
        varint_field(1, 19) + bytes_field(4, b"\1\1\1"),
        varint_field(1, 7) + bytes_field(8, "text"),
        varint_field(1, 8) + bytes_field(9, bytes(8)),  # complex64
        varint_field(1, 11) + bytes_field(7, b"\1"),  # qint8
        varint_field(1, 101) + ONE,  # a reference to float
        varint_field(1, 0) + ONE,
        varint_field(1, 2**63) + ONE,
        FLOAT + bytes_field(2, varint_field(3, 1)) + ONE,  # of unknown rank
        FLOAT + bytes_field(2, bytes_field(2, b"")) + ONE,  # an empty Dim is a size of 0
        FLOAT + bytes_field(2, b"\x12\x05") + ONE,  # a malformed shape
        FLOAT + bytes_field(2, bytes_field(2, b"\x08")) + ONE,
        FLOAT + ONE + bytes_field(4, bytes(8)),  # tensor_content counts, and is two floats
        FLOAT + bytes_field(100, bytes(4096)) + ONE,  # longer than any scalar
    ],
    ids=lambda payload: payload[:12].hex(),
)
def test_what_looks_unusual_is_declined_and_kept_whole(payload: bytes) -> None:
    assert scalar_in(payload) is None


@pytest.mark.parametrize(
    "payload",
    [
        FLOAT + varint_field(3, 1) + ONE,  # version_number
        FLOAT + ONE + bytes_field(99, b"unknown"),
        FLOAT + bytes_field(2, tensor_shape([1])) * 2 + ONE,  # [1] and [1] merge to [1, 1]
        FLOAT + bytes_field(5, b"") + ONE,
        FLOAT + bytes_field(4, b"") + ONE,
        FLOAT + bytes_field(2, bytes_field(2, varint_field(1, 1) + bytes_field(2, "name"))) + ONE,
        FLOAT + bytes_field(5, bytes(8)) + bytes_field(4, b"\0\0\x80\x3f"),
    ],
    ids=lambda payload: payload.hex(),
)
def test_what_protobuf_takes_for_one_element_is_one(payload: bytes) -> None:
    assert scalar_in(payload) == 1.0 == tensor_scalar(payload)


# --- when a tensor is a scalar -------------------------------------------------------------------


def test_a_tensor_that_names_the_scalars_plugin_is_a_point() -> None:
    file = EventFile().tensor_scalar("a", 3, 0.5).tensor_scalar("a", 4, 2, "int8", content=False)
    assert points_of(file.bytes) == [("a", 3, 0.5), ("a", 4, 2.0)]


def test_a_tensor_that_names_another_plugin_is_a_row_without_a_number() -> None:
    (row,) = table(_core.scan(EventFile().tensor_scalar("a", 1, 0.5, plugin="text").bytes).rows)
    assert (row["field"], row["value"]) == ("tensor", None)


@pytest.mark.parametrize("metadata", [None, b"", summary_metadata(display_name="x")])
def test_a_tensor_without_a_plugin_is_a_row_with_its_number(metadata: bytes | None) -> None:
    payload = tensor("float32", [0.5], ())
    file = EventFile().value("a", 1, "tensor", payload, metadata=metadata)
    (row,) = table(_core.scan(file.bytes).rows)
    assert row["value"] == 0.5
    assert row["payload"] == payload
    assert row["metadata"] == metadata


def test_the_first_plugin_of_a_tag_counts_for_its_bare_tensors() -> None:
    file = EventFile().tensor_scalar("a", 1, 1.0, plugin="")
    file.tensor_scalar("a", 2, 2.0).tensor_scalar("a", 3, 3.0, plugin="")
    file.tensor_scalar("a", 4, 4.0, plugin="text").tensor_scalar("a", 5, 5.0, plugin="")
    scan = _core.scan(file.bytes)
    assert [point["step"] for point in table(scan.points)] == [2, 3, 5]
    assert [row["step"] for row in table(scan.rows)] == [1, 4]


def test_a_plugin_that_an_earlier_window_named_counts_for_bare_tensors() -> None:
    data = EventFile().tensor_scalar("a", 1, 1.0, plugin="").bytes
    names = _core.NameSet(["a"])
    assert points_of(data, declared=names, scalars=names) == [("a", 1, 1.0)]
    assert points_of(data, declared=names) == []


def test_the_plugin_that_an_earlier_window_named_outlasts_a_later_one() -> None:
    file = EventFile().tensor_scalar("a", 1, 1.0).tensor_scalar("a", 2, 2.0, plugin="")
    assert points_of(file.bytes, declared=_core.NameSet(["a"])) == [("a", 1, 1.0)]


def test_a_plugin_named_in_two_pieces_of_metadata_is_one() -> None:
    pieces = bytes_field(1, bytes_field(2, b"c" * 40)) + bytes_field(1, bytes_field(1, "scalars"))
    payload = tensor("float32", [0.5], ())
    file = EventFile().value("a", 1, "tensor", payload, metadata=pieces)
    assert points_of(file.bytes) == [("a", 1, 0.5)]


def test_malformed_metadata_names_no_plugin() -> None:
    broken = summary_metadata("scalars") + b"\x0a\x7f"
    payload = tensor("float32", [0.5], ())
    file = EventFile().value("a", 1, "tensor", payload, metadata=broken)
    (row,) = table(_core.scan(file.bytes).rows)
    assert (row["metadata"], row["value"]) == (broken, 0.5)
