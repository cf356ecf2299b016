"""Stock TensorBoard with our loader."""

from __future__ import annotations

import argparse
import io
import threading
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tbtools.errors import UsageError
from tbtools.page.projection import unhidden
from tbtools.verbs.tensorboard.flags import configure
from tbtools.verbs.tensorboard.listening import listening

if TYPE_CHECKING:
    from tbtools.verbs.tensorboard.store import Store

__all__ = ["board_type", "run"]

OLDEST = (2, 17)
PATIENCE = 2.0  # seconds that what is being read may take to end


def board_type(begun: Store | None = None) -> type[Any]:
    """``tensorboard.program.TensorBoard`` with our loader in the place of its own.

    ``begun`` is a Store that is being read already: it is taken if its logdirs are the right ones.
    Raises UsageError if TensorBoard is not installed, or not one that this works with.
    """
    unhidden()
    try:
        from tensorboard.version import VERSION

        found = tuple(int(part) for part in VERSION.split(".")[:2] if part.isdigit())
        if found < OLDEST:  # may be one that cannot be imported any more
            oldest = ".".join(map(str, OLDEST))
            raise UsageError(
                f"TensorBoard {VERSION} is too old, {oldest} or later is needed: "
                "pip install --upgrade tensorboard"
            )
        # Up to 2.20 the plugins import pkg_resources, which new releases of setuptools lack.
        from tensorboard import default, program  # noqa: F401
    except ImportError as error:
        is_there = find_spec("tensorboard") is not None
        what = "--upgrade tensorboard" if is_there else "'tbtools-tfevents[tensorboard]'"
        raise UsageError(f"TensorBoard cannot be imported ({error}): pip install {what}") from None
    if not hasattr(program.TensorBoard, "_make_data_ingester"):
        raise UsageError(
            f"TensorBoard {VERSION} has no place for another loader: install an earlier release, "
            "or a later one of tbtools; `tbtools serve` without it shows the same logs"
        )
    from tbtools.verbs.tensorboard.ingester import Ingester

    class Board(program.TensorBoard):  # type: ignore[misc]
        """TensorBoard, reading by tbtools."""

        def _make_data_ingester(self) -> Ingester:
            ingester = Ingester(self.flags, begun)
            ingester.start()
            return ingester

    return Board


def run(arguments: Sequence[str], on_url: Callable[[str], object] | None = None) -> int:
    """Run TensorBoard with these flags of its own until it is interrupted; its exit code.

    ``on_url`` is told the address of its page as soon as it listens there. Raises UsageError if it
    cannot be started.
    """
    unhidden()
    store = _store_of(arguments)
    reading = threading.Thread(target=store.reload, name="tbtools reads first", daemon=True)
    reading.start()
    try:
        board = board_type(store)
        from tensorboard import default, main_lib

        with redirect_stderr(io.StringIO()):  # that features are missing without TensorFlow
            main_lib.global_init()
        tensorboard = board(plugins=default.get_plugins(), server_class=listening(on_url))
        configure(tensorboard, arguments)
        return int(tensorboard.main())
    finally:
        store.close()
        reading.join(PATIENCE)


def _store_of(arguments: Sequence[str]) -> Store:
    """What the flags of TensorBoard name, to be read while it is imported: that takes a second.

    It looks at its flags only then; these few are looked at before.
    """
    from tbtools.verbs.tensorboard.logdirs import logdirs_of
    from tbtools.verbs.tensorboard.store import Store

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--logdir", default="")
    parser.add_argument("--logdir_spec", default="")
    parser.add_argument("--purge_orphaned_data", default="true")
    try:
        flags, _ = parser.parse_known_args(arguments)
    except argparse.ArgumentError:  # TensorBoard says what is wrong
        flags = argparse.Namespace(logdir="", logdir_spec="", purge_orphaned_data="true")
    purges = flags.purge_orphaned_data.lower() == "true"
    return Store(logdirs_of(flags), purges)
