"""What stands in the place of TensorBoard's loader: reads the logs again and again.

The interface is ``tensorboard/data/ingester.py``; the flags are those of its own
``backend/event_processing/data_ingester.py``.
"""

from __future__ import annotations

import argparse
import atexit
import threading
import time
from collections.abc import Callable

from tensorboard.data import ingester
from tensorboard.util import tb_logging

from tbtools.verbs.tensorboard.logdirs import logdirs_of
from tbtools.verbs.tensorboard.provider import Provider
from tbtools.verbs.tensorboard.store import Store

__all__ = ["DEFAULT_SAMPLES", "Ingester"]

#: How many samples are sent of a series, where stock TensorBoard sends too few to show what it is.
DEFAULT_SAMPLES = {"scalars": 10_000, "images": 100, "audio": 100}
ALL = 1 << 62  # what 0 stands for
PATIENCE = 2.0  # seconds that what is being read may take to end

logger = tb_logging.get_logger()


class Ingester(ingester.DataIngester):  # type: ignore[misc]
    """Reads the logs that the flags of TensorBoard name.

    The flag ``samples_per_plugin`` gets our defaults: plugins look at it, too. ``store`` is one
    that is being read already, and is taken if it is of the same logdirs.
    """

    def __init__(self, flags: argparse.Namespace, store: Store | None = None) -> None:
        given = dict(flags.samples_per_plugin or {})
        flags.samples_per_plugin = {
            **DEFAULT_SAMPLES,
            **{plugin: samples or ALL for plugin, samples in given.items()},
        }
        self._interval = flags.reload_interval
        self._task = flags.reload_task
        logdirs, purges = logdirs_of(flags), flags.purge_orphaned_data
        is_begun = store is not None and store.is_of(logdirs, purges)
        self._store = store if store is not None and is_begun else Store(logdirs, purges)
        self._is_begun = is_begun
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._store.notes.tell(logger.warning)
        self._store.shared.may_migrate.set()
        location = flags.logdir or flags.logdir_spec or ""
        self._provider = Provider(self._store, location, given)

    @property
    def data_provider(self) -> Provider:
        """What answers TensorBoard's plugins."""
        return self._provider

    def reload(self) -> bool:
        """Look at the logs once; whether there was anything new."""
        begin = time.monotonic()
        is_new = self._store.reload()
        logger.info("tbtools has read the logs in %.3f s", time.monotonic() - begin)
        return is_new

    def start(self) -> None:
        """Read the logs: at once with ``--reload_task=blocking``, else in a thread."""
        if self._task == "blocking":
            if self._interval:
                raise ValueError("--reload_task=blocking needs --reload_interval=0")
            self._read_first()
            return
        self._thread = threading.Thread(target=self._keep_reloading, name="Reloader", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def close(self) -> None:
        """Stop reading."""
        self._stopped.set()
        self._store.close()
        if self._thread is not None:
            self._thread.join(PATIENCE)
        atexit.unregister(self.close)

    def _read_first(self) -> None:
        if self._is_begun:
            self._store.has_read.wait()
        else:
            self.reload()

    def _keep_reloading(self) -> None:
        read: Callable[[], object] = self._read_first
        while not self._stopped.is_set():
            try:
                read()
            except Exception:  # a page of yesterday is better than none that is ever new again
                logger.exception("tbtools could not read the logs; it is tried again")
            if not self._interval:
                return
            read = self.reload
            self._stopped.wait(self._interval)
