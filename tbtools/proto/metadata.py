"""What a serialised SummaryMetadata says."""

from __future__ import annotations

from functools import lru_cache

from tbtools import _core

__all__ = ["plugin_of"]


@lru_cache(maxsize=4096)
def plugin_of(metadata: bytes | None) -> str:
    """The plugin that a serialised SummaryMetadata names; "" if it names none or is malformed.

    The core says so, which decides by it what a value is while it reads.
    """
    return _core.plugin_of(metadata) if metadata else ""
