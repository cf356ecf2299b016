"""``tensorboard --tbtools``: a flag that TensorBoard finds by an entry point.

Every TensorBoard of an environment with tbtools imports this module when it starts, and none may
notice: nothing else is imported, and nothing done, until somebody gives the flag.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tensorboard.plugins import base_plugin

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TbtoolsLoader"]


class TbtoolsLoader(base_plugin.TBLoader):  # type: ignore[misc]
    """Brings a flag and no page. With it, TensorBoard reads by tbtools."""

    def define_flags(self, parser: argparse.ArgumentParser) -> None:
        """Add ``--tbtools``, unless another plugin has a flag of this name."""
        try:
            parser.add_argument_group("tbtools").add_argument(
                "--tbtools",
                action="store_true",
                help="Read the logs by tbtools: every point at hand, every checksum checked.",
            )
        except argparse.ArgumentError:
            return

    def fix_flags(self, flags: Any) -> None:
        """Put our loader in the place of TensorBoard's, if the flag was given.

        It is the only one who is handed nothing but flags: no TensorBoard is at hand yet, so its
        class is changed, for those whose flags have it. Raises FlagsError where that cannot be.
        """
        if not getattr(flags, "tbtools", False):
            return
        try:
            from tbtools.errors import TbtoolsError
            from tbtools.verbs.tensorboard.board import board_type
            from tbtools.verbs.tensorboard.flags import check_flags
        except ImportError as error:
            raise base_plugin.FlagsError(
                f"--tbtools: tbtools cannot be imported: {error}"
            ) from None
        try:
            ours = board_type()
            check_flags(flags)
        except TbtoolsError as error:
            raise base_plugin.FlagsError(f"--tbtools: {error}") from None
        from tensorboard import program

        _choose(program.TensorBoard, ours._make_data_ingester)

    def load(self, context: Any) -> None:
        """No page."""


def _choose(board: Any, ours: Callable[[Any], Any]) -> None:
    """Have boards whose flags ask for it take our loader; in one process there may be others."""
    stock = board._make_data_ingester
    if getattr(stock, "chooses_tbtools", False):
        return

    def chosen(self: Any) -> Any:
        return (ours if getattr(self.flags, "tbtools", False) else stock)(self)

    chosen.chooses_tbtools = True  # type: ignore[attr-defined]
    board._make_data_ingester = chosen
