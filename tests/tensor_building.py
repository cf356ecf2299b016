"""TensorProtos in few words. For tests of whatever is made of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tbtools.proto.tfevents_pb2 import TensorProto, TensorShapeProto

STRING = 7


def shape_proto(sizes: Sequence[int] | None) -> TensorShapeProto:
    """A shape; None if its rank is not known, -1 for a size that is not."""
    if sizes is None:
        return TensorShapeProto(unknown_rank=True)
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in sizes])


def tensor_proto(dtype: int, shape: Sequence[int] | None = (), **members: Any) -> TensorProto:
    """A tensor of this type and shape."""
    return TensorProto(dtype=dtype, tensor_shape=shape_proto(shape), **members)


def string_tensor(*values: str | bytes, shape: Sequence[int] | None = None) -> TensorProto:
    """A tensor of strings, of rank 1 unless ``shape`` says otherwise."""
    strings = [each.encode() if isinstance(each, str) else each for each in values]
    return tensor_proto(STRING, [len(values)] if shape is None else shape, string_val=strings)
