"""The files of a table that is added to: written, thinned out, put together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.output.behind import Behind
from tbtools.output.sorting import SortedChunks, sort_keys
from tbtools.output.writers import ParquetWriter

__all__ = ["Adding", "Part", "joined", "may_hold", "without", "worth"]

SMALL = 1 << 16  # bytes: parts up to this size are of the first level,
FAN = 8  # so many of which make one of the next
LARGE = 1 << 27  # bytes: larger parts stay as they are


@dataclass(frozen=True)
class Part:
    """A file of a table. ``name`` is None until it is committed."""

    path: Path
    rows: int
    size: int
    name: str | None = None


class Adding:
    """Rows on their way into new parts."""

    def __init__(self, new_path: Callable[[], Path], behind: Behind) -> None:
        self._new_path = new_path
        self._behind = behind
        self._open: dict[tuple[str, bool], tuple[Path, ParquetWriter, SortedChunks]] = {}

    def add(
        self, table: str, schema: pa.Schema, batch: pa.RecordBatch, may_change: bool = False
    ) -> None:
        """Take rows of a table; with ``may_change`` such as ``drop_tails`` is to drop."""
        key = (table, may_change)
        if key not in self._open:
            path = self._new_path()
            writer = ParquetWriter(path, schema, sort_keys(schema))
            self._open[key] = (path, writer, SortedChunks(writer.write, self._behind))
        self._open[key][2].add(batch)

    def flush(self) -> None:
        """Hand on what is left."""
        for _, _, chunks in self._open.values():
            chunks.flush()

    def close(self) -> dict[str, dict[bool, list[Part]]]:
        """Finish the files; the parts of each table, by whether they may change."""
        made: dict[str, dict[bool, list[Part]]] = {}
        for (table, may_change), (path, writer, chunks) in self._open.items():
            writer.close()
            part = Part(path, chunks.rows, path.stat().st_size)
            made.setdefault(table, {False: [], True: []})[may_change].append(part)
        return made

    def abandon(self) -> None:
        """Leave nothing of it."""
        for path, writer, _ in self._open.values():
            with suppress(Exception):
                writer.close()
            path.unlink(missing_ok=True)


@contextmanager
def _written(path: Path, schema: pa.Schema) -> Iterator[ParquetWriter]:
    writer = ParquetWriter(path, schema, sort_keys(schema))
    try:
        yield writer
    except BaseException:
        with suppress(Exception):
            writer.close()
        path.unlink(missing_ok=True)
        raise
    writer.close()


def may_hold(group: Any, runs: Sequence[str]) -> bool:
    """Whether a row group, by its metadata, may have rows of one of these runs, which are sorted.

    Its first column is the run.
    """
    statistics = group.column(0).statistics
    if statistics is None or not statistics.has_min_max:
        return bool(runs)
    return bisect_left(runs, statistics.min) < bisect_right(runs, statistics.max)


def without(part: Part, runs: Sequence[str], path: Path) -> Part | None:
    """A part without the rows of sorted runs, written to ``path``; itself if it has none of them.

    None if no row is left.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(part.path) as file:
        kept, counts = [], []
        wanted = pa.array(runs, pa.string())
        for index in range(file.num_row_groups):
            group = file.metadata.row_group(index)
            mask, count = None, group.num_rows
            if may_hold(group, runs):
                run = file.read_row_group(index, ["run"])["run"].cast(pa.string())
                mask = pc.invert(pc.is_in(run, wanted))
                count = pc.sum(mask).as_py() or 0
            kept.append(mask)
            counts.append(count)
        if sum(counts) == part.rows:
            return part
        if not sum(counts):
            return None
        with _written(path, file.schema_arrow) as writer:
            for index, count in enumerate(counts):
                if count:
                    rows = file.read_row_group(index)
                    mask = kept[index]
                    writer.write(rows if mask is None else rows.filter(mask))
    return Part(path, sum(counts), path.stat().st_size)


def joined(parts: Sequence[Part], path: Path) -> Part:
    """The rows of several parts, sorted as those of one are, written to ``path``."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(parts[0].path) as first:
        schema = first.schema_arrow
    with _written(path, schema) as writer:
        chunks = SortedChunks(writer.write)
        for part in parts:
            with pq.ParquetFile(part.path) as file:
                for index in range(file.num_row_groups):
                    for batch in file.read_row_group(index).to_batches():
                        chunks.add(batch)
        chunks.flush()
    return Part(path, chunks.rows, path.stat().st_size)


def worth(sizes: list[int]) -> int:
    """How many of the last parts are worth to be put together; 0 if none are."""
    limit = SMALL
    while limit <= LARGE:
        count = 0
        for size in reversed(sizes):
            if size > limit:
                break
            count += 1
        if count >= FAN:
            return count
        limit *= FAN
    return 0
