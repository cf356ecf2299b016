"""What TensorBoard makes of a value, by its own code: old forms become new ones.

``data_compat`` and ``dataclass_compat`` are what TensorBoard's loader sends every event through
(``backend/event_processing/event_file_loader.py``), so that its behaviour is inherited.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto

__all__ = ["Migrated", "array_of", "length_of", "migrated", "plain_metadata", "tags_of"]

MOST_ELEMENTS = 1 << 24  # of a tensor, unless it has as many bytes: the last is repeated
RUN_GRAPH = "__run_graph__"  # plugins/graph/metadata.py


class Migrated:
    """A value as TensorBoard has it, of which ``metadata`` and ``tensor`` may be None.

    ``initial`` is the metadata of the first value of its tag in its file, before it was given a
    data class: what later values of the tag go by there.
    """

    __slots__ = ("initial", "metadata", "tag", "tensor")

    def __init__(self, value: Summary.Value, initial: SummaryMetadata | None) -> None:
        self.tensor: TensorProto | None = value.tensor if value.HasField("tensor") else None
        self.metadata = _shared(value.metadata) if value.HasField("metadata") else None
        self.tag: str = value.tag
        if not self.tag and self.tensor is not None and value.node_name:
            # Old tensors have the name of their node for a tag, but metadata has not
            # (plugin_event_accumulator.py).
            self.tag, self.metadata = value.node_name, None
        self.initial = initial


def _shared(metadata: SummaryMetadata) -> SummaryMetadata:
    """The same as a message of its own: it would keep all of its event in memory.

    What many tags say alike is kept once.
    """
    return _parsed(metadata.SerializeToString())


@lru_cache(maxsize=4096)
def _parsed(data: bytes) -> SummaryMetadata:
    from tensorboard.compat.proto.summary_pb2 import SummaryMetadata

    return SummaryMetadata.FromString(data)


def tags_of(data: bytes) -> tuple[Any, dict[str, list[Any]]]:
    """An event, and the values of its Summary by tag. Raises protobuf's DecodeError."""
    from tensorboard.compat.proto.event_pb2 import Event

    event = Event.FromString(data)
    values: dict[str, list[Any]] = {}
    if event.HasField("summary"):
        for value in event.summary.value:
            values.setdefault(value.tag, []).append(value)
    return event, values


def migrated(event: Any, value: Any | None, initial: SummaryMetadata | None) -> Migrated | None:
    """What becomes of one value of an event, or of an event without a Summary.

    ``initial`` is that of the first value of its tag in its file; None if this is the first. Raises
    whatever TensorBoard does for values that are not what they say.
    """
    from tensorboard import data_compat, dataclass_compat
    from tensorboard.compat.proto.event_pb2 import Event

    if value is not None:
        alone = Event(wall_time=event.wall_time, step=event.step)
        alone.summary.value.add().CopyFrom(value)
        event = alone
    known = {} if initial is None or value is None else {value.tag: initial}
    for each in dataclass_compat.migrate_event(data_compat.migrate_event(event), known):
        if each.HasField("summary"):
            (made,) = each.summary.value
            first = known.get(made.tag)
            return Migrated(made, None if first is None else _shared(first))
    return None


@lru_cache(maxsize=1 << 16)
def plain_metadata(tag: str) -> SummaryMetadata:
    """That of a scalar of the old form that has none of its own."""
    from tensorboard.compat.proto.event_pb2 import Event

    event = Event()
    made = migrated(event, event.summary.value.add(tag=tag, simple_value=0), None)
    assert made is not None
    assert made.metadata is not None
    return made.metadata


def length_of(tensor: TensorProto) -> int:
    """The elements of a tensor, by its shape (``_tensor_size`` of TensorBoard's data_provider)."""
    return math.prod(dim.size for dim in tensor.tensor_shape.dim)


def array_of(tensor: TensorProto) -> Any:
    """The numpy array of a tensor. Raises ValueError for one that claims far more than it has, and
    what TensorBoard does for one that is malformed.
    """
    from tensorboard.util import tensor_util

    length = length_of(tensor)
    if length > max(MOST_ELEMENTS, tensor.ByteSize()):
        raise ValueError(f"a tensor of {tensor.ByteSize():,} bytes claims {length:,} elements")
    return tensor_util.make_ndarray(tensor)
