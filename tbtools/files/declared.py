"""What the metadata of a file's tags declares, as far as the file has been read."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from tbtools import _core
from tbtools.proto.metadata import plugin_of

__all__ = ["Declared"]


class Declared:
    """``metadata`` has the first SummaryMetadata of each tag that names a plugin, else the first.

    ``tags`` are those of which some names a plugin, and ``scalars`` those of which it is that of
    scalars; None before there is any.
    """

    def __init__(self) -> None:
        self.metadata: dict[str, bytes] = {}
        self.tags: _core.NameSet | None = None
        self.scalars: _core.NameSet | None = None

    def note(self, tags: pa.RecordBatch) -> None:
        """Take in the tags of a scan."""
        tags = tags.filter(tags["metadata"].is_valid())
        pairs = zip(tags["tag"].to_pylist(), tags["metadata"].to_pylist(), strict=True)
        self.add(dict(pairs))

    def add(self, found: Mapping[str, bytes]) -> None:
        """Take in what metadata tags have."""
        fresh = False
        for tag, metadata in found.items():
            known = self.metadata.get(tag)
            if known is None or (plugin_of(metadata) and not plugin_of(known)):
                fresh = True
                self.metadata[tag] = metadata
        if fresh:
            plugins = {tag: plugin_of(metadata) for tag, metadata in self.metadata.items()}
            self.tags = _core.NameSet([tag for tag, plugin in plugins.items() if plugin])
            self.scalars = _core.NameSet(
                [tag for tag, plugin in plugins.items() if plugin == "scalars"]
            )
