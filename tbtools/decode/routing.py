"""Which kind each value belongs to, and the rows that it becomes.

The rule (docs/format.md, "Which kind a value is"): a legacy member goes by its field. A tensor
goes by the plugin that its own metadata names; else by the first that its tag's metadata names in
the same file; else by the first that it names in the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.decode.kind import UNCLAIMED, Events, Kind
from tbtools.files.scans import ScanOptions
from tbtools.proto.metadata import plugin_of
from tbtools.selection import Selection

__all__ = [
    "Claims",
    "Made",
    "Routed",
    "claims",
    "decode",
    "labels",
    "options_for",
    "route",
]

#: Fields that say nothing of the kind of a value; its plugin does.
ASK_PLUGIN = ("metadata", "tensor")

# pyarrow looks for dateutil whenever it has to find out the type of a Python value, which takes as
# long as a kernel where there is none.
ZERO = pa.scalar(0, pa.int64())
ONE = pa.scalar(1, pa.int64())

MANY = 1 << 15  # more rows than a window of scalars has


@dataclass(frozen=True)
class Claims:
    """What the kinds answer to."""

    kinds: tuple[Kind, ...]
    fields: Mapping[str, Kind]
    plugins: Mapping[str, Kind]
    bare: Mapping[str, Kind]
    rest: Kind | None

    def kind_of(self, field: str, plugin: str) -> Kind | None:
        """The kind of a value; None if no table claims it."""
        kind = self.fields.get(field)
        if kind is None and field == "tensor":
            kind = self.plugins.get(plugin, self.rest)
        if kind is None and field == "metadata":
            kind = self.bare.get(plugin)
        return kind


def claims(kinds: Iterable[Kind]) -> Claims:
    """The claims of these kinds."""
    every = tuple(kinds)
    return Claims(
        kinds=every,
        fields={field: kind for kind in every for field in kind.fields},
        plugins={plugin: kind for kind in every for plugin in kind.plugins},
        bare={plugin: kind for kind in every if kind.bare for plugin in kind.plugins},
        rest=next((kind for kind in every if kind.rest), None),
    )


def options_for(known: Claims, selection: Selection, offsets: bool = False) -> ScanOptions:
    """What the core has to read of a file to fill the selected tables: all that is known of it."""
    if UNCLAIMED.name in selection.tables:
        return ScanOptions(offsets=offsets)
    kinds = [kind for kind in known.kinds if _names(kind) & selection.tables]
    fields = {field for kind in kinds for field in kind.fields}
    if any(kind.plugins or kind.rest for kind in kinds):
        fields.add("tensor")
    if any(kind.bare for kind in kinds):
        fields.add("metadata")
    sizes = [kind.largest for kind in kinds]
    plugins = {plugin for kind in kinds for plugin in kind.plugins}
    headed = [kind for kind in kinds if _is_headed(kind, selection)]
    return ScanOptions(
        fields=tuple(sorted(fields)),
        plugins=None if any(kind.rest for kind in kinds) else tuple(sorted(plugins)),
        largest=None if None in sizes else max(filter(None, sizes), default=None),
        offsets=offsets,
        windows=_windows(fields, bool(headed)),
        heads=tuple(sorted(field for kind in headed for field in kind.fields)),
        head_plugins=tuple(sorted(plugin for kind in headed for plugin in kind.plugins)),
    )


def _windows(fields: set[str], has_heads: bool) -> int:
    """As measured: the fewer rows a window has, the less its size and the more a call costs."""
    if has_heads:
        return 8
    return 1 if "simple_value" in fields else 2


def _names(kind: Kind) -> frozenset[str]:
    return frozenset(spec.name for spec in kind.tables)


def _wanted_of(kind: Kind, selection: Selection) -> frozenset[str] | None:
    """The columns that are wanted of a kind's tables; None for all."""
    columns = [selection.columns[name] for name in _names(kind) & selection.tables]
    return None if None in columns else frozenset().union(*filter(None, columns))


def _is_headed(kind: Kind, selection: Selection) -> bool:
    wanted = _wanted_of(kind, selection)
    return bool(kind.bulky) and wanted is not None and kind.bulky.isdisjoint(wanted)


@dataclass(frozen=True)
class Routed:
    """The rows of one scan that one kind answers to; None for those that none does."""

    kind: Kind | None
    rows: pa.Array  # their indices in the scan
    events: Events


#: The metadata of a tag for values that have none; the number is that of the file.
OfTag = Callable[[int, str], bytes | None]


