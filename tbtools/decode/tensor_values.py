"""The numbers and the strings of a TensorProto. Source: docs/format.md, "TensorProto".

For kinds that decode tensors. What a payload declares is held against what it holds before
anything is allocated; what does not fit raises RefusedError, which a kind catches and passes on
as the reason why it refuses the event.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import DecodeError

from tbtools.proto.tfevents_pb2 import SummaryMetadata, TensorProto

__all__ = [
    "Numbers",
    "RefusedError",
    "Strings",
    "dtype_name",
    "elements",
    "numbers",
    "plugin_content",
    "shape_of",
    "strings",
    "tensor_of",
    "type_name",
]

#: A tensor that holds fewer numbers than its shape declares is filled up, but only this far: a
#: file of a few megabytes could declare any amount of memory. Writers leave out at most a few.
MOST_FILLED = 1024

MOST_COUNTED = 1 << 63  # elements; larger products of sizes are not worked out


class RefusedError(Exception):
    """A payload is not what it has to be; the text says why, in plain words. Stays in ``kinds``."""


@dataclass(frozen=True)
class Numbers:
    """The elements of a numeric tensor, last index running fastest, and its shape."""

    values: pa.DoubleArray
    shape: list[int]


@dataclass(frozen=True)
class Strings:
    """The elements of a string tensor, last index running fastest, and its shape."""

    values: list[bytes]
    shape: list[int]


#: Members of TensorFlow's DataType, under the names that its Python side gives them.
DTYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "string",
    8: "complex64",
    9: "int64",
    10: "bool",
    11: "qint8",
    12: "quint8",
    13: "qint32",
    14: "bfloat16",
    15: "qint16",
    16: "quint16",
    17: "uint16",
    18: "complex128",
    19: "float16",
    20: "resource",
    21: "variant",
    22: "uint32",
    23: "uint64",
    24: "float8_e5m2",
    25: "float8_e4m3fn",
    26: "float8_e4m3fnuz",
    27: "float8_e4m3b11fnuz",
    28: "float8_e5m2fnuz",
    29: "int4",
    30: "uint4",
    31: "int2",
    32: "uint2",
    33: "float4_e2m1fn",
}
REFERENCES = 100  # DT_FLOAT_REF is DT_FLOAT + 100, and so on

#: Numeric type → its elements in tensor_content, as Arrow has them.
CONTENT = {
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int32": pa.int32(),
    "uint8": pa.uint8(),
    "int16": pa.int16(),
    "int8": pa.int8(),
    "int64": pa.int64(),
    "bool": pa.uint8(),
    "qint8": pa.int8(),
    "quint8": pa.uint8(),
    "qint32": pa.int32(),
    "bfloat16": pa.uint16(),
    "qint16": pa.int16(),
    "quint16": pa.uint16(),
    "uint16": pa.uint16(),
    "float16": pa.float16(),
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "float8_e5m2": pa.uint8(),
    "float8_e4m3fn": pa.uint8(),
    "float8_e4m3fnuz": pa.uint8(),
    "float8_e4m3b11fnuz": pa.uint8(),
    "float8_e5m2fnuz": pa.uint8(),
}

#: Numeric type → the member that holds its elements if tensor_content does not, and its typecode.
#: Those that are not here are in int_val.
MEMBERS = {
    "float32": ("float_val", "f"),
    "float64": ("double_val", "d"),
    "int64": ("int64_val", "q"),
    "bool": ("bool_val", "B"),
    "uint32": ("uint32_val", "I"),
    "uint64": ("uint64_val", "Q"),
}
TYPECODES = {
    "f": pa.float32(),
    "d": pa.float64(),
    "i": pa.int32(),
    "q": pa.int64(),
    "B": pa.uint8(),
    "H": pa.uint16(),
    "I": pa.uint32(),
    "Q": pa.uint64(),
}

#: 8-bit floats: bits of the exponent, its bias, and what stands for "not a number": as in IEEE
#: 754, a mantissa of ones, or minus zero.
FLOAT8 = {
    "float8_e5m2": (5, 15, "ieee"),
    "float8_e4m3fn": (4, 7, "ones"),
    "float8_e4m3fnuz": (4, 8, "minus zero"),
    "float8_e4m3b11fnuz": (4, 11, "minus zero"),
    "float8_e5m2fnuz": (5, 16, "minus zero"),
}


def tensor_of(payload: bytes | None) -> TensorProto:
    """The tensor of a payload. Raises RefusedError if it is none."""
    if payload is None:
        raise RefusedError("metadata without a tensor")
    try:
        return TensorProto.FromString(payload)
    except DecodeError:
        raise RefusedError("not a tensor") from None


def plugin_content(metadata: bytes | None) -> bytes:
    """What a serialised SummaryMetadata holds for its plugin. Raises RefusedError if it is none."""
    try:
        return SummaryMetadata.FromString(metadata or b"").plugin_data.content
    except DecodeError:
        raise RefusedError("the tag's metadata cannot be read") from None


def type_name(number: int) -> str:
    """The name of a DataType: ``float32``, ``float32_ref``, ``type 99`` for one not known."""
    if number - REFERENCES in DTYPES:
        return f"{DTYPES[number - REFERENCES]}_ref"
    return DTYPES.get(number, f"type {number}")


def dtype_name(tensor: TensorProto) -> str:
    """The name of the type of a tensor's elements: that of its type, or of what it refers to."""
    return type_name(tensor.dtype).removesuffix("_ref")


