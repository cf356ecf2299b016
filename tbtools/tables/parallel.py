"""Several iterators worked on in parallel, their results in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

__all__ = ["in_order", "processors"]

T = TypeVar("T")

CHUNK = 16  # windows that a thread decodes before it hands them over


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
