"""Ctrl-C while DuckDB works, of which it hears only when it is done."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["interruptible"]

PAUSE = 0.1  # seconds


@contextmanager
def interruptible(interrupt: Callable[[], object]) -> Iterator[None]:
    """Call ``interrupt`` when Ctrl-C is pressed, and raise KeyboardInterrupt when it had effect.

    Python runs handlers of signals between two steps of the main thread, so none while that waits
    for DuckDB. But the number of a signal is written to a file at once, which another thread reads.
    A second Ctrl-C does what it does elsewhere. Outside of the main thread nothing is different.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield
        return
    heard = False
    ear, mouth = socket.socketpair()

    def listen() -> None:
        nonlocal heard
        over = False
        while not over:
            try:
                number = ear.recv(1)
                over = not number
                heard = heard or number == bytes([signal.SIGINT])
            except TimeoutError:
                pass
            if heard and not over:
                interrupt()
                ear.settimeout(PAUSE)  # then again: a statement that begins forgets of it

    listener = threading.Thread(target=listen, daemon=True)
    mouth.setblocking(False)
    before = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
    # The usual one raises at once: in the destructor of what DuckDB drops, where nobody hears it.
    signal.signal(signal.SIGINT, lambda *_: signal.signal(signal.SIGINT, usual))
    try:
        listener.start()
        yield
    except Exception:
        if heard:  # what DuckDB says of it is of no interest
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, usual)
        signal.set_wakeup_fd(before)
        mouth.close()
        listener.join()
        ear.close()
    if heard:
        raise KeyboardInterrupt