def shape_of(tensor: TensorProto) -> list[int]:
    """The sizes of a tensor's dimensions. Raises RefusedError if one is not known."""
    if tensor.tensor_shape.unknown_rank:
        raise RefusedError("the shape is not known")
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if any(size < 0 for size in shape):
        raise RefusedError("a dimension has no known size")
    return shape


def _count(shape: list[int]) -> int:
    """The number of elements of a shape, or MOST_COUNTED if there are more."""
    if 0 in shape:
        return 0
    count = 1
    for size in shape:
        count *= size
        if count >= MOST_COUNTED:
            return MOST_COUNTED
    return count


def strings(tensor: TensorProto) -> Strings:
    """The strings of a tensor. Raises RefusedError if its shape declares more or fewer."""
    if dtype_name(tensor) != "string":
        raise RefusedError(f"{dtype_name(tensor)} values, not strings")
    shape = shape_of(tensor)
    held = len(tensor.string_val)
    if held != _count(shape):
        raise RefusedError(f"the shape declares {_count(shape)} strings, the tensor holds {held}")
    return Strings(list(tensor.string_val), shape)


def elements(tensor: TensorProto) -> pa.Array:
    """The numbers that a tensor holds, whatever its shape says, in a type that has them exactly.

    That is their own; bfloat16 and 8-bit floats become float32 and float64. Raises RefusedError if
    the tensor is not numeric, or its content no whole number of elements.
    """
    return _decoded(dtype_name(tensor), _raw(tensor))


def numbers(tensor: TensorProto) -> Numbers:
    """The numbers of a tensor, as float64.

    One that holds too few is filled up with its last number, or with zeros if it has none, as
    TensorFlow does. Raises RefusedError if it is not numeric, holds too many or far too few, or
    holds an integer that float64 cannot.
    """
    _check_is_numeric(tensor)
    shape = shape_of(tensor)
    declared = _count(shape)
    raw = _raw(tensor)
    held = len(raw)
    if held > declared or (held < declared and (tensor.tensor_content or declared > MOST_FILLED)):
        raise RefusedError(f"the shape declares {declared} numbers, the tensor holds {held}")
    values = _as_float64(_decoded(dtype_name(tensor), raw))
    if held < declared:
        last = values[-1] if held else pa.scalar(0.0, pa.float64())
        values = pa.concat_arrays([values, pa.repeat(last, declared - held)])
    return Numbers(values, shape)


def _check_is_numeric(tensor: TensorProto) -> None:
    dtype = dtype_name(tensor)
    if dtype not in CONTENT:
        raise RefusedError(f"{dtype} values cannot be read as numbers")


