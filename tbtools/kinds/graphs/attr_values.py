"""Attributes as text → AttrValues that read as the same text.

What ``attrs`` made text of is not always known from the text: a string may look like a number. The
value is of the likeliest kind, and of the kind string if that would read otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from tbtools.decode.tensor_values import DTYPES
from tbtools.kinds.graphs.attrs import AttrTexts, Shape
from tbtools.proto.graph_pb2 import AttrValue
from tbtools.proto.tfevents_pb2 import TensorShapeProto

__all__ = ["AttrValues", "shapes_value", "type_number"]

_TYPES = {name: number for number, name in DTYPES.items()}

_SHAPE = re.compile(r"\[((\?|\d+)(,(\?|\d+))*)?\]")
_INTEGER = re.compile(r"-?\d{1,18}")
_NUMBER = re.compile(r"-?(\d+\.?\d*([eE][-+]?\d+)?|inf|nan)")
MOST_CACHED = 1 << 16


def type_number(name: str) -> int:
    """The number of a type, with ``_ref`` for references; 0 if there is none of this name."""
    return _TYPES.get(name, 0) or (
        _TYPES[name.removesuffix("_ref")] + 100 if name.removesuffix("_ref") in _TYPES else 0
    )


def shapes_value(shapes: Sequence[Shape]) -> bytes:
    """A list of shapes, serialised."""
    return _list(shape=[_shape(shape) for shape in shapes])


def _shape(shape: Shape) -> TensorShapeProto:
    if shape is None:
        return TensorShapeProto(unknown_rank=True)
    dims = [TensorShapeProto.Dim(size=-1 if size is None else size) for size in shape]
    return TensorShapeProto(dim=dims)


def _list(**members: Any) -> bytes:
    return AttrValue(list=AttrValue.ListValue(**members)).SerializeToString()


class AttrValues(dict[tuple[bool, str], bytes]):
    """Serialised AttrValues by their text, and whether it is known to be that of a shape."""

    def __init__(self) -> None:
        super().__init__()
        self._texts = AttrTexts()

    def __missing__(self, key: tuple[bool, str]) -> bytes:
        is_shape, text = key
        value = _guess(text, is_shape)
        if value is None or self._texts[value] != text:
            value = AttrValue(s=text.encode()).SerializeToString()
        if len(self) < MOST_CACHED:
            self[key] = value
        return value


def _guess(text: str, is_shape: bool) -> bytes | None:
    """The likeliest value; None for a string."""
    value: AttrValue | None = None
    if not text:
        value = AttrValue()
    elif is_shape and _SHAPE.fullmatch(text):
        sizes = [None if size == "?" else int(size) for size in text[1:-1].split(",") if size]
        value = AttrValue(shape=_shape(tuple(sizes)))
    elif is_shape and text == "?":
        value = AttrValue(shape=_shape(None))
    elif text.startswith("[") and text.endswith("]"):
        return _guess_list(text)
    elif type_number(text):
        value = AttrValue(type=type_number(text))
    elif text in ("true", "false"):
        value = AttrValue(b=text == "true")
    elif _INTEGER.fullmatch(text):
        value = AttrValue(i=int(text))
    elif _NUMBER.fullmatch(text):
        value = AttrValue(f=_float(text))
    elif text.startswith("${") and text.endswith("}"):
        value = AttrValue(placeholder=text[2:-1])
    return None if value is None else value.SerializeToString()


def _float(text: str) -> float:
    number = float(text)
    return number if abs(number) < 3.4e38 else 0.0  # too large to be a float32, so no number


def _guess_list(text: str) -> bytes | None:
    words = text[1:-1].split(", ") if len(text) > 2 else []
    if all(_INTEGER.fullmatch(word) for word in words):
        return _list(i=[int(word) for word in words])
    if all(map(type_number, words)):
        return _list(type=[type_number(word) for word in words])
    if all(word in ("true", "false") for word in words):
        return _list(b=[word == "true" for word in words])
    if all(_NUMBER.fullmatch(word) for word in words):
        return _list(f=[_float(word) for word in words])
    try:
        strings = json.loads(text)
    except ValueError:
        return None
    if all(isinstance(string, str) for string in strings):
        return _list(s=[string.encode() for string in strings])
    return None
