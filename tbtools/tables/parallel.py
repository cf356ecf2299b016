"""Several iterators worked on in parallel, their results in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

__all__ = ["in_order", "processors"]

T = TypeVar("T")

_Chunk = tuple[deque[T], bool, int]

CHUNK = 16  # items that a thread makes before it hands them over,
AHEAD = 1 << 24  # or fewer, so that all threads together are not more bytes ahead


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _no_size(_: object) -> int:
    return 0


def in_order(
    openers: Sequence[Callable[[], Iterator[T]]],
    threads: int,
    size_of: Callable[[T], int] = _no_size,
) -> Iterator[T]:
    """What each of these iterators gives, one after the other.

    Several are worked on at once, and each only a chunk ahead of what was taken, so that memory
    does not grow with their length, nor with the size of what they give, if ``size_of`` tells it
    in bytes. No two threads are ever in the same iterator.
    """
    if threads <= 1:
        for opener in openers:
            yield from opener()
        return
    waiting = deque(openers)
    running: deque[tuple[Iterator[T], Future[_Chunk[T]]]] = deque()
    most = threads + 2  # iterators that are worked on
    chunk_of = partial(_chunk, size_of=size_of, limit=AHEAD // most)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="tbtools")
    try:
        while waiting or running:
            while waiting and len(running) < most:
                items = waiting.popleft()()
                running.append((items, pool.submit(chunk_of, items)))
            items, future = running[0]
            chunk, is_last, size = future.result()
            if is_last:
                running.popleft()
            elif size <= AHEAD:
                running[0] = (items, pool.submit(chunk_of, items))
            del future
            while chunk:
                yield chunk.popleft()
            if not is_last and size > AHEAD:  # one of these at a time
                running[0] = (items, pool.submit(chunk_of, items))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for items, _ in running:
            close = getattr(items, "close", None)
            if close is not None:
                close()


def _chunk(items: Iterator[T], size_of: Callable[[T], int], limit: int) -> _Chunk[T]:
    """Some items, whether there are no more, and their size."""
    chunk: deque[T] = deque()
    size = 0
    for item in items:
        chunk.append(item)
        size += size_of(item)
        if len(chunk) == CHUNK or size >= limit:
            return chunk, False, size
    return chunk, True, size
