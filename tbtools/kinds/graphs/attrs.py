"""Attributes of graph nodes as text that people read, e.g. ``float32``, ``[1, 2, 2, 1]``.

What is large is told by its size and SHA-256, not by its value: ``float32[512,512] <1048576 bytes,
sha256 …>``. So two constants can be compared that nobody wants to look at.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from google.protobuf.message import DecodeError

from tbtools.decode.tensor_values import DTYPES, REFERENCES
from tbtools.proto.graph_pb2 import AttrValue, NameAttrList
from tbtools.proto.tfevents_pb2 import TensorProto, TensorShapeProto

__all__ = ["LARGE", "AttrTexts", "Shape", "by_size", "shape_text", "shapes_of", "type_name"]

#: Sizes of dimensions, None where one is not known; None if not even their number is.
Shape = tuple[int | None, ...] | None

LARGE = 1024  # bytes of an attribute; TensorBoard's Graphs tab leaves out what is larger
MOST_SHOWN = 16  # elements of a tensor
MOST_DIMENSIONS = 64  # of a tensor; TensorFlow allows 254

CACHED = 64  # bytes; of longer attributes there are rarely two of a kind
MOST_CACHED = 1 << 16

#: Numeric type → code of an element in tensor_content, and the member that has it otherwise.
ELEMENTS = {
    "float32": ("f", "float_val"),
    "float64": ("d", "double_val"),
    "int32": ("i", "int_val"),
    "uint8": ("B", "int_val"),
    "int16": ("h", "int_val"),
    "int8": ("b", "int_val"),
    "int64": ("q", "int64_val"),
    "bool": ("?", "bool_val"),
    "uint16": ("H", "int_val"),
    "uint32": ("I", "uint32_val"),
    "uint64": ("Q", "uint64_val"),
    "float16": ("e", "half_val"),
    "qint8": ("b", "int_val"),
    "quint8": ("B", "int_val"),
    "qint32": ("i", "int_val"),
}


def type_name(number: int) -> str:
    """The name of a DataType: ``float32``, ``float32_ref``, ``type 99`` for one not known."""
    if number > REFERENCES:
        return type_name(number - REFERENCES) + "_ref"
    return DTYPES.get(number, f"type {number}")


def shape_of(proto: TensorShapeProto) -> Shape:
    """The sizes of a shape."""
    if proto.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else dim.size for dim in proto.dim)


def shape_text(shape: Shape) -> str:
    """A shape as text: ``[?,224,3]``, or ``?`` if the number of dimensions is not known."""
    if shape is None:
        return "?"
    return "[" + ",".join("?" if size is None else str(size) for size in shape) + "]"


def shapes_of(raw: bytes) -> tuple[Shape, ...] | None:
    """The shapes that an attribute holds: one, a list or a tensor's. None if it holds none."""
    try:
        value = AttrValue.FromString(raw)
    except DecodeError:
        return None
    match value.WhichOneof("value"):
        case "list":
            return tuple(map(shape_of, value.list.shape)) or None
        case "shape":
            return (shape_of(value.shape),)
        case "tensor":
            return (shape_of(value.tensor.tensor_shape),)
    return None


class AttrTexts(dict[bytes, str]):
    """The texts of serialised AttrValues: ``texts[raw]``. Most of a graph's are equal: those are
    made once.

    ``rename`` is what functions that an attribute names are called here. Looking up never raises:
    what cannot be read is told by its size.
    """

    def __init__(self, rename: Callable[[str], str] = str) -> None:
        super().__init__()
        self._rename = rename

    def __missing__(self, raw: bytes) -> str:
        text = self._text(raw)
        if len(raw) <= CACHED and len(self) < MOST_CACHED:
            self[raw] = text
        return text

    def _text(self, raw: bytes) -> str:
        try:
            value = AttrValue.FromString(raw)
            kind = value.WhichOneof("value")
            if kind is None:
                return ""
            if kind == "tensor":
                return _tensor_text(value.tensor)
            if len(raw) > LARGE:
                name = self._rename(value.func.name)[:LARGE] if kind == "func" else kind
                return f"{name} {by_size(raw)}"
            if kind == "list":
                return self._list_text(value.list)
            return self._element(kind, getattr(value, kind))
        except (DecodeError, RecursionError):
            return f"not readable {by_size(raw)}"

    def _element(self, kind: str, value: Any) -> str:
        if kind == "func":
            return self._function_text(value)
        return _TO_TEXT[kind](value)

    def _list_text(self, values: AttrValue.ListValue) -> str:
        for descriptor, elements in values.ListFields():
            kind = descriptor.name
            if kind == "s":
                return f"[{', '.join(map(_quoted, elements))}]"
            return f"[{', '.join(self._element(kind, each) for each in elements)}]"
        return "[]"

    def _function_text(self, function: NameAttrList) -> str:
        attrs = function.attr
        inner = [f"{key}={self._text(attrs[key].SerializeToString())}" for key in sorted(attrs)]
        return self._rename(function.name) + (f"{{{', '.join(inner)}}}" if inner else "")


