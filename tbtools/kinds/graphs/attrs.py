"""Attributes of graph nodes as text that people read, e.g. ``float32``, ``[1, 2, 2, 1]``.

What is large is told by its size and SHA-256, not by its value: ``float32[512,512] <1048576 bytes,
sha256 …>``. So two constants can be compared that nobody wants to look at.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pyarrow as pa
from google.protobuf.message import DecodeError

from tbtools.decode.tensor_values import RefusedError, dtype_name, elements, type_name
from tbtools.proto.graph_pb2 import AttrValue, NameAttrList
from tbtools.proto.tfevents_pb2 import TensorProto, TensorShapeProto

__all__ = ["LARGE", "AttrTexts", "Shape", "by_size", "shape_text", "shapes_of", "sizes_of"]

#: Sizes of dimensions, None where one is not known; None if not even their number is.
Shape = tuple[int | None, ...] | None

LARGE = 1024  # bytes of an attribute; TensorBoard's Graphs tab leaves out what is larger
MOST_SHOWN = 16  # elements of a tensor
MOST_DIMENSIONS = 64  # of a tensor; TensorFlow allows 254

CACHED = 64  # bytes; of longer attributes there are rarely two of a kind
MOST_CACHED = 1 << 16


def sizes_of(proto: TensorShapeProto) -> Shape:
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
            return tuple(map(sizes_of, value.list.shape)) or None
        case "shape":
            return (sizes_of(value.shape),)
        case "tensor":
            return (sizes_of(value.tensor.tensor_shape),)
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
        text = self._value_text(raw)
        if len(raw) <= CACHED and len(self) < MOST_CACHED:
            self[raw] = text
        return text

    def _value_text(self, raw: bytes) -> str:
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
        for descriptor, members in values.ListFields():
            kind = descriptor.name
            if kind == "s":
                return f"[{', '.join(map(_quoted, members))}]"
            return f"[{', '.join(self._element(kind, each) for each in members)}]"
        return "[]"

    def _function_text(self, function: NameAttrList) -> str:
        attrs = function.attr
        inner = [
            f"{key}={self._value_text(attrs[key].SerializeToString())}" for key in sorted(attrs)
        ]
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
    shape = sizes_of(tensor.tensor_shape)
    return f"{dtype}{shape_text(shape)} {_values_text(shape, tensor)}".rstrip()


def _values_text(shape: Shape, tensor: TensorProto) -> str:
    content = tensor.tensor_content
    if len(content) > LARGE:
        return by_size(content)
    try:
        texts = _element_texts(tensor)
    except RefusedError:
        texts = None
    if texts is None:
        return by_size(content or tensor.SerializeToString())
    return _filled(texts, shape)


def _element_texts(tensor: TensorProto) -> list[str] | None:
    """What each element is as text; None if they are too many, or too long."""
    if dtype_name(tensor) == "string":
        strings = tensor.string_val
        if len(strings) > MOST_SHOWN or sum(map(len, strings)) > LARGE:
            return None
        return [_quoted(value) for value in strings]
    values = elements(tensor)
    if len(values) > MOST_SHOWN:
        return None
    if pa.types.is_float16(values.type):
        values = values.cast(pa.float64())
    to_text = _NUMBER_TEXTS.get(values.type, repr)
    return [to_text(value) for value in values.to_pylist()]


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


def _shape_proto_text(proto: TensorShapeProto) -> str:
    return shape_text(sizes_of(proto))


_NUMBER_TEXTS: dict[pa.DataType, Callable[[Any], str]] = {
    pa.bool_(): _bool_text,
    pa.float32(): _float_text,
}

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
