"""What is kept of one tag of a run."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

from tbtools.proto.tfevents_pb2 import TensorProto
from tbtools.verbs.tensorboard.columns import Columns, Rows, Snapshot
from tbtools.verbs.tensorboard.migrating import plain_metadata

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import SummaryMetadata

__all__ = [
    "BLOBS",
    "PLAIN",
    "SCALAR",
    "TENSOR",
    "Restarts",
    "Tag",
    "length_in",
    "number_in",
    "packed",
]

#: In the place of the metadata of scalars of the old form that have none of their own.
PLAIN: Final = "plain"

SCALAR, TENSOR, BLOBS = 1, 2, 3  # SummaryMetadata.data_class

NUMBER_BITS = 32  # of a value's column, above its length
MOST_BLOBS = 1 << 16  # that a value is believed to have: keys are made of all


class Restarts:
    """Steps from which on restarts dropped the values of all tags, in their order.

    A tag looks at them when it has to do with values again: a log may restart often, and have many
    tags.
    """

    __slots__ = ("_places", "_steps", "count")

    def __init__(self) -> None:
        self.count = 0
        # Those that no later one goes below: both ascend.
        self._places: list[int] = []
        self._steps: list[int] = []

    def add(self, step: int) -> None:
        """Values that came before this, of the step and of greater ones, are dropped."""
        while self._steps and self._steps[-1] >= step:
            self._steps.pop()
            self._places.pop()
        self._places.append(self.count)
        self._steps.append(step)
        self.count += 1

    def lowest(self, since: int) -> int | None:
        """The lowest step of those behind the first ``since``; None if there are none."""
        place = bisect_left(self._places, since)
        return self._steps[place] if place < len(self._steps) else None


class Tag:
    """The values of a tag. ``metadata`` is what TensorBoard shows of it; None: nothing yet.

    Rows of scalars are step, bits of wall_time and of value (``is_numbers``); those of others are
    step, bits of wall_time, place (``position_of``), and length and number (``packed``).
    """

    __slots__ = (
        "_columns",
        "_file",
        "_files",
        "_initial",
        "_restarts",
        "_seen",
        "metadata",
        "place",
    )

    def __init__(self, restarts: Restarts) -> None:
        self.metadata: SummaryMetadata | str | None = None
        self.place = -1  # of the value with that metadata
        self._columns = Columns(4)
        # Metadata of its first value in each file, before it was given a data class: that decides
        # what becomes of the others there.
        self._initial: SummaryMetadata | None = None
        self._file = -1
        self._files: dict[int, SummaryMetadata | None] = {}
        self._restarts = restarts
        self._seen = restarts.count

    # --- values --------------------------------------------------------------------------------

    @property
    def is_numbers(self) -> bool:
        """Whether values are kept, and not only where they stand."""
        return self._columns.width == 3

    def declare(self, metadata: SummaryMetadata | str, place: int) -> None:
        """The first metadata that a value has holds for all of them."""
        if self.metadata is None:
            self.metadata, self.place = metadata, place
            if self.data_class == SCALAR and not self._columns.rows:
                self._columns = Columns(3)

    def add(self, rows: Rows) -> None:
        """Append values."""
        self._settle()
        self._columns.add(rows)

    def drop_from(self, step: int) -> None:
        """Drop the values of this step and of greater ones."""
        self._settle()
        self._columns.drop_from(step)

    def snapshot(self) -> Snapshot:
        """The values of now."""
        self._settle()
        return self._columns.snapshot()

    def _settle(self) -> None:
        if self._seen < self._restarts.count:
            step = self._restarts.lowest(self._seen)
            self._seen = self._restarts.count
            if step is not None:
                self._columns.drop_from(step)

    # --- what it is ----------------------------------------------------------------------------

    @property
    def plugin(self) -> str:
        """The plugin that shows it; "" if none is named."""
        if self.metadata is None or self.metadata is PLAIN:
            return "" if self.metadata is None else "scalars"
        return str(self.metadata.plugin_data.plugin_name)  # type: ignore[union-attr]

    @property
    def data_class(self) -> int:
        """What TensorBoard's plugins read it as."""
        if self.metadata is None or self.metadata is PLAIN:
            return 0 if self.metadata is None else SCALAR
        return int(self.metadata.data_class)  # type: ignore[union-attr]

    def metadata_of(self, name: str) -> SummaryMetadata | None:
        """The SummaryMetadata of the tag, which has this name."""
        return plain_metadata(name) if self.metadata is PLAIN else self.metadata

    def begin(self, file: int, initial: SummaryMetadata | None) -> None:
        """Note the metadata of its first value in a file, as it was before it had a data class."""
        if file != self._file and file not in self._files:
            if self._file >= 0:
                self._files = {**self._files, self._file: self._initial}
            self._file, self._initial = file, initial

    def has_begun(self, file: int) -> bool:
        """Whether that of this file is known."""
        return file == self._file or file in self._files

    def initial_in(self, file: int) -> SummaryMetadata | None:
        """What ``begin`` was told of a file."""
        return self._initial if file == self._file else self._files.get(file)

    def length_of(self, file: int, field: str, payload: Any, declares: bool) -> int | None:
        """How many blobs a value has; None if only TensorBoard's own code can tell.

        ``payload`` is a binary scalar of Arrow; ``declares``: it has metadata of its own.
        data_compat.py makes three strings of an image and one clip of a sound;
        dataclass_compat.py leaves the first dimension of audio.
        """
        if self.metadata is None:
            if field != "tensor" or declares:
                return None
        elif self.data_class != BLOBS:
            return 1
        if field == "image":
            return 3
        initial = self.initial_in(file)
        leaves_first = (
            initial is not None
            and initial.plugin_data.plugin_name == "audio"
            and not initial.data_class
        )
        if field == "audio" and leaves_first:
            return 1
        if field != "tensor" or initial is None:
            return None
        sizes = [dim.size for dim in TensorProto.FromString(payload.as_py()).tensor_shape.dim]
        if leaves_first:
            sizes = sizes[:1]
        return math.prod(sizes)


def packed(length: int, number: int) -> int:
    """The length of a value, and which of those of its tag in its event it is, as one number."""
    return min(max(length, 0), MOST_BLOBS) | number << NUMBER_BITS


def length_in(column: Any) -> Any:
    """The lengths in a column of such."""
    return column & ((1 << NUMBER_BITS) - 1)


def number_in(column: Any) -> Any:
    """The numbers in it."""
    return column >> NUMBER_BITS
