"""Where the rows of a table come from, and how several sources are read in parallel.

``pyarrow.dataset``, which brings pandas along where there is one, is only imported for those who
ask for a LazyTable.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

import pyarrow as pa

__all__ = ["Source", "Survivors", "TableSource", "in_order"]

T = TypeVar("T")

CHUNK = 16  # windows that a thread decodes before it hands them over


class Survivors(Protocol):
    """Tells of runs, or of tags of a run, whether their rows can pass a filter."""

    def __call__(self, column: str, values: Sequence[str], run: str | None = None) -> list[bool]:
        """One answer for each value of the column ``run`` or ``tag``."""


#: Gives the batches of a table in full width; rows that cannot pass may be left out.
Source = Callable[[Survivors | None], Iterable[pa.RecordBatch]]


@dataclass(frozen=True)
class TableSource:
    """A table before anybody has asked for it."""

    schema: pa.Schema
    rows: Source


def in_order(openers: Sequence[Callable[[], Iterator[T]]], threads: int) -> Iterator[T]:
    """What each of these iterators gives, one after the other.

    Several are worked on at once, and each only a chunk ahead of what was taken, so that memory
    does not grow with their length. No two threads are ever in the same iterator.
    """
    if threads <= 1:
        for opener in openers:
            yield from opener()
        return
    waiting = deque(openers)
    running: deque[tuple[Iterator[T], Future[list[T]]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="tbtools")
    try:
        while waiting or running:
            while waiting and len(running) < threads + 2:
                items = waiting.popleft()()
                running.append((items, pool.submit(_chunk, items)))
            items, future = running[0]
            chunk = future.result()
            if len(chunk) < CHUNK:
                running.popleft()
            else:
                running[0] = (items, pool.submit(_chunk, items))
            yield from chunk
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for items, _ in running:
            close = getattr(items, "close", None)
            if close is not None:
                close()


def _chunk(items: Iterator[T]) -> list[T]:
    return list(islice(items, CHUNK))
