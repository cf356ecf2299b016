"""Numbers → TensorProtos: what ``tensor_values`` reads, the other way round."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pyarrow as pa

from tbtools.decode.encoding import tensor_shape
from tbtools.decode.tensor_values import CONTENT, DTYPES, FLOAT8, numbers
from tbtools.errors import UsageError
from tbtools.proto.tfevents_pb2 import TensorProto

__all__ = ["narrowest", "number_tensor"]

NUMBERS = {name: number for number, name in DTYPES.items()}


def narrowest(values: pa.DoubleArray, *dtypes: str) -> str:
    """The first of these types that holds all values exactly; else float64."""
    for dtype in dtypes:
        if dtype in CONTENT and _content(values, dtype) is not None:
            return dtype
    return "float64"


def number_tensor(table: str, values: pa.DoubleArray, shape: Sequence[int], dtype: str) -> bytes:
    """A tensor of these numbers, serialised.

    Raises UsageError if the shape has another number of elements, or the type does not hold them.
    """
    if math.prod(shape) != len(values) or any(size < 0 for size in shape):
        raise UsageError(f"{table}: {len(values)} values are not those of a shape {[*shape]}")
    if dtype not in CONTENT:
        raise UsageError(f"{table}: there are no numbers of type {dtype!r}")
    content = _content(values, dtype)
    if content is None:
        raise UsageError(f"{table}: not all values of a tensor are {dtype} numbers")
    tensor = TensorProto(
        dtype=NUMBERS[dtype], tensor_shape=tensor_shape(shape), tensor_content=content
    )
    return tensor.SerializeToString()


def _content(values: pa.DoubleArray, dtype: str) -> bytes | None:
    """The numbers as they stand in tensor_content; None if the type does not hold them."""
    if values.null_count:
        return None
    if dtype in FLOAT8:
        return _float8(values, dtype)
    if dtype == "bfloat16":
        words = _bytes(values.cast(pa.float32(), safe=False), 4)
        content = b"".join(words[at + 2 : at + 4] for at in range(0, len(words), 4))
    else:
        kind = CONTENT[dtype]
        try:
            made = values.cast(kind, safe=not pa.types.is_floating(kind))
        except pa.ArrowInvalid:
            return None
        content = _bytes(made, kind.bit_width // 8)
    proto = TensorProto(dtype=NUMBERS[dtype], tensor_content=content)
    proto.tensor_shape.dim.add(size=len(values))
    again = numbers(proto).values if len(values) else values
    return content if _bytes(again, 8) == _bytes(values, 8) or _alike(again, values) else None


def _alike(one: pa.DoubleArray, other: pa.DoubleArray) -> bool:
    """Equal but for what a NaN carries."""
    return list(map(repr, one.to_pylist())) == list(map(repr, other.to_pylist()))


def _float8(values: pa.DoubleArray, dtype: str) -> bytes | None:
    every = TensorProto(dtype=NUMBERS[dtype], float8_val=bytes(range(256)))
    every.tensor_shape.dim.add(size=256)
    patterns = {repr(value): code for code, value in enumerate(numbers(every).values.to_pylist())}
    codes = [patterns.get(repr(value)) for value in values.to_pylist()]
    return None if None in codes else bytes(codes)  # type: ignore[arg-type]


def _bytes(array: pa.Array, width: int) -> bytes:
    buffer = array.buffers()[1]
    if buffer is None:
        return b""
    return bytes(memoryview(buffer)[array.offset * width : (array.offset + len(array)) * width])
