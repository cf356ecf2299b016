"""Values that are not kept in memory, read from their files when somebody asks for them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tbtools.errors import DamageError
from tbtools.runs.places import place_of
from tbtools.verbs.tensorboard.columns import Rows
from tbtools.verbs.tensorboard.migrating import array_of, migrated, tags_of
from tbtools.verbs.tensorboard.store import Store
from tbtools.verbs.tensorboard.tags import Tag, number_in

__all__ = ["Values"]

Array = Any  # numpy's, of any type and shape


class Values:
    """Reads values by their places."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def numbers(self, run: str, name: str, tag: Tag, rows: Rows) -> Rows:
        """Scalars of which only the places are kept: step, bits of wall_time and of value."""
        every = np.arange(rows.shape[1])
        made = []
        for step, time, array in self.arrays(run, name, tag, rows, every):
            try:
                made.append((step, *struct.unpack("<qq", struct.pack("<dd", time, array.item()))))
            except (ValueError, TypeError, struct.error) as error:
                self._store.notes.not_shown(run, name, error)
        return np.array(made, np.int64).reshape(-1, 3).T

    def arrays(
        self, run: str, name: str, tag: Tag, rows: Rows, which: NDArray[np.int64]
    ) -> Iterator[tuple[int, float, Array]]:
        """Step, wall_time and array of some values, in their order."""
        with self._store.lock:
            files = self._store.runs.get(run)
        if files is None or not len(which):
            return
        times = np.ascontiguousarray(rows[1]).view(np.float64)
        numbers = number_in(rows[3])
        places = [place_of(int(rows[2, row])) for row in which]
        found: dict[int, Array] = {}
        # File by file and forwards: that is what compressed copies need.
        order = sorted(range(len(which)), key=places.__getitem__)
        begin = 0
        while begin < len(order):
            file = places[order[begin]][0]
            initial = tag.initial_in(file)
            end = begin
            while end < len(order) and places[order[end]][0] == file:
                end += 1
            try:
                with files.events(file) as events:
                    for index in order[begin:end]:
                        row = int(which[index])
                        value = self._value(
                            events.at, run, name, int(numbers[row]), places[index][1], initial
                        )
                        if value is not None:
                            found[index] = value
            except (OSError, DamageError) as error:
                self._store.notes.once("files", f"values in run {run!r} cannot be read: {error}")
            begin = end
        for index, row in enumerate(which.tolist()):
            if index in found:
                yield int(rows[0, row]), float(times[row]), found[index]

    def _value(
        self,
        event_at: Callable[[int], bytes],
        run: str,
        name: str,
        number: int,
        offset: int,
        initial: Any,
    ) -> Array | None:
        data = event_at(offset)
        try:
            event, values = tags_of(data)
            known = values.get(name)
            made = migrated(event, known[number] if known else None, initial)
            if made is not None and made.tensor is not None:
                return array_of(made.tensor)
        except Exception as error:  # TensorBoard's code raises anything for what is malformed
            self._store.notes.not_shown(run, name, error)
        return None
