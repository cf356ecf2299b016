"""What tables come from: a logdir, or a dataset that was exported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from tbtools.errors import TbtoolsError
from tbtools.files.health import FileHealth
from tbtools.selection import Selection
from tbtools.tables.following import Follower
from tbtools.tables.table import Rows

__all__ = ["TableSource"]


class TableSource(Protocol):
    """Where tables come from."""

    @property
    def selection(self) -> Selection:
        """What every reading is narrowed from."""

    @property
    def schemas(self) -> Mapping[str, pa.Schema]:
        """The columns of each table."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows by table, as far as they are known without reading."""

    @property
    def runs(self) -> Sequence[str]:
        """The names of the runs, as far as they are known."""

    @property
    def total_bytes(self) -> int:
        """Size of all event files."""

    @property
    def inputs(self) -> Sequence[str]:
        """The folders and files that are read."""

    @property
    def health(self) -> list[FileHealth]:
        """What was read of each file, and what was lost."""

    @property
    def failure(self) -> TbtoolsError | None:
        """The damage that ended a reading."""

    def read(self, selection: Selection) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Batches of the selected tables, with their names."""

    @property
    def findings(self) -> Rows:
        """Reads what is wrong with the event files. Raises UsageError if there are none."""

    def follower(self, selection: Selection, note: Callable[[str], None]) -> Follower:
        """What reads new rows, if there will be any. Raises UsageError if not."""

    def refresh(self) -> bool:
        """Look again; whether anything is other than before."""
