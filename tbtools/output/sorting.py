"""Rows sorted by run, tag and step, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.output.behind import Behind

__all__ = ["SortedChunks", "sort_keys", "sorted_rows"]

MOST_ROWS = 1 << 20
MOST_BYTES = 12 << 20
LARGE = 32 << 20  # bytes that are not worked on while more is read


def sort_keys(schema: pa.Schema) -> list[str]:
    """The key columns that rows of this schema are sorted by."""
    return [name for name in ("run", "tag", "step") if name in schema.names]


def sorted_rows(table: pa.Table) -> pa.Table:
    """The rows by run, tag and step; rows that agree in all three stay in their order."""
    table = table.unify_dictionaries()
    keys = sort_keys(table.schema)
    labels = [key for key in keys if key != "step"]
    if not table.num_rows or not labels:
        return table
    ranks = [_ranks(table[name].combine_chunks()) for name in labels]
    place = ranks[0]
    if len(ranks) > 1:
        place = pc.add(pc.multiply(place, pc.add(pc.max(ranks[1]), 1)), ranks[1])
    if _is_sorted(place, table["step"].combine_chunks() if "step" in keys else None):
        return table  # no copy is made of what may be large
    order = pc.sort_indices(place)  # stable; few distinct small numbers make a counting sort
    if "step" in keys:
        step = table["step"].combine_chunks()
        sorted_place, sorted_step = place.take(order), step.take(order)
        same = pc.equal(sorted_place[1:], sorted_place[:-1])
        falls = pc.and_(same, pc.less(sorted_step[1:], sorted_step[:-1]))
        if pc.any(falls).as_py():
            both = pa.table({"place": place, "step": step})
            order = pc.sort_indices(both, [("place", "ascending"), ("step", "ascending")])
    return table.take(order)


def _is_sorted(place: pa.Array, step: pa.Array | None) -> bool:
    rises = pc.greater(place[1:], place[:-1])
    same = pc.equal(place[1:], place[:-1])
    if step is not None:
        same = pc.and_(same, pc.greater_equal(step[1:], step[:-1]))
    return pc.all(pc.or_(rises, same), min_count=0).as_py() is not False


def _ranks(column: pa.DictionaryArray) -> pa.Array:
    """The place of each label in the order of all; nulls come last."""
    names = column.dictionary
    rank = pc.rank(names, tiebreaker="dense").cast(pa.int64())
    return pc.fill_null(rank.take(column.indices), len(names) + 1)


class SortedChunks:
    """Collects batches and hands them on in sorted chunks, so that memory stays bounded.

    With ``behind``, chunks are sorted and handed on there.
    """

    def __init__(self, write: Callable[[pa.Table], None], behind: Behind | None = None) -> None:
        self.rows = 0
        self._write = write
        self._behind = behind
        self._batches: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._waiting_bytes = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch."""
        self._batches.append(batch)
        self.rows += batch.num_rows
        self._waiting_rows += batch.num_rows
        self._waiting_bytes += batch.nbytes
        if self._waiting_rows >= MOST_ROWS or self._waiting_bytes >= MOST_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hand on what is left."""
        batches, size = self._batches, self._waiting_bytes
        self._batches, self._waiting_rows, self._waiting_bytes = [], 0, 0
        if not batches:
            return
        work = partial(_hand_on, batches, self._write)
        if self._behind is None:
            work()
            return
        self._behind.do(work)
        if size >= LARGE:
            del batches, work
            self._behind.wait()


def _hand_on(batches: list[pa.RecordBatch], write: Callable[[pa.Table], None]) -> None:
    table = pa.Table.from_batches(batches)
    batches.clear()
    is_large = table.nbytes >= LARGE
    write(sorted_rows(table))
    if is_large:
        del table
        pa.default_memory_pool().release_unused()  # it would keep what the writer needed
