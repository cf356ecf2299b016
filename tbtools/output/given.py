"""What people give to be written: anything that holds columns, as batches of one of the tables."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.decode.encoding import Encoder
from tbtools.decode.kind import TableSpec
from tbtools.errors import UnknownNameError, UsageError
from tbtools.schema import KEYS, LABEL

__all__ = [
    "Given",
    "Target",
    "batches_for",
    "given",
    "is_number",
    "names_for",
    "names_of",
    "recognised",
]

#: Columns that a frame gets on its way, and that say nothing.
NOT_GIVEN = "__index_level_"

#: Columns of what TensorBoard downloads of one tag, which they do not name.
DOWNLOAD = {"wall time", "step", "value"}

SCALARS = "scalars"

MOST_ROWS = 1 << 17  # that are worked on at once
MOST_BYTES = 1 << 24


@dataclass(frozen=True)
class Given:
    """Columns as they were given, in batches. ``nan_for_null``: the source has no other null.

    ``run`` and ``tag`` stand for columns of these names that are missing.
    """

    schema: pa.Schema
    batches: Iterable[pa.RecordBatch]
    nan_for_null: bool = False
    run: str | None = None
    tag: str | None = None


@dataclass(frozen=True)
class Target:
    """A table that can be written, or ``wide``: scalars with a column per tag."""

    spec: TableSpec
    encoder: Encoder
    wide: bool = False


def given(data: Any) -> Given:
    """The columns of a pyarrow, polars or pandas table, a LazyTable, a DuckDB relation, or of a
    mapping of names to values.

    Raises UsageError for anything else.
    """
    if isinstance(data, Mapping):
        try:
            data = pa.table(dict(data))
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise UsageError(f"these are no columns: {error}") from error
    kind = f"{type(data).__module__}.{type(data).__name__}"
    if hasattr(data, "collect_batches"):  # a LazyFrame of polars
        return _given(_of_lazy_frame(data))
    if hasattr(data, "to_reader") and hasattr(data, "schema"):  # ours, or a pyarrow.Table
        return _given(data.to_reader())
    if hasattr(data, "scanner"):
        return _given(data.scanner().to_reader())
    if hasattr(data, "__arrow_c_stream__"):
        found = _given(pa.RecordBatchReader.from_stream(data))
        return replace(found, nan_for_null=kind.startswith("pandas."))
    if hasattr(data, "__arrow_c_array__"):
        return _given(pa.Table.from_batches([pa.record_batch(data)]).to_reader())
    raise UsageError(
        f"a {kind} is no table; give one of pyarrow, polars, pandas or DuckDB, or a mapping of "
        "names to columns"
    )


def _of_lazy_frame(frame: Any) -> pa.RecordBatchReader:
    empty = frame.head(0).collect().to_arrow()
    batches = (
        batch
        for piece in frame.collect_batches(maintain_order=True)
        for batch in piece.to_arrow().cast(empty.schema).to_batches()
    )
    return pa.RecordBatchReader.from_batches(empty.schema, batches)


def _given(reader: pa.RecordBatchReader) -> Given:
    """With the names of key columns as tables have them: ``Wall time`` is wall_time."""
    names = names_for(reader.schema.names)
    kept = [place for place, name in enumerate(names) if name is not None]
    schema = pa.schema([reader.schema.field(place).with_name(names[place]) for place in kept])
    if names == reader.schema.names:
        return Given(schema, reader)
    batches = (
        pa.RecordBatch.from_arrays([batch[place] for place in kept], schema=schema)
        for batch in reader
    )
    return Given(schema, batches)


def names_for(names: Sequence[str]) -> list[str | None]:
    """What columns of these names are called here: ``Wall time`` is wall_time.

    None for those that say nothing. Raises UsageError if two have the same name.
    """
    keys = {key.name for key in KEYS}
    if {name.lower() for name in names} == DOWNLOAD:
        keys.add("value")
    found: list[str | None] = []
    for name in names:
        key = name.strip().lower().replace(" ", "_")
        if name.startswith(NOT_GIVEN):
            found.append(None)
        else:
            found.append(key if key in keys and key not in names else name)
    called = [name for name in found if name is not None]
    for name in called:
        if called.count(name) > 1:
            raise UsageError(f"two columns are called {name!r}")
    return found


# --- which table it is ---------------------------------------------------------------------------


def recognised(
    schema: pa.Schema,
    targets: Mapping[str, Target],
    tag: str | None = None,
    is_text: bool = False,
) -> Target:
    """The table that these columns are of: the one whose columns they all are.

    Columns of numbers beside the keys are scalars with a column per tag. ``tag`` stands for the
    column of this name, if that is missing. With ``is_text``, what looks like text may be anything.
    Raises UsageError if there is no such table, or more than one.
    """
    names = {*schema.names} | ({"tag"} if tag is not None else set())
    fitting = [name for name, target in targets.items() if _fits(schema, names, target, False)]
    if is_text and not fitting:
        fitting = [name for name, target in targets.items() if _fits(schema, names, target, True)]
    if is_text and SCALARS in fitting:
        fitting = [SCALARS]  # of which a column of numbers may look like text, because of a NaN
    if len(fitting) > 1:
        raise UsageError(
            f"columns {', '.join(sorted(names))} may be {' or '.join(fitting)}: name the table"
        )
    if fitting:
        return targets[fitting[0]]
    tags = _tag_columns(schema)
    if tags and "tag" not in names and all(is_text or is_number(field.type) for field in tags):
        return replace(targets[SCALARS], wide=True)
    raise UsageError(
        f"columns {', '.join(schema.names)} are those of no table: scalars have tag, step and "
        "value, or step and a column of numbers per tag (docs/tables.md has the others)"
    )


def _tag_columns(schema: pa.Schema) -> list[pa.Field]:
    keys = {key.name for key in KEYS}
    return [field for field in schema if field.name not in keys]


def _fits(schema: pa.Schema, names: set[str], target: Target, from_text: bool) -> bool:
    columns = target.spec.schema
    needed = {*target.encoder.needs[target.spec.name]}
    if "tag" in columns.names:
        needed.add("tag")
    if not (needed <= names <= {*columns.names, "run", "tag", "step", "wall_time"}):
        return False
    return all(
        _alike(schema.field(name).type, columns.field(name).type)
        or (from_text and (_is_text(schema.field(name).type) or _is_text(columns.field(name).type)))
        for name in needed
        if name in schema.names
    )


def _alike(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether values of one type may be meant as those of the other."""
    tests = (is_number, _is_text, _is_bytes, pa.types.is_nested)
    return pa.types.is_null(one) or any(test(one) and test(other) for test in tests)


