"""Logs whose tables are made of batches that a test has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from tbtools.files.health import FileHealth
from tbtools.logs import Logs
from tbtools.selection import Selection

#: A table: its columns, and what gives its batches.
Made = tuple[pa.Schema, Callable[[Selection], Iterable[pa.RecordBatch]]]


@dataclass
class MemoryTables:
    """A source of tables, as a logdir or a dataset is one."""

    made: Mapping[str, Made]
    selection: Selection = field(default_factory=Selection)
    counts: Mapping[str, int] = field(default_factory=dict)
    runs: tuple[str, ...] = ()
    total_bytes: int = 0
    health: list[FileHealth] = field(default_factory=list)
    failure: None = None

    @property
    def schemas(self) -> Mapping[str, pa.Schema]:
        """The columns of each table."""
        return {name: schema for name, (schema, _) in self.made.items()}

    def read(self, selection: Selection) -> Iterator[tuple[str, pa.RecordBatch]]:
        """The batches of the selected tables."""
        for name in selection.columns:
            for batch in self.made[name][1](selection):
                yield name, batch

    def refresh(self) -> bool:
        """Nothing changes."""
        return False


def logs_of(**tables: Made) -> Logs:
    """Logs with these tables."""
    return Logs([], MemoryTables(tables))
