"""The numbers and strings of tensors, against docs/format.md, "TensorProto"."""

from __future__ import annotations

import math
import struct
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensor_building import tensor_proto

from tbtools.decode import tensor_values
from tbtools.decode.tensor_values import RefusedError, dtype_name, numbers, strings, tensor_of
from tbtools.proto.tfevents_pb2 import TensorProto

NUMBER = {name: number for number, name in tensor_values.DTYPES.items()}


def tensor(dtype: str, shape: list[int] | None = None, **members: Any) -> TensorProto:
    return tensor_proto(NUMBER[dtype], shape or [], **members)


def values(made: TensorProto) -> list[float]:
    return numbers(made).values.to_pylist()


def why(made: TensorProto) -> str:
    with pytest.raises(RefusedError) as refused:
        numbers(made)
    return str(refused.value)


@pytest.mark.parametrize(
    ("dtype", "code", "written"),
    [
        ("float32", "f", [0.5, -1.0]),
        ("float64", "d", [0.1, -1e300]),
        ("int32", "i", [-(2**31), 2**31 - 1]),
        ("uint8", "B", [0, 255]),
        ("int16", "h", [-(2**15), 2**15 - 1]),
        ("int8", "b", [-128, 127]),
        ("int64", "q", [-(2**53), 2**62]),
        ("bool", "?", [True, False]),
        ("qint8", "b", [-128, 127]),
        ("quint8", "B", [0, 255]),
        ("qint32", "i", [-1, 1]),
        ("qint16", "h", [-1, 1]),
        ("quint16", "H", [0, 65535]),
        ("uint16", "H", [0, 65535]),
        ("float16", "e", [0.5, -65504.0]),
        ("uint32", "I", [0, 2**32 - 1]),
        ("uint64", "Q", [0, 2**63]),
    ],
)
def test_tensor_content_is_little_endian_of_every_type(
    dtype: str, code: str, written: list[float]
) -> None:
    content = struct.pack(f"<2{code}", *written)
    assert values(tensor(dtype, [2], tensor_content=content)) == written


@pytest.mark.parametrize(
    ("dtype", "member", "written"),
    [
        ("float32", "float_val", [0.5, math.inf]),
        ("float64", "double_val", [0.1, -0.0]),
        ("int32", "int_val", [-5, 7]),
        ("uint8", "int_val", [0, 255]),
        ("int8", "int_val", [-128, 127]),
        ("int64", "int64_val", [-1, 2**62]),
        ("bool", "bool_val", [True, False]),
        ("uint32", "uint32_val", [0, 2**32 - 1]),
        ("uint64", "uint64_val", [0, 2**63]),
        ("uint8", "uint32_val", [0, 255]),  # as PyTorch's add_tensor writes it
    ],
)
def test_each_type_has_a_member_for_its_numbers(
    dtype: str, member: str, written: list[float]
) -> None:
    assert values(tensor(dtype, [2], **{member: written})) == written


def test_the_shape_and_the_order_are_kept() -> None:
    found = numbers(tensor("int32", [2, 3], int_val=range(6)))
    assert (found.shape, found.values.to_pylist()) == ([2, 3], [0, 1, 2, 3, 4, 5])


def test_a_reference_type_is_read_as_its_type() -> None:
    assert values(TensorProto(dtype=101, float_val=[0.5])) == [0.5]


def test_half_val_holds_patterns_of_16_bits() -> None:
    assert values(tensor("float16", [2], half_val=[0x3C00, 0xFC00])) == [1.0, -math.inf]
    assert values(tensor("bfloat16", [2], half_val=[0x3F80, 0xC000])) == [1.0, -2.0]


def test_half_val_beyond_16_bits_holds_patterns_of_float32() -> None:
    patterns = struct.unpack("<3i", struct.pack("<3f", 1.5, -2.0, 0.0))
    assert values(tensor("float16", [3], half_val=patterns)) == [1.5, -2.0, 0.0]
    assert values(tensor("bfloat16", [3], half_val=patterns)) == [1.5, -2.0, 0.0]


def test_bfloat16_in_tensor_content_is_the_upper_half_of_float32() -> None:
    content = b"".join(struct.pack("<f", value)[2:] for value in (1.0, -0.5))
    assert values(tensor("bfloat16", [2], tensor_content=content)) == [1.0, -0.5]


@pytest.mark.parametrize(
    ("dtype", "pattern", "value"),
    [
        ("float8_e5m2", 0x7B, 57344.0),
        ("float8_e5m2", 0xFC, -math.inf),
        ("float8_e4m3fn", 0x7E, 448.0),
        ("float8_e4m3fn", 0x7F, math.nan),
        ("float8_e4m3fnuz", 0x7F, 240.0),
        ("float8_e4m3fnuz", 0x80, math.nan),
        ("float8_e4m3b11fnuz", 0x7F, 30.0),
        ("float8_e5m2fnuz", 0x01, 2.0**-17),
    ],
)
def test_8_bit_floats_are_read(dtype: str, pattern: int, value: float) -> None:
    for member in ("tensor_content", "float8_val"):
        assert repr(values(tensor(dtype, **{member: bytes([pattern])}))) == repr([value])