def is_number(kind: pa.DataType) -> bool:
    """Whether values of this type may be those of scalars."""
    types = pa.types
    return bool(
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_boolean(kind)
        or types.is_null(kind)
    )


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    )


# --- as rows of that table -----------------------------------------------------------------------


def batches_for(target: Target, data: Given) -> Iterator[pa.RecordBatch]:
    """Batches with all columns of the table, and with run, tag, step and wall_time.

    What is missing is null, but for the run (that of ``data``, or else ``.``), the tag, the index
    (0) and the time, which is now. Steps count the rows of a wide frame that has none. Raises
    UsageError for columns that the table has not, and for rows that lack what they need.
    """
    now, before, tag = time.time(), 0, data.tag
    if not target.wide:
        _check(target, data.schema, tag)
    for batch in _pieces(data.batches):
        columns = {name: batch[name] for name in data.schema.names}
        count = batch.num_rows
        columns.setdefault("run", pa.repeat(pa.scalar(data.run or "."), count))
        if "wall_time" in target.spec.schema.names:
            columns.setdefault("wall_time", pa.repeat(pa.scalar(now), count))
        if target.wide:
            columns.setdefault("step", pa.arange(before, before + count))
            columns = _long(columns, count)
        if tag is not None:
            columns.setdefault("tag", pa.repeat(pa.scalar(tag), count))
        before += count
        yield _completed(target, columns, data.nan_for_null, before - count)


