"""What a kind of data is: the tables it fills, what it answers to, how its payloads become columns.

Kinds know neither files nor databases: they get batches of payloads and give columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from tbtools.decode.encoding import Encoder
from tbtools.schema import LABEL, key_fields

__all__ = ["UNCLAIMED", "Decoded", "Events", "Kind", "TableSpec", "column", "table"]


@dataclass(frozen=True)
class TableSpec:
    """A table. Its ``doc`` and those of its columns become docs/tables.md."""

    name: str
    doc: str
    schema: pa.Schema


def column(name: str, kind: pa.DataType, doc: str, nullable: bool = True) -> pa.Field:
    """A column and what it means, with its unit."""
    return pa.field(name, kind, nullable, metadata={"doc": doc})


def table(
    name: str,
    doc: str,
    *columns: pa.Field,
    keys: tuple[str, ...] = ("run", "tag", "step", "wall_time"),
) -> TableSpec:
    """A table: its key columns, then these columns."""
    return TableSpec(name, doc, pa.schema([*key_fields(*keys), *columns]))


@dataclass(frozen=True)
class Events:
    """Payloads of one kind, in the order in which they were written.

    ``keys`` has the columns run, tag, step and wall_time. ``field`` names the member of Value or
    Event that ``payload`` (serialised, null for a value that has only metadata) comes from;
    ``metadata`` is the tag's SummaryMetadata, serialised, null if it has none; ``value`` is the
    number of a one-element numeric tensor, null if it is not one. ``wanted`` are the columns that
    somebody asked for; None: all of them.
    """

    keys: pa.RecordBatch
    field: pa.StringArray
    metadata: pa.BinaryArray
    payload: pa.BinaryArray
    value: pa.DoubleArray
    wanted: frozenset[str] | None = None

    def __len__(self) -> int:
        return int(self.keys.num_rows)

    def wants(self, *columns: str) -> bool:
        """Whether any of these columns is wanted; a kind may leave out those that are not."""
        return self.wanted is None or not self.wanted.isdisjoint(columns)


@dataclass
class Decoded:
    """What a kind made of a batch.

    ``tables`` has, for each table that got rows, the index of the event that each row comes from
    (int64) and the columns that follow the keys. ``refused`` has the index of each event whose
    payload is not what its plugin promises, and why.
    """

    tables: dict[str, tuple[pa.Array, Mapping[str, pa.Array]]] = field(default_factory=dict)
    refused: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Kind:
    """A kind of data: its tables, what it answers to, and its decoder.

    ``fields`` are members of Value or Event that are this kind whatever their metadata says;
    ``plugins`` the plugin names of its tensors, and with ``bare`` also of values that have only
    metadata. A kind with ``rest`` takes the tensors that no other answers to. A value of more
    than ``largest`` bytes cannot be of this kind. ``bulky`` are the columns that need its long
    strings whole: if none of them is wanted, of each string there is only as much as says what
    format and size of image it is. Without
    ``encode``, its tables cannot be written to event files.
    """

    tables: tuple[TableSpec, ...]
    decode: Callable[[Events], Decoded]
    fields: frozenset[str] = frozenset()
    plugins: frozenset[str] = frozenset()
    bare: bool = False
    rest: bool = False
    largest: int | None = None
    bulky: frozenset[str] = frozenset()
    encode: Encoder | None = None


UNCLAIMED = table(
    "events",
    "What no other table claims, and values that are not what their plugin promises: nothing that "
    "an event file holds is left out.",
    column("field", LABEL, "Member of Summary.Value or Event that was set.", nullable=False),
    column("plugin", LABEL, "Plugin that the tag's metadata names."),
    column("payload", pa.binary(), "The member, serialised; the whole Event if none is known."),
    column("reason", pa.string(), "Why the kind that the plugin belongs to refused it."),
)