def _raw(tensor: TensorProto) -> pa.Array:
    """The elements as they are stored: those of types that Arrow lacks as patterns of bits."""
    _check_is_numeric(tensor)
    dtype = dtype_name(tensor)
    return _from_content(dtype, tensor) if tensor.tensor_content else _from_members(dtype, tensor)


def _from_content(dtype: str, tensor: TensorProto) -> pa.Array:
    content = tensor.tensor_content
    size = CONTENT[dtype].bit_width // 8
    if len(content) % size:
        raise RefusedError(f"{len(content)} bytes are not a whole number of {dtype} values")
    return _array(CONTENT[dtype], content, len(content) // size)


def _from_members(dtype: str, tensor: TensorProto) -> pa.Array:
    if dtype in ("float16", "bfloat16"):
        return _halves(dtype, tensor.half_val)
    if dtype in FLOAT8:
        return _array(CONTENT[dtype], tensor.float8_val, len(tensor.float8_val))
    member, typecode = MEMBERS.get(dtype, ("int_val", "i"))
    # PyTorch's add_tensor puts uint8 into uint32_val.
    if member == "int_val" and not tensor.int_val:
        member, typecode = "uint32_val", "I"
    return _packed(typecode, getattr(tensor, member))


def _halves(dtype: str, patterns: Iterable[int]) -> pa.Array:
    """16-bit patterns; or, from PyTorch's add_tensor, the patterns of the same as float32."""
    whole = array("i", patterns)
    if all(0 <= pattern <= 0xFFFF for pattern in whole):
        return _array(CONTENT[dtype], array("H", whole).tobytes(), len(whole))
    return _array(pa.float32(), whole.tobytes(), len(whole))


def _packed(typecode: str, values: Iterable[Any]) -> pa.Array:
    packed = array(typecode, values)
    return _array(TYPECODES[typecode], packed.tobytes(), len(packed))


def _array(kind: pa.DataType, content: bytes, count: int) -> pa.Array:
    return pa.Array.from_buffers(kind, count, [None, pa.py_buffer(content)])


def _decoded(dtype: str, raw: pa.Array) -> pa.Array:
    if dtype == "bool":
        return pc.not_equal(raw, 0)
    if dtype == "bfloat16" and pa.types.is_uint16(raw.type):
        # bfloat16 is the upper half of a float32.
        widened = pc.shift_left(raw.cast(pa.uint32()), pa.scalar(16, pa.uint32()))
        return widened.view(pa.float32())
    if dtype in FLOAT8:
        return _float8(dtype).take(raw)
    return raw


def _as_float64(values: pa.Array) -> pa.DoubleArray:
    if pa.types.is_int64(values.type) or pa.types.is_uint64(values.type):
        return _exactly(values)
    return values.cast(pa.float64())


def _exactly(raw: pa.Array) -> pa.DoubleArray:
    values = raw.cast(pa.float64(), safe=False)
    try:
        if values.cast(raw.type).equals(raw):
            return values
    except pa.ArrowInvalid:
        pass  # rounded up to more than the integer type holds
    raise RefusedError("an integer that float64 does not hold exactly")


@cache
def _float8(dtype: str) -> pa.DoubleArray:
    """What each of the 256 patterns of an 8-bit float stands for."""
    exponent_bits, bias, special = FLOAT8[dtype]
    mantissa_bits = 7 - exponent_bits
    scale = 1 << mantissa_bits
    top = (1 << exponent_bits) - 1
    values = []
    for pattern in range(128):
        exponent, mantissa = divmod(pattern, scale)
        if exponent:
            value = (1 + mantissa / scale) * 2.0 ** (exponent - bias)
        else:
            value = mantissa / scale * 2.0 ** (1 - bias)
        if special == "ieee" and exponent == top:
            value = float("nan") if mantissa else float("inf")
        if special == "ones" and pattern == 127:
            value = float("nan")
        values.append(value)
    negative = [-value for value in values]
    if special == "minus zero":
        negative[0] = float("nan")
    return pa.array(values + negative, pa.float64())
