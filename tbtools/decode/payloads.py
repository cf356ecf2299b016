"""What kinds share that the core decodes: the two forms of a kind, and tensors of strings.

Whatever is refused on the way is left out of the rows and remembered with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import DecodeError, Message

from tbtools import _core
from tbtools.decode.kind import Decoded, Events

__all__ = [
    "Accepted",
    "Columns",
    "Flat",
    "Parsed",
    "by_form",
    "flat",
    "histograms",
    "parsed",
    "string_tensors",
    "views",
]


@dataclass
class Columns:
    """Rows made of some payloads: the index of the payload that each comes from (int64, rising),
    and the columns that follow the keys.
    """

    origin: pa.Array
    columns: Mapping[str, pa.Array]
    refused: list[tuple[int, str]] = field(default_factory=list)


#: Makes rows of payloads that have one form.
Form = Callable[[pa.BinaryArray], Columns]


def by_form(events: Events, table: str, legacy_field: str, legacy: Form, tensors: Form) -> Decoded:
    """The rows of a table, in the order of their events: ``legacy`` makes those of the events
    with that field, ``tensors`` all others.
    """
    is_legacy = pc.equal(events.field, pa.scalar(legacy_field, pa.string()))
    count = pc.sum(is_legacy).as_py() or 0
    if count in (0, len(events)):
        made = (legacy if count else tensors)(events.payload)
    else:
        halves = [(is_legacy, legacy), (pc.invert(is_legacy), tensors)]
        made = _merged([_of_some(events.payload, which, form) for which, form in halves])
    rows = {table: (made.origin, made.columns)} if len(made.origin) else {}
    return Decoded(rows, sorted(made.refused))


def _of_some(payloads: pa.BinaryArray, which: pa.BooleanArray, form: Form) -> Columns:
    numbers = pc.indices_nonzero(which).cast(pa.int64())
    made = form(payloads.take(numbers))
    refused = [(numbers[index].as_py(), why) for index, why in made.refused]
    return Columns(numbers.take(made.origin), made.columns, refused)


def _merged(parts: list[Columns]) -> Columns:
    origin = pa.concat_arrays([part.origin for part in parts])
    order = pc.sort_indices(origin)  # stable: rows of one event stay as they are
    columns = {
        name: pa.concat_arrays([part.columns[name] for part in parts]).take(order)
        for name in parts[0].columns
    }
    return Columns(origin.take(order), columns, [each for part in parts for each in part.refused])


MessageType = TypeVar("MessageType", bound=Message)


@dataclass
class Parsed(Generic[MessageType]):
    """The messages that some payloads are, and the index of the payload that each is (int64)."""

    origin: pa.Array
    messages: list[MessageType]
    refused: list[tuple[int, str]]


def parsed(
    payloads: pa.BinaryArray, kind: type[MessageType], otherwise: str
) -> Parsed[MessageType]:
    """All payloads that are messages of a kind; others are refused with ``otherwise`` as reason."""
    found: list[MessageType] = []
    origin: list[int] = []
    refused: list[tuple[int, str]] = []
    for number, payload in enumerate(payloads.to_pylist()):
        if payload is None:
            refused.append((number, "metadata without a value"))
            continue
        try:
            found.append(kind.FromString(payload))
            origin.append(number)
        except DecodeError:
            refused.append((number, otherwise))
    return Parsed(pa.array(origin, pa.int64()), found, refused)


def views(payloads: pa.BinaryArray) -> list[memoryview | None]:
    """The payloads where they are; None for null. A scalar of pyarrow's would be a copy."""
    validity, offsets, data = payloads.buffers()
    if data is None:
        return [None if payloads.null_count else memoryview(b"")] * len(payloads)
    ends = memoryview(offsets).cast("B").cast("i")[payloads.offset :]
    whole = memoryview(data).cast("B")
    valid = [True] * len(payloads) if validity is None else payloads.is_valid().to_pylist()
    return [whole[ends[i] : ends[i + 1]] if is_valid else None for i, is_valid in enumerate(valid)]


@dataclass
class Accepted:
    """A row for each payload that was not refused, and its index among the payloads (int64)."""

    origin: pa.Array
    rows: pa.RecordBatch
    refused: list[tuple[int, str]]

    def __getitem__(self, column: str) -> pa.Array:
        return self.rows[column]

    def refuse(self, which: pa.BooleanArray, why: str) -> None:
        """Refuse some of the rows, too."""
        if pc.any(which).as_py():
            self.refused += [(index, why) for index in self.origin.filter(which).to_pylist()]
            self._keep(pc.invert(which))

    def _keep(self, which: pa.BooleanArray) -> None:
        self.origin = self.origin.filter(which)
        self.rows = self.rows.filter(which)


def _accepted(table: _core.Table) -> Accepted:
    rows = pa.record_batch(table)
    accepted = Accepted(pa.arange(0, rows.num_rows), rows.drop_columns("refused"), [])
    codes = rows["refused"].indices
    if pc.max(codes).as_py():
        bad = pc.indices_nonzero(codes).cast(pa.int64())
        reasons = rows["refused"].take(bad)
        accepted.refused = list(zip(bad.to_pylist(), reasons.to_pylist(), strict=True))
        accepted._keep(pc.equal(codes, 0))
    return accepted


def histograms(payloads: pa.BinaryArray, legacy: bool) -> Accepted:
    """``buckets``, and of legacy ones also the statistics."""
    return _accepted(_core.decode_histograms(payloads, legacy))


def string_tensors(payloads: pa.BinaryArray, text: bool = False) -> Accepted:
    """``shape`` and ``strings``, both lists; with ``text`` only tensors of UTF-8."""
    return _accepted(_core.decode_strings(payloads, text))


@dataclass(frozen=True)
class Flat:
    """The items of lists, one after the other: the number of the list that each is of, and its
    place in there.
    """

    row: pa.Array
    place: pa.Array
    values: pa.Array


def flat(lists: pa.ListArray) -> Flat:
    """The items of all lists."""
    row = pc.list_parent_indices(lists)
    begins = pc.subtract(lists.offsets, lists.offsets[0]).cast(pa.int64())
    place = pc.subtract(pa.arange(0, len(row)), begins.take(row))
    return Flat(row, place, pc.list_flatten(lists))