def route(
    rows: pa.RecordBatch, runs: pa.DictionaryArray, of_tag: OfTag, known: Claims
) -> Iterator[Routed]:
    """Split the rows of a scan, or of several files (column ``file``), by kind."""
    metadata, codes = _metadata(rows, of_tag)
    fields = rows["field"].dictionary.to_pylist()
    plugins = [plugin_of(each) for each in metadata]
    kinds: list[Kind | None] = [None]
    number: dict[int, int] = {id(None): 0}

    def number_of(kind: Kind | None) -> int:
        if id(kind) not in number:
            number[id(kind)] = len(kinds)
            kinds.append(kind)
        return number[id(kind)]

    # A row's field and metadata are few distinct pairs: the kind is looked up once for each.
    count = pa.scalar(len(metadata), pa.int64())
    pairs = pc.add(pc.multiply(rows["field"].indices.cast(pa.int64()), count), codes)
    pairs = pairs.dictionary_encode()
    of_pair = [
        number_of(known.kind_of(fields[pair // len(metadata)], plugins[pair % len(metadata)]))
        for pair in pairs.dictionary.to_pylist()
    ]
    values = pa.array(metadata, pa.binary()).take(codes)
    for each in sorted(set(of_pair)):
        if len(set(of_pair)) == 1:  # as nearly always
            picked, chosen, own, run = pa.arange(0, rows.num_rows), rows, values, runs
        else:
            of_row = pa.array(of_pair, pa.int32()).take(pairs.indices)
            picked = pc.indices_nonzero(pc.equal(of_row, each)).cast(pa.int64())
            chosen, own, run = rows.take(picked), values.take(picked), runs.take(picked)
        keys = pa.record_batch(
            {
                "run": run,
                "tag": chosen["tag"],
                "step": chosen["step"],
                "wall_time": chosen["wall_time"],
            }
        )
        events = Events(
            keys,
            chosen["field"].cast(pa.string()),
            own,
            chosen["payload"],
            chosen["value"],
        )
        yield Routed(kinds[each], picked, events)


def _metadata(rows: pa.RecordBatch, of_tag: OfTag) -> tuple[list[bytes | None], pa.Array]:
    """The distinct metadata of these rows, and which of it each row has. Number 0 is none."""
    own = rows["metadata"]
    values: list[bytes | None] = [None, *own.dictionary.to_pylist()]
    named = pa.array([bool(plugin_of(value)) for value in values], pa.bool_())
    codes = pc.fill_null(pc.add(own.indices.cast(pa.int64()), ONE), ZERO)
    has_own = named.take(codes)
    fields = rows["field"]
    asking = [name in ASK_PLUGIN for name in fields.dictionary.to_pylist()]
    asks = pc.and_not(pa.array(asking, pa.bool_()).take(fields.indices), has_own)
    if not pc.any(asks).as_py():
        return values, codes
    tags = rows["tag"]
    places = tags.indices.cast(pa.int64())  # a number for each tag of each file
    if "file" in rows.schema.names:
        places = pc.add(places, pc.multiply(rows["file"].cast(pa.int64()), len(tags.dictionary)))
    needed = pc.unique(places.filter(asks).drop_null())
    of_places = [0] * len(needed)
    for index, place in enumerate(needed.to_pylist()):
        file, tag = divmod(place, len(tags.dictionary))
        found = of_tag(file, tags.dictionary[tag].as_py())
        if found is not None:
            of_places[index] = len(values)
            values.append(found)
    by_place = pa.array(of_places, pa.int64()).take(pc.index_in(places, needed))
    by_place = pc.fill_null(by_place, ZERO)
    by_place = pc.if_else(pc.equal(by_place, ZERO), codes, by_place)
    return values, pc.if_else(asks, by_place, codes)


@lru_cache(maxsize=1)
def _zeros() -> pa.Array:
    """The indices of all such columns: whoever keeps rows of many runs keeps them once."""
    return pa.repeat(pa.scalar(0, pa.int32()), MANY)


@lru_cache(maxsize=256)
def _named(name: str) -> pa.Array:
    return pa.array([name], pa.string())


def labels(name: str, count: int) -> pa.DictionaryArray:
    """A column that says the same everywhere."""
    zeros = _zeros()[:count] if count <= MANY else pa.repeat(pa.scalar(0, pa.int32()), count)
    return pa.DictionaryArray.from_arrays(zeros, _named(name), safe=False)


@dataclass
class Made:
    """Rows of one table, and the row of the scan that each comes from."""

    table: str
    origin: pa.Array
    batch: pa.RecordBatch


def decode(routed: Routed, selection: Selection) -> tuple[list[Made], list[int]]:
    """The rows of the selected tables that a kind makes of its events, and which it refused.

    What the kind refuses, and what has no kind, becomes rows of ``events``.
    """
    events = routed.events
    made: list[Made] = []
    reasons: dict[int, str] = {}
    wanted = selection.tables
    if routed.kind is not None:
        asked = replace(events, wanted=_wanted_of(routed.kind, selection))
        decoded = routed.kind.decode(asked)
        reasons = dict(decoded.refused)
        for spec in routed.kind.tables:
            if spec.name in wanted and spec.name in decoded.tables:
                index, columns = decoded.tables[spec.name]
                if _is_identity(index, len(events)):
                    keys, origin = events.keys, routed.rows
                else:
                    keys, origin = events.keys.take(index), routed.rows.take(index)
                schema = selection.schema_of(spec.name, spec.schema)
                made.append(Made(spec.name, origin, _batch(schema, keys, columns)))
        left = pa.array(sorted(reasons), pa.int64())
    else:
        # A file's version is what the table `files` tells.
        left = pc.indices_nonzero(pc.not_equal(events.field, "file_version")).cast(pa.int64())
    if UNCLAIMED.name in wanted:
        plugins = [plugin_of(each) or None for each in events.metadata.take(left).to_pylist()]
        columns = {
            "field": events.field.take(left).dictionary_encode(),
            "plugin": pa.array(plugins, pa.string()).dictionary_encode(),
            "payload": events.payload.take(left),
            "reason": pa.array([reasons.get(index) for index in left.to_pylist()], pa.string()),
        }
        schema = selection.schema_of(UNCLAIMED.name, UNCLAIMED.schema)
        batch = _batch(schema, events.keys.take(left), columns)
        made.append(Made(UNCLAIMED.name, routed.rows.take(left), batch))
    return [each for each in made if each.batch.num_rows], sorted(reasons)


def _is_identity(index: pa.Array, count: int) -> bool:
    """Whether each event gave one row, so that nothing has to be picked."""
    same: bool = len(index) == count and index.equals(pa.arange(0, count))
    return same


def _batch(
    schema: pa.Schema, keys: pa.RecordBatch, columns: Mapping[str, pa.Array]
) -> pa.RecordBatch:
    arrays = [
        columns[field.name] if field.name in columns else keys[field.name] for field in schema
    ]
    arrays = [
        array if array.type == field.type else array.cast(field.type)
        for array, field in zip(arrays, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
