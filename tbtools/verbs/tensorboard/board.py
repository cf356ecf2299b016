"""Stock TensorBoard with our loader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tbtools.errors import UsageError
from tbtools.page.projection import unhidden

__all__ = ["board_type", "run"]

OLDEST = (2, 17)


def board_type() -> type[Any]:
    """``tensorboard.program.TensorBoard`` with our loader in the place of its own.

    Raises UsageError if TensorBoard is not installed, or not one that this works with.
    """
    unhidden()
    try:
        from tensorboard import program, version
    except ImportError as error:
        raise UsageError(
            f"TensorBoard cannot be imported ({error}): pip install 'tbtools-tfevents[tensorboard]'"
        ) from None
    found = tuple(int(part) for part in version.VERSION.split(".")[:2] if part.isdigit())
    if found < OLDEST or not hasattr(program.TensorBoard, "_make_data_ingester"):
        oldest = ".".join(map(str, OLDEST))
        raise UsageError(
            f"TensorBoard {version.VERSION} has no place for another loader; {oldest} or later is "
            "needed: pip install --upgrade tensorboard"
        )
    from tbtools.verbs.tensorboard.ingester import Ingester

    class Board(program.TensorBoard):  # type: ignore[misc]
        """TensorBoard, reading by tbtools."""

        def _make_data_ingester(self) -> Ingester:
            ingester = Ingester(self.flags)
            ingester.start()
            return ingester

    return Board


def run(arguments: Sequence[str]) -> int:
    """Run TensorBoard with these flags of its own until it is interrupted; its exit code.

    Raises UsageError if it cannot be started.
    """
    board = board_type()
    from tensorboard import default, main_lib

    main_lib.global_init()
    tensorboard = board(plugins=default.get_plugins())
    tensorboard.configure(["tensorboard", *arguments])
    return int(tensorboard.main())
