"""What a serialised SummaryMetadata says."""

from __future__ import annotations

from functools import lru_cache

from google.protobuf.message import DecodeError

from tbtools.proto.tfevents_pb2 import SummaryMetadata

__all__ = ["plugin_of"]


@lru_cache(maxsize=4096)
def plugin_of(metadata: bytes | None) -> str:
    """The plugin that a serialised SummaryMetadata names; "" if it names none or is not one."""
    if not metadata:
        return ""
    try:
        return SummaryMetadata.FromString(metadata).plugin_data.plugin_name
    except DecodeError:
        return ""
