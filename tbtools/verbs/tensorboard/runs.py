"""What is kept of a run: the points of its scalars, and where everything else stands.

Which values TensorBoard has, under which metadata, and what restarts drop is its own affair:
``EventAccumulator`` of its ``backend/event_processing/plugin_event_accumulator.py``. This module
comes to the same without making an event of every value.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf.message import DecodeError

from tbtools.proto.tfevents_pb2 import TaggedRunMetadata
from tbtools.runs.places import position_of
from tbtools.runs.purging import Purge, Purging
from tbtools.verbs.tensorboard.migrating import (
    RUN_GRAPH,
    Migrated,
    array_of,
    length_of,
    migrated,
    tags_of,
)
from tbtools.verbs.tensorboard.scanned import Integers, Others, Points
from tbtools.verbs.tensorboard.tags import BLOBS, PLAIN, Restarts, Tag, packed

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import SummaryMetadata

__all__ = ["NO_VALUES", "RunValues"]

#: Members whose values are tensors for TensorBoard, whatever their metadata says.
TENSORS = frozenset(("simple_value", "image", "histo", "audio", "tensor"))

#: Members of events that hold no values.
NO_VALUES = frozenset(("file_version", "log_message", "session_log", "meta_graph_def"))

#: Of tags that have both points and others: how many points come before, whether it is a point,
#: and its row if it is none.
Mixed = dict[str, list[tuple[int, bool, int]]]

FEW = 8  # points that are looked at one by one: sorting them would take longer

#: Reads an event by the number of its file and its offset.
EventAt = Callable[[int, int], bytes]


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
        self._restarts = Restarts()
        self._purging = Purging() if purges else None
        self._event_at = event_at
        self._odd = odd
        self._event: tuple[int, Any, dict[str, list[Any]]] | None = None  # by its offset
        self._latest: dict[str, tuple[int, int]] = {}  # value of a tag: offset, and which there
        self._file = 0
        self._unnamed: SummaryMetadata | None = None  # initial, of values without a tag

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
        if file != self._file:
            self._file = file
            self._unnamed = None
            self._latest.clear()
        names = _names_of(others)
        point = other = 0
        for purge in self._purges(marks, last_step):
            # Many may follow each other.
            to_point = point + int(np.searchsorted(points.offsets[point:], purge.position))
            to_other = other
            while to_other < len(names) and others.offsets[to_other] < purge.position:
                to_other += 1
            self._add(points, (point, to_point), others, names, (other, to_other), declared)
            point, other = to_point, to_other
            if purge.tag is None:
                self._restarts.add(purge.step)
            elif purge.tag in self.tags:
                self.tags[purge.tag].drop_from(purge.step)
        end = (len(points.codes), len(names))
        self._add(points, (point, end[0]), others, names, (other, end[1]), declared)
        self._event = None  # may be large

    def _purges(self, marks: Iterable[tuple[Any, ...]], last_step: int | None) -> list[Purge]:
        """What the events that were read drop, by offset."""
        purging = self._purging
        if purging is None:
            return []
        purging.feed(marks, last_step, lambda _, offset: offset)
        found = purging.purges
        purging.purges = []
        return found

    def _add(
        self,
        points: Points,
        some: tuple[int, int],
        others: Others,
        names: list[str | None],
        some_others: tuple[int, int],
        declared: Mapping[str, bytes],
    ) -> None:
        """What nothing is dropped in between, by where it begins and ends."""
        if some[0] == some[1] and all(name is None for name in names[slice(*some_others)]):
            return
        if some != (0, len(points.codes)) or some_others != (0, len(names)):
            points, others = points.slice(*some), others.slice(*some_others, some[0])
            names = names[slice(*some_others)]
        mixed: Mixed = {}
        if len(points.codes) and any(name is not None for name in names):
            of_points = {points.tags[code] for code in np.unique(points.codes)}
            mixed = {name: [] for name in of_points.intersection(names)}
        if len(points.codes):
            self._add_points(points, declared, mixed)
        if names:
            self._add_others(others, names, mixed)
        for name, places in mixed.items():
            for place, is_point, row in sorted(places):
                if is_point:
                    self._add_point(name, points, place, declared)
                else:
                    self._add_one(name, int(others.offsets[row]))

    # --- scalars -------------------------------------------------------------------------------

    def _add_points(self, points: Points, declared: Mapping[str, bytes], mixed: Mixed) -> None:
        codes = points.codes
        if len(codes) <= FEW:
            for index, code in enumerate(codes.tolist()):
                if (name := points.tags[code]) in mixed:
                    mixed[name].append((index, True, 0))
                else:
                    self._add_point(name, points, index, declared)
            return
        small = codes.astype(np.uint16) if len(points.tags) <= 1 << 16 else codes  # radix sort
        order = np.argsort(small, kind="stable")
        ends = np.flatnonzero(np.diff(codes[order])) + 1
        begin = 0
        for end in [*ends.tolist(), len(codes)]:
            which = order[begin:end]
            name = points.tags[codes[which[0]]]
            if name in mixed:
                mixed[name] += [(index, True, 0) for index in which.tolist()]
            else:
                self._add_series(name, points, which, declared)
            begin = end

    def _add_series(
        self, name: str, points: Points, which: Integers, declared: Mapping[str, bytes]
    ) -> None:
        """The points of one tag, at these places."""
        tag = self.tags.get(name)
        done = 0
        while (tag is None or not tag.is_numbers or not name) and done < len(which):
            self._add_point(name, points, int(which[done]), declared)
            tag = self.tags.get(name)
            done += 1
        if tag is not None and done < len(which):
            tag.add(points.columns[:, which[done:]])

    def _add_point(
        self, name: str, points: Points, index: int, declared: Mapping[str, bytes]
    ) -> None:
        """A point whose tag may not be known well enough, or have other values beside it."""
        tag = self.tags.get(name)
        offset = int(points.offsets[index])
        if tag is None and name and name not in declared:
            # Without metadata, it can only be a number of the old form.
            tag = self.tags[name] = Tag(self._restarts)
            tag.declare(PLAIN, position_of(self._file, offset))
        if tag is None or not name:
            self._add_one(name, offset)
        elif tag.is_numbers:
            self._count(name, offset)
            tag.add(points.columns[:, index : index + 1].copy())
        elif tag.metadata is not None and tag.data_class != BLOBS and tag.has_begun(self._file):
            number = self._count(name, offset)
            place = [position_of(self._file, offset), packed(1, number)]
            tag.add(np.array([*points.columns[:2, index], *place], np.int64)[:, None])
        else:
            self._add_one(name, offset)

    # --- others --------------------------------------------------------------------------------

    def _add_others(self, others: Others, names: list[str | None], mixed: Mixed) -> None:
        waiting: dict[str, list[tuple[int, int]]] = {}  # rows of tags that are known
        for row, (field, name) in enumerate(zip(others.fields, names, strict=True)):
            if name is None:
                continue
            if name in mixed:
                mixed[name].append((int(others.before[row]), False, row))
                continue
            offset = int(others.offsets[row])
            tag = self.tags.get(name)
            if name and tag is not None and field in TENSORS and tag.has_begun(self._file):
                length = tag.length_of(
                    self._file, field, others.payloads[row], others.declares[row]
                )
                if length is not None and not tag.is_numbers:
                    number = self._count(name, offset)
                    waiting.setdefault(name, []).append((row, packed(length, number)))
                    continue
            if name in waiting:
                self._add_places(name, others, waiting.pop(name))
            self._add_one(name, offset)
        for name, rows in waiting.items():
            self._add_places(name, others, rows)

    def _add_places(self, name: str, others: Others, rows: list[tuple[int, int]]) -> None:
        which, lengths = np.array(rows, np.int64).T
        places = position_of(self._file, 0) + others.offsets[which]
        self.tags[name].add(np.stack([others.steps[which], others.times[which], places, lengths]))

    def _count(self, name: str, offset: int) -> int:
        """Which of the values of its tag in its event this is."""
        latest, number = self._latest.get(name, (-1, 0))
        number = number + 1 if latest == offset else 0
        self._latest[name] = (offset, number)
        return number

    def _add_one(self, name: str, offset: int) -> None:
        """A value, or an event without a Summary, as TensorBoard has it."""
        try:
            event, values = self._parsed(offset)
            number = self._count(name, offset)
            value = values[name][number] if name in values else None
            known = self.tags.get(name)
            initial = known.initial_in(self._file) if known is not None else None
            made = migrated(event, value, initial if name else self._unnamed)
            if made is not None:
                if not name:
                    self._unnamed = made.initial
                self._keep(made, event.step, event.wall_time, offset, number)
        except Exception as error:  # whatever a value holds, the others are to be shown
            self._odd(name, error)

    def _parsed(self, offset: int) -> tuple[Any, dict[str, list[Any]]]:
        if self._event is None or self._event[0] != offset:
            self._event = (offset, *tags_of(self._event_at(self._file, offset)))
        return self._event[1:]

    def _keep(self, made: Migrated, step: int, wall_time: float, offset: int, number: int) -> None:
        place = position_of(self._file, offset)
        tag = self.tags.get(made.tag)
        if tag is None:
            tag = self.tags[made.tag] = Tag(self._restarts)
        if made.initial is not None:
            tag.begin(self._file, made.initial)
        if made.metadata is not None:
            tag.declare(made.metadata, place)
        if made.tensor is None:
            return
        rest = [place, packed(length_of(made.tensor), number)]
        if tag.is_numbers:
            rest = [_bits(float(array_of(made.tensor).item()))]
        tag.add(np.array([step, _bits(wall_time), *rest], np.int64)[:, None])


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


def _bits(number: float) -> int:
    (bits,) = struct.unpack("<q", struct.pack("<d", number))
    return int(bits)