def _pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows, so many at a time that what becomes of them needs little memory."""
    for batch in batches:
        rows = max(1, min(MOST_ROWS, MOST_BYTES * batch.num_rows // max(batch.nbytes, 1)))
        for begin in range(0, batch.num_rows, rows):
            yield batch.slice(begin, rows)


def _check(target: Target, schema: pa.Schema, tag: str | None) -> None:
    table, columns = target.spec.name, target.spec.schema.names
    given_names = {*schema.names} | ({"tag"} if tag is not None else set())
    keys = [name for name in ("tag", "step") if name in columns]
    for name in (*keys, *target.encoder.needs[table]):
        if name not in given_names:
            raise UsageError(f"{table} needs a column {name!r}")
    for name in schema.names:
        if name not in columns and name not in {key.name for key in KEYS}:
            raise UnknownNameError(f"column of {table}", name, columns)


def _long(columns: dict[str, Any], count: int) -> dict[str, Any]:
    """A row per number of a wide batch, row by row; nulls are no rows."""
    keys = {key.name for key in KEYS}
    tags = [name for name in columns if name not in keys]
    values = pa.concat_arrays([_cast(name, columns[name], pa.float64()) for name in tags])
    cells = pa.arange(0, count * len(tags))
    row = pc.divide(cells, len(tags))
    which = pc.subtract(cells, pc.multiply(row, len(tags)))
    value = values.take(pc.add(pc.multiply(which, count), row))
    there = value.is_valid()
    row, which = row.filter(there), which.filter(there)
    tag = pa.DictionaryArray.from_arrays(which.cast(pa.int32()), pa.array(tags, pa.string()))
    made = {name: column.take(row) for name, column in columns.items() if name in keys}
    return {**made, "tag": tag, "value": value.filter(there)}


def _completed(
    target: Target, columns: dict[str, Any], nan_for_null: bool, before: int
) -> pa.RecordBatch:
    table = target.spec.name
    fields = [*(key for key in KEYS if key.name in columns), *target.spec.schema]
    fields = list({field.name: field for field in fields}.values())
    count = len(columns["run"])
    made: list[pa.Array] = []
    for field in fields:
        if field.name not in columns:
            # Whoever gives no index has events of one row.
            is_zero = field.name == "index" and not target.encoder.whole
            zeros = pa.repeat(pa.scalar(0, pa.int64()), count)
            made.append(zeros if is_zero else pa.nulls(count, field.type))
            continue
        array = _cast(field.name, columns[field.name], field.type)
        if field.name == "run":
            array = pc.fill_null(array.cast(pa.string()), ".").dictionary_encode()
        if nan_for_null and field.name == "value" and pa.types.is_floating(field.type):
            array = pc.fill_null(array, float("nan"))
        if not field.nullable and array.null_count:
            row = before + pc.index(array.is_null(), True).as_py()
            raise UsageError(f"{table}: row {row} has no {field.name}")
        made.append(array)
    return pa.RecordBatch.from_arrays(made, [field.name for field in fields])


def _cast(name: str, array: Any, kind: pa.DataType) -> pa.Array:
    """A column in the type that its table has."""
    try:
        if name == "wall_time" and pa.types.is_timestamp(array.type):
            # float64 has no room for nanoseconds since the epoch.
            whole = array.cast(pa.timestamp("us", array.type.tz), safe=False).cast(pa.int64())
            return pc.divide(whole.cast(pa.float64(), safe=False), 1e6)
        if kind == LABEL:
            return array if array.type == LABEL else _label(array)
        if pa.types.is_dictionary(array.type):
            array = array.cast(array.type.value_type)
        if array.type == kind:
            return array
        # Integers above 2**53 are rounded, as they will be to float32.
        return array.cast(kind, safe=not (is_number(array.type) and kind == pa.float64()))
    except (pa.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"column {name!r} cannot be {kind}: {reason}") from error


def _label(array: Any) -> pa.DictionaryArray:
    if pa.types.is_dictionary(array.type):
        return array.cast(LABEL)
    return array.cast(pa.string()).dictionary_encode()


def names_of(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[str, str, bytes]]:
    """What the rows of ``tags`` say of each tag of each run, as far as they say something."""
    found = {}
    for row in rows:
        said = (
            row["display_name"] or "",
            row["description"] or "",
            row.get("plugin_content") or b"",
        )
        if row["tag"] is not None and any(said):
            found[row["run"], row["tag"]] = said
    return found