def by_size(content: bytes) -> str:
    """What is said of something that is too large to be shown."""
    return f"<{len(content)} bytes, sha256 {sha256(content).hexdigest()}>"


def _bytes_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "0x" + value.hex()


def _quoted(value: bytes) -> str:
    return json.dumps(_bytes_text(value), ensure_ascii=False)


def _bool_text(value: bool) -> str:
    return "true" if value else "false"


def _float_text(value: float) -> str:
    """The shortest text that gives the same float32."""
    if math.isfinite(value):
        for digits in range(6, 9):
            text = f"{value:.{digits}g}"
            try:
                if struct.pack("f", float(text)) == struct.pack("f", value):
                    return text
            except OverflowError:
                pass  # rounded up to more than float32 holds
    return f"{value:.9g}"


def _tensor_text(tensor: TensorProto) -> str:
    """Type, shape and, if they are few, values."""
    dtype = type_name(tensor.dtype)
    if len(tensor.tensor_shape.dim) > MOST_DIMENSIONS:
        return f"{dtype} {by_size(tensor.SerializeToString())}"
    shape = shape_of(tensor.tensor_shape)
    return f"{dtype}{shape_text(shape)} {_values_text(dtype, shape, tensor)}".rstrip()


def _values_text(dtype: str, shape: Shape, tensor: TensorProto) -> str:
    content = tensor.tensor_content
    if len(content) > LARGE:
        return by_size(content)
    values: Sequence[Any]
    if dtype == "string":
        values = tensor.string_val
        if sum(map(len, values[:MOST_SHOWN])) > LARGE:
            return by_size(tensor.SerializeToString())
        texts = [_quoted(value) for value in values[:MOST_SHOWN]]
    elif dtype in ELEMENTS:
        code, member = ELEMENTS[dtype]
        if content:
            size = struct.calcsize("<" + code)
            if len(content) % size:
                return by_size(content)
            values = struct.unpack(f"<{len(content) // size}{code}", content)
        else:
            values = getattr(tensor, member)
        if member == "half_val" and not content:
            values = [_half(pattern) for pattern in values[: MOST_SHOWN + 1]]
        texts = [_number_text(code, value) for value in values[:MOST_SHOWN]]
    else:
        return by_size(content or tensor.SerializeToString())
    if len(values) > MOST_SHOWN:
        return by_size(content or tensor.SerializeToString())
    return _filled(texts, shape)


def _filled(texts: list[str], shape: Shape) -> str:
    """The values of a tensor; TensorFlow repeats the last one until the shape is full."""
    if shape is None or None in shape:
        return f"[{', '.join(texts)}]"
    if not shape and len(texts) == 1:
        return texts[0]
    is_complete = math.prod(size or 0 for size in shape) <= len(texts)
    if is_complete or not texts:
        return f"[{', '.join(texts)}]" if texts or 0 in shape else "without values"
    if len(texts) == 1:
        return f"filled with {texts[0]}"
    return f"[{', '.join(texts)}], the last repeated"


def _half(pattern: int) -> float:
    value: float = struct.unpack("<e", struct.pack("<H", pattern & 0xFFFF))[0]
    return value


def _number_text(code: str, value: float) -> str:
    if code == "?":
        return _bool_text(bool(value))
    if code == "f":
        return _float_text(value)
    return repr(value)


def _shape_proto_text(proto: TensorShapeProto) -> str:
    return shape_text(shape_of(proto))


_TO_TEXT: dict[str, Callable[[Any], str]] = {
    "s": _bytes_text,
    "i": str,
    "f": _float_text,
    "b": _bool_text,
    "type": type_name,
    "shape": _shape_proto_text,
    "tensor": _tensor_text,
    "placeholder": "${}".format,
}
