"""Work that goes on behind its caller's back, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

__all__ = ["Behind"]

MOST = 1  # piece of work that waits or is done while the next is made, so that memory stays bounded


class Behind:
    """A thread that does one piece of work after the other, for instance writes what was read.

    Use it as a context manager: it ends when all is done, or if its body fails when the piece that
    is being done is.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="tbtools-behind")
        self._waiting: deque[Future[None]] = deque()

    def do(self, work: Callable[[], None]) -> None:
        """Do it later. Raises what earlier work raised."""
        while len(self._waiting) >= MOST:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(work))

    def wait(self) -> None:
        """Wait until all is done. Raises what work raised."""
        while self._waiting:
            self._waiting.popleft().result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.wait()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