def test_too_few_numbers_are_filled_up_with_the_last() -> None:
    assert values(tensor("float32", [3], float_val=[1, 2])) == [1, 2, 2]
    assert values(tensor("bool", [2, 2], bool_val=[True])) == [1, 1, 1, 1]


def test_no_numbers_are_zeros() -> None:
    assert values(tensor("float32")) == [0]
    assert values(tensor("int64", [2])) == [0, 0]


def test_an_empty_tensor_has_no_numbers() -> None:
    assert values(tensor("float32", [0])) == []
    assert values(tensor("float32", [2**62, 2**62, 0])) == []


def test_more_numbers_than_declared_are_refused() -> None:
    assert why(tensor("float32", [2], float_val=[1, 2, 3])) == (
        "the shape declares 2 numbers, the tensor holds 3"
    )
    assert "declares 1 numbers" in why(tensor("float32", tensor_content=bytes(8)))


def test_tensor_content_is_not_filled_up() -> None:
    assert "holds 1" in why(tensor("float32", [2], tensor_content=bytes(4)))
    assert "5 bytes" in why(tensor("float32", [2], tensor_content=bytes(5)))


def test_a_shape_of_ten_gigabytes_costs_nothing() -> None:
    tracemalloc.start()
    try:
        assert "declares 10000000000 numbers" in why(tensor("uint8", [10**10], int_val=[1]))
        why(tensor("float32", [2**62] * 1000, float_val=[1]))
        why(tensor("float32", [2] * 100_000))
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def test_unknown_sizes_are_refused() -> None:
    assert why(tensor("float32", [-1], float_val=[1])) == "a dimension has no known size"
    unknown = tensor("float32", float_val=[1])
    unknown.tensor_shape.unknown_rank = True
    assert why(unknown) == "the shape is not known"


@pytest.mark.parametrize("dtype", ["string", "complex64", "resource", "variant", "int4"])
def test_what_is_not_a_number_is_refused(dtype: str) -> None:
    assert why(tensor(dtype)) == f"{dtype} values cannot be read as numbers"


def test_an_unknown_type_is_named_by_its_number() -> None:
    assert dtype_name(TensorProto(dtype=77)) == "type 77"
    assert dtype_name(TensorProto(dtype=-3)) == "type -3"


@pytest.mark.parametrize(
    ("dtype", "member", "integer"),
    [
        ("int64", "int64_val", 2**53 + 1),
        ("int64", "int64_val", 2**63 - 1),
        ("int64", "int64_val", -(2**53) - 1),
        ("uint64", "uint64_val", 2**64 - 1),
    ],
)
def test_an_integer_is_never_rounded(dtype: str, member: str, integer: int) -> None:
    assert "float64 does not hold" in why(tensor(dtype, [2], **{member: [0, integer]}))


def test_strings_are_as_many_as_declared() -> None:
    found = strings(tensor("string", [2, 1], string_val=[b"a", b"\xff"]))
    assert (found.values, found.shape) == ([b"a", b"\xff"], [2, 1])
    for wrong in (
        tensor("string"),
        tensor("string", [2], string_val=[b"a"]),
        tensor("string", [-1], string_val=[b"a"]),
        tensor("int32", int_val=[1]),
    ):
        with pytest.raises(RefusedError):
            strings(wrong)


def test_what_is_not_a_tensor_is_refused() -> None:
    for payload in (None, b"\xff", b"\x0a\x05ab"):
        with pytest.raises(RefusedError):
            tensor_of(payload)


@given(st.binary(max_size=64))
def test_any_bytes_are_numbers_or_refused(payload: bytes) -> None:
    try:
        found = numbers(tensor_of(payload))
    except RefusedError:
        return
    assert len(found.values) == math.prod(found.shape)


@given(
    st.sampled_from(sorted(tensor_values.DTYPES)),
    st.lists(st.integers(-1, 2**62), max_size=3),
    st.binary(max_size=16),
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4),
)
def test_any_tensor_is_numbers_or_refused(
    dtype: int, shape: list[int], content: bytes, patterns: list[int]
) -> None:
    members = {"tensor_content": content, "half_val": patterns, "int_val": patterns}
    made = tensor_proto(dtype, shape, **members)
    try:
        found = numbers(made)
    except RefusedError:
        return
    assert len(found.values) == math.prod(found.shape)
