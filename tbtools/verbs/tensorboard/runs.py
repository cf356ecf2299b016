"""What is kept of a run: the points of its scalars, and where everything else stands.

Which values TensorBoard has, under which metadata, and what restarts drop is its own affair:
``EventAccumulator`` of its ``backend/event_processing/plugin_event_accumulator.py``. This module
comes to the same without making an event of every value.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from google.protobuf.message import DecodeError

from tbtools.proto.tfevents_pb2 import TaggedRunMetadata, TensorProto
from tbtools.runs.purging import Purge, Purging
from tbtools.runs.survey import position_of
from tbtools.verbs.tensorboard.columns import Columns
from tbtools.verbs.tensorboard.migrating import (
    RUN_GRAPH,
    Migrated,
    array_of,
    length_of,
    migrated,
    plain_metadata,
    tags_of,
)
from tbtools.verbs.tensorboard.scanned import Others, Points

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import SummaryMetadata

__all__ = ["BLOBS", "NO_VALUES", "PLAIN", "SCALAR", "TENSOR", "RunValues", "Tag"]

#: In the place of the metadata of a scalar of the old form that has none of its own.
PLAIN: Final = "plain"

SCALAR, TENSOR, BLOBS = 1, 2, 3  # SummaryMetadata.data_class

#: Members whose values are tensors for TensorBoard, whatever their metadata says.
TENSORS = frozenset(("simple_value", "image", "histo", "audio", "tensor"))

#: Members of events that hold no values.
NO_VALUES = frozenset(("file_version", "log_message", "session_log", "meta_graph_def"))

#: Of tags that have both points and others: how many points come before, whether it is a point,
#: and its row if it is none.
Mixed = dict[str, list[tuple[int, bool, int]]]

#: Reads an event by the number of its file and its offset.
EventAt = Callable[[int, int], bytes]


class Tag:
    """What is kept of a tag. ``metadata`` is what TensorBoard shows of it; None: nothing yet.

    Of scalars, ``columns`` are step, bits of wall_time and of value (``is_numbers``); of others,
    step, bits of wall_time, place (``position_of``) and length.
    """

    __slots__ = ("columns", "initial", "metadata")

    def __init__(self, initial: SummaryMetadata | str | None) -> None:
        self.initial = initial
        self.metadata: SummaryMetadata | str | None = PLAIN if initial is PLAIN else None
        self.columns = Columns(3) if initial is PLAIN else Columns(4)

    @property
    def is_numbers(self) -> bool:
        """Whether values are kept, and not only where they stand."""
        return self.columns.width == 3

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
        if self.metadata is PLAIN:
            return plain_metadata(name)
        return self.metadata

    def initial_of(self, name: str) -> SummaryMetadata | None:
        """The same before TensorBoard gave it a data class."""
        if self.initial is PLAIN:
            return plain_metadata(name, is_initial=True)
        return self.initial


class RunValues:
    """The values of a run, whose files are read in their order.

    ``event_at`` is asked for the first event of each tag; ``odd`` is told the tag of each value
    that cannot be shown, and why.
    """

    def __init__(
        self, purges: bool, event_at: EventAt, odd: Callable[[str, Exception], None]
    ) -> None:
        self.first_time: float | None = None  # of its first event
        self.tags: dict[str, Tag] = {}
        self.purged = 0
        self._purging = Purging() if purges else None
        self._event_at = event_at
        self._odd = odd
        self._event: tuple[tuple[int, int], Any, dict[str, list[Any]]] | None = None
        self._place: dict[str, tuple[int, int]] = {}  # of a tag's latest value: event, and number
        self._file = 0

    @property
    def looks_at_steps(self) -> bool:
        """Whether a step that falls may drop something, so that ``marks`` have to be given."""
        return self._purging is not None and self._purging.looks_at_steps

    def add(
        self,
        file: int,
        points: Points,
        others: Others,
        declared: Mapping[str, bytes],
        marks: Iterable[tuple[Any, ...]],
        last_step: int | None,
    ) -> None:
        """Take in what was read next.

        ``declared`` has the tags that have metadata there; ``marks`` and ``last_step`` are those
        of ``_core.FileSurvey``.
        """
        self._file = file
        if self._event is not None and self._event[0][0] != file:
            self._event = None
        self._place.clear()
        point = other = 0
        for purge in self._purges(marks, last_step):
            to_point = int(np.searchsorted(points.offsets, purge.position))
            to_other = int(np.searchsorted(others.offsets, purge.position))
            self._add(points.slice(point, to_point), others.slice(other, to_other, point), declared)
            point, other = to_point, to_other
            self._purge(purge)
        if point or other:
            points = points.slice(point, len(points.codes))
            others = others.slice(other, len(others.fields), point)
        self._add(points, others, declared)

    def _purges(self, marks: Iterable[tuple[Any, ...]], last_step: int | None) -> list[Purge]:
        """What the events that were read drop, by offset."""
        purging = self._purging
        if purging is None:
            return []
        for mark in marks:
            match mark:
                case ("version", _, text):
                    purging.version(text.decode("utf-8", "replace"))
                case ("start", offset, step):
                    purging.start(offset, step)
                case ("summary", offset, step, before, tags):
                    if before is not None:
                        purging.last_step = before
                    purging.summary(offset, step, tags)
        if last_step is not None:
            purging.last_step = last_step
        found = purging.purges
        purging.purges = []
        return found

    def _purge(self, purge: Purge) -> None:
        if purge.tag is None:
            dropped = sum(tag.columns.drop_from(purge.step) for tag in self.tags.values())
        else:
            tag = self.tags.get(purge.tag)
            dropped = tag.columns.drop_from(purge.step) if tag is not None else 0
        self.purged += dropped

    def _add(self, points: Points, others: Others, declared: Mapping[str, bytes]) -> None:
        """What nothing is dropped in between."""
        names = _names_of(others)
        mixed: Mixed = {}
        if len(points.codes) and any(names):
            of_points = {points.tags[code] for code in np.unique(points.codes)}
            mixed = {name: [] for name in of_points.intersection(names)}
        if len(points.codes):
            self._add_points(points, declared, mixed)
        if len(others.fields):
            self._add_others(others, names, mixed)
        for name, places in mixed.items():
            for place, is_point, row in sorted(places):
                if is_point:
                    self._add_point(name, points, place)
                else:
                    self._add_one(name, int(others.offsets[row]))

    # --- scalars -------------------------------------------------------------------------------

    def _add_points(self, points: Points, declared: Mapping[str, bytes], mixed: Mixed) -> None:
        codes = points.codes
        if len(points.tags) == 1 or (len(codes) and (codes == codes[0]).all()):
            self._add_series(points.tags[codes[0]], points, None, declared, mixed)
            return
        small = codes.astype(np.uint16) if len(points.tags) <= 1 << 16 else codes  # radix sort
        order = np.argsort(small, kind="stable")
        ends = np.flatnonzero(np.diff(codes[order])) + 1
        begin = 0
        for end in [*ends.tolist(), len(codes)]:
            which = order[begin:end]
            self._add_series(points.tags[codes[which[0]]], points, which, declared, mixed)
            begin = end

    def _add_series(
        self,
        name: str,
        points: Points,
        which: Any,
        declared: Mapping[str, bytes],
        mixed: Mixed,
    ) -> None:
        """The points of one tag; ``which`` is None for all."""
        if name in mixed:
            indices = range(len(points.codes)) if which is None else which.tolist()
            mixed[name] += [(index, True, 0) for index in indices]
            return
        tag = self.tags.get(name)
        if tag is None and name not in declared:
            # Without metadata, it can only be a number of the old form.
            tag = self.tags[name] = Tag(PLAIN)
        done = 0
        while tag is None or tag.metadata is None:
            if done == (len(points.codes) if which is None else len(which)):
                return
            self._add_point(name, points, done if which is None else int(which[done]))
            tag = self.tags.get(name)
            done += 1
        columns = points.columns if which is None else points.columns[:, which]
        columns = columns[:, done:]
        if not columns.shape[1]:
            return
        if not tag.is_numbers:
            offsets = points.offsets if which is None else points.offsets[which]
            columns = np.stack(
                [
                    *columns[:2],
                    position_of(self._file, 0) + offsets[done:],
                    np.ones_like(columns[0]),
                ]
            )
        elif which is None:
            columns = columns.copy()  # the rest of the window's memory need not be kept
        tag.columns.add(columns)

    def _add_point(self, name: str, points: Points, index: int) -> None:
        """A point whose tag is not known well enough, or has other values beside it."""
        tag = self.tags.get(name)
        if tag is None or not tag.is_numbers:
            self._add_one(name, int(points.offsets[index]))
        else:
            self._count(name, int(points.offsets[index]))
            tag.columns.add(points.columns[:, index : index + 1].copy())

    # --- others --------------------------------------------------------------------------------

    def _add_others(self, others: Others, names: list[str | None], mixed: Mixed) -> None:
        waiting: dict[str, list[tuple[int, int]]] = {}  # row and length, of tags that are known
        for row, (field, name) in enumerate(zip(others.fields, names, strict=True)):
            if name is None:
                continue
            if name in mixed:
                mixed[name].append((int(others.before[row]), False, row))
                continue
            offset = int(others.offsets[row])
            tag = self.tags.get(name)
            if name and tag is not None and field in TENSORS and not tag.is_numbers:
                length = _length(tag, field, others, row)
                if length is not None:
                    self._count(name, offset)
                    waiting.setdefault(name, []).append((row, length))
                    continue
            if name in waiting:
                self._add_places(name, others, waiting.pop(name))
            self._add_one(name, offset)
        for name, rows in waiting.items():
            self._add_places(name, others, rows)

    def _add_places(self, name: str, others: Others, rows: list[tuple[int, int]]) -> None:
        which = np.array([row for row, _ in rows], np.int64)
        lengths = np.array([length for _, length in rows], np.int64)
        places = position_of(self._file, 0) + others.offsets[which]
        columns = np.stack([others.steps[which], others.times[which], places, lengths])
        self.tags[name].columns.add(columns)

    def _count(self, name: str, offset: int) -> int:
        """The number of this value among those of its tag in its event."""
        event, number = self._place.get(name, (-1, 0))
        number = number + 1 if event == offset else 0
        self._place[name] = (offset, number)
        return number

    def _add_one(self, name: str, offset: int) -> None:
        """A value, or an event without a Summary, as TensorBoard has it."""
        try:
            event, values = self._parsed(offset)
            value = None
            if name in values:
                number = self._count(name, offset)
                value = values[name][number]
            known = self.tags.get(name)
            initial = known.initial_of(name) if known is not None and name else None
            made = migrated(event, value, initial)
            if made is not None:
                self._keep(made, event.step, event.wall_time, offset)
        except Exception as error:  # whatever a value holds, the others are to be shown
            self._odd(name, error)

    def _parsed(self, offset: int) -> tuple[Any, dict[str, list[Any]]]:
        key = (self._file, offset)
        if self._event is None or self._event[0] != key:
            self._event = (key, *tags_of(self._event_at(*key)))
        return self._event[1:]

    def _keep(self, made: Migrated, step: int, wall_time: float, offset: int) -> None:
        tag = self.tags.get(made.tag)
        if tag is None:
            tag = self.tags[made.tag] = Tag(made.initial)
        if tag.metadata is None and made.metadata is not None:
            tag.metadata = made.metadata
            if tag.data_class == SCALAR and not tag.columns.rows:
                tag.columns = Columns(3)
        if made.tensor is None:
            return
        time = _bits(wall_time)
        if tag.is_numbers:
            columns = [step, time, _bits(float(array_of(made.tensor).item()))]
        else:
            columns = [step, time, position_of(self._file, offset), length_of(made.tensor)]
        tag.columns.add(np.array(columns, np.int64)[:, None])


def _names_of(others: Others) -> list[str | None]:
    """The tag of each row, as TensorBoard has it; None where it has no value."""
    names: list[str | None] = []
    for row, field in enumerate(others.fields):
        if field in NO_VALUES:
            names.append(None)
        elif field == "graph_def":
            names.append(RUN_GRAPH)
        elif field == "tagged_run_metadata":
            try:
                names.append(TaggedRunMetadata.FromString(others.payloads[row].as_py()).tag)
            except DecodeError:
                names.append(None)
        else:
            names.append(others.tags[row] or "")
    return names


def _length(tag: Tag, field: str, others: Others, row: int) -> int | None:
    """The blobs of a value of a known tag; None if only TensorBoard's own code can tell.

    data_compat.py makes three strings of an image and one clip of a sound; dataclass_compat.py
    leaves the first dimension of audio, and gives graphs one.
    """
    if tag.metadata is None:
        return None
    if tag.data_class != BLOBS or field == "audio":
        return 1
    if field == "image":
        return 3
    if field != "tensor" or tag.initial is None or isinstance(tag.initial, str):
        return None
    sizes = [
        dim.size for dim in TensorProto.FromString(others.payloads[row].as_py()).tensor_shape.dim
    ]
    if tag.initial.plugin_data.plugin_name == "audio" and not tag.initial.data_class:
        sizes = sizes[:1]
    return math.prod(sizes)


def _bits(number: float) -> int:
    (bits,) = struct.unpack("<q", struct.pack("<d", number))
    return int(bits)
