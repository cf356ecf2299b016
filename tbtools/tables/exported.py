"""A dataset that ``export`` wrote, as tables again: read by pyarrow's own dataset, which prunes
files and row groups and reads no column that nobody asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from tbtools.errors import TbtoolsError, UsageError
from tbtools.files.health import FileHealth
from tbtools.schema import plain_schema
from tbtools.selection import Filter, Selection
from tbtools.tables.filters import ArrowFilter, Both, surviving
from tbtools.tables.following import Follower
from tbtools.tables.manifest import Manifest, read_manifest, retired
from tbtools.tables.table import Rows

__all__ = ["READABLE", "ExportedTables"]

READABLE = {"parquet": "parquet", "arrow": "ipc"}

#: Batches that are read ahead: row groups may be of pictures, and memory is bounded.
READAHEAD = 2


class ExportedTables:
    """The tables of the dataset at ``path``.

    With ``on_damage``, what is damaged is told, and all else is read.

    Raises UsageError for one whose format is not read back (only Parquet and Arrow keep types), or,
    without ``on_damage``, of which a file is missing or not what the manifest says.
    """

    def __init__(
        self,
        path: str,
        selection: Selection,
        on_damage: Callable[[UsageError], None] | None = None,
    ) -> None:
        self._path = path
        self._on_damage = on_damage
        self._failure: TbtoolsError | None = None
        self._selection = selection
        self._open()

    def _open(self) -> None:
        manifest = read_manifest(self._path)
        while True:
            if manifest is None:
                raise UsageError(f"{self._path!r} is no dataset")
            damage: list[UsageError] = []
            failure: UsageError | None = None
            try:
                self._data = _opened(manifest, None if self._on_damage is None else damage)
            except UsageError as error:
                failure = error
            before = manifest
            if failure is not None or damage:
                manifest = read_manifest(self._path)
            if manifest == before:
                break  # else it was synced meanwhile
        if failure is not None:
            raise failure
        if self._on_damage is not None:
            for each in damage:
                self._on_damage(each)
        self._manifest = before
        self._known_names: dict[str, list[str]] = {}

    def refresh(self) -> bool:
        """Read the manifest again; whether it is another than before."""
        before = self._manifest
        self._open()
        return before != self._manifest

    @property
    def selection(self) -> Selection:
        """What every reading is narrowed from."""
        return self._selection

    @property
    def schemas(self) -> Mapping[str, pa.Schema]:
        """The columns of each table."""
        return {name: data.schema for name, data in self._data.items()}

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows by table."""
        return self._manifest.rows

    def read(self, selection: Selection) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Batches of the selected tables, (name, batch), in the order of their files."""
        for name in selection.columns:
            data = self._data[name]
            condition = self._condition(data.schema, selection)
            columns = selection.schema_of(name, data.schema).names
            for fragment in data.get_fragments():
                try:
                    for batch in self._rows_of(fragment, condition, columns, data.schema):
                        batch.validate(full=True)  # as text that is no UTF-8: DuckDB stops there
                        if batch.num_rows:
                            yield name, batch
                except (OSError, pa.ArrowException) as error:
                    # DuckDB wraps what is raised while it reads: whoever asks finds it here.
                    self._failure = self._broken(f"{name}: {_first_line(error)}")
                    if self._on_damage is None:
                        raise self._failure from error
                    self._on_damage(self._failure)

    def follower(self, selection: Selection, note: Callable[[str], None]) -> Follower:
        """Raises UsageError: rows of a dataset are sorted, and may be others the next time."""
        raise UsageError(f"{self._path!r} is a dataset; follow the logdir, or refresh()")

    def _rows_of(
        self,
        fragment: pads.Fragment,
        condition: pads.Expression | None,
        columns: list[str],
        schema: pa.Schema,
    ) -> Iterator[pa.RecordBatch]:
        """The rows of a file that pass; from where it is now, if it was retired meanwhile."""
        options = {"schema": schema, "columns": columns, "filter": condition}
        batches = None
        while batches is None:
            try:
                _check_types(fragment)
                scanner = _pruned(fragment, condition, schema).scanner(
                    **options, batch_readahead=READAHEAD
                )
                batches = scanner.to_reader()
                first = next(batches, None)
            except FileNotFoundError:
                batches = None
                name = Path(fragment.path).relative_to(self._manifest.folder).as_posix()
                place = self._manifest.folder / retired(name)
                if retired(name) == name or not place.exists():
                    raise
                fragment = fragment.format.make_fragment(str(place), fragment.filesystem)
        if first is not None:
            yield first
            yield from batches

    def _broken(self, why: str) -> UsageError:
        if read_manifest(self._path) == self._manifest:
            return self._manifest.broken(why)
        return UsageError(
            f"the dataset {self._path!r} is another since it was opened: {why} "
            "(open it again, or refresh())"
        )

    @property
    def findings(self) -> Rows:
        """Raises UsageError: a dataset has no event files."""
        raise UsageError(
            f"{self._path!r} is an exported dataset, and `verify` reads event files "
            "(the table files says what was wrong with them when it was exported)"
        )

    def _condition(self, schema: pa.Schema, selection: Selection) -> pads.Expression | None:
        """What rows have to fulfil, as far as Arrow can say it."""
        parts = _pushed(selection.filter)
        parts += self._named(selection.filter, schema)
        for column, globs in (("run", selection.run), ("tag", selection.tag)):
            if globs and column in schema.names:
                parts.append(_matches(column, globs))
        if selection.exclude_tag and "tag" in schema.names:
            excluded = _matches("tag", selection.exclude_tag)
            parts.append(pads.field("tag").is_valid() & ~excluded)
        if "step" in schema.names:
            first, end = selection.steps
            if first is not None:
                parts.append(pads.field("step") >= first)
            if end is not None:
                parts.append(pads.field("step") < end)
        return reduce(and_, parts) if parts else None

    def _named(self, condition: Filter | None, schema: pa.Schema) -> list[pads.Expression]:
        """What the filter of another engine says of runs and tags, so that others are not read."""
        parts = []
        if condition is not None and not isinstance(condition, ArrowFilter):
            for column, names in (("run", self._names("run")), ("tag", self._names("tag"))):
                if names and column in schema.names:
                    answers = condition.survivors(column, names)
                    kept = [name for name, stays in zip(names, answers, strict=True) if stays]
                    if len(kept) < len(names):
                        field = pads.field(column)
                        # Nothing was asked of rows that have no tag, so they stay.
                        parts.append(field.isin(pa.array(kept, pa.string())) | field.is_null())
        return parts

    def _names(self, column: str) -> list[str]:
        """The distinct runs or tags, if the dataset has the table ``tags``; it is small."""
        if column not in self._known_names:
            data = self._data.get("tags")
            rows = [] if data is None else data.to_table([column])[column].cast(pa.string())
            self._known_names[column] = sorted(set(pc.unique(rows).to_pylist())) if rows else []
        return self._known_names[column]

    @property
    def inputs(self) -> Sequence[str]:
        """The folders and files that are read."""
        return self._manifest.paths

    @property
    def runs(self) -> Sequence[str]:
        """The names of the runs, as far as the table ``tags`` is there and says them."""
        names = self._names("run")
        wanted = self._selection.wants_runs(names)
        return [name for name, is_wanted in zip(names, wanted, strict=True) if is_wanted]

    @property
    def total_bytes(self) -> int:
        """Nothing: what is read of Parquet is not known before."""
        return 0

    @property
    def health(self) -> list[FileHealth]:
        """No event file is read."""
        return []

    @property
    def failure(self) -> TbtoolsError | None:
        """The damage to a file of the dataset that ended a reading."""
        return self._failure


def _opened(manifest: Manifest, damage: list[UsageError] | None) -> dict[str, pads.Dataset]:
    """The tables; if ``damage`` shall hold what is damaged, without these files."""
    if manifest.format not in READABLE:
        raise UsageError(
            f"{str(manifest.folder)!r} is a dataset of {manifest.format} files; "
            "only Parquet and Arrow can be opened again"
        )
    if damage is None:
        manifest.check()
    opened = {}
    for name, files in manifest.tables.items():
        sound = files if damage is None else _sound(manifest, name, damage)
        if sound or damage is None:
            opened[name] = _dataset(manifest, name, sound)
    return opened


def _sound(manifest: Manifest, name: str, damage: list[UsageError]) -> list[str]:
    """The files of a table that can be opened."""
    found = []
    for file in manifest.tables[name]:
        try:
            manifest.check_file(file)
            _dataset(manifest, name, [file])
            found.append(file)
        except UsageError as error:
            damage.append(error)
    return found


def _dataset(manifest: Manifest, name: str, files: Sequence[str]) -> pads.Dataset:
    paths = [str(manifest.folder / file) for file in files]
    try:
        opened = pads.dataset(paths, format=READABLE[manifest.format])
        has_columns = bool(opened.schema.names)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:  # of a column's name
        raise manifest.broken(f"{name}: {_first_line(error)}") from error
    if not has_columns:
        raise manifest.broken(f"{name}: it has no columns")
    return opened


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _pruned(
    fragment: pads.Fragment, condition: pads.Expression | None, schema: pa.Schema
) -> pads.Fragment:
    """A file without the row groups of which no row can pass, by the statistics of their keys.

    pyarrow's own pruning does not see the statistics of dictionaries, which runs and tags are.
    """
    if condition is None or not isinstance(fragment, pads.ParquetFileFragment):
        return fragment
    metadata = fragment.metadata
    groups = [
        (str(each), _known(metadata.row_group(each))) for each in range(metadata.num_row_groups)
    ]
    left = surviving(groups, condition, plain_schema(schema))
    return fragment.subset(row_group_ids=sorted(map(int, left)))


def _check_types(fragment: pads.Fragment) -> None:
    """Raises ArrowInvalid for a file with a column of another type than its schema says.

    pyarrow waits for ever for such a column, and aborts when it is asked for its statistics.
    """
    if not isinstance(fragment, pads.ParquetFileFragment):
        return
    metadata = fragment.metadata
    types = [metadata.schema.column(index).physical_type for index in range(metadata.num_columns)]
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for index, physical_type in enumerate(types):
            if group.column(index).physical_type != physical_type:
                raise pa.ArrowInvalid(f"column {index} is not of the type that its schema says")


def _known(group: Any) -> pads.Expression:
    """What the statistics of a row group say of all its rows."""
    parts = [pads.scalar(True)]
    for index in range(group.num_columns):
        with suppress(UnicodeDecodeError):  # of names, or statistics, that are no UTF-8
            parts += _bounds(group.column(index))
    return reduce(and_, parts)


def _bounds(column: Any) -> list[pads.Expression]:
    """What the statistics of a column say of all its values."""
    if column.path_in_schema not in ("run", "tag", "step"):
        return []
    statistics = column.statistics
    if statistics is None:
        return []
    # A null is neither above nor below anything, so nothing is known of a column with nulls.
    if not statistics.has_min_max or not statistics.has_null_count or statistics.null_count:
        return []
    field = pads.field(column.path_in_schema)
    return [field >= statistics.min, field <= statistics.max]


def _pushed(condition: Filter | None) -> list[pads.Expression]:
    """The conditions of Arrow among those of a filter; others are applied to what is read."""
    if isinstance(condition, ArrowFilter):
        return [condition.expression]
    if isinstance(condition, Both):
        return [part for each in condition.filters for part in _pushed(each)]
    return []


def _matches(column: str, globs: Iterable[str]) -> pads.Expression:
    """Whether a column matches one of these globs; equal where there is nothing to match."""
    plain = [glob for glob in globs if not re.search(r"[*?\[]", glob)]
    parts = [pads.field(column) == name for name in plain]
    patterns = [_regex(glob) for glob in globs if glob not in plain]
    if patterns:
        text = pads.field(column).cast(pa.string())
        parts.append(pc.match_substring_regex(text, f"^(?s:{'|'.join(patterns)})$"))
    return reduce(lambda one, other: one | other, parts)


def _regex(glob: str) -> str:
    """A glob of fnmatch as an expression of RE2."""
    pieces = re.split(r"(\*+|\?|\[!?\]?[^\]]*\])", glob)
    made = []
    for piece in pieces:
        if piece.startswith("*"):
            made.append(".*")
        elif piece == "?":
            made.append(".")
        elif len(piece) > 2 and piece[0] == "[" and piece[-1] == "]":
            inside = piece[1:-1].replace("\\", "\\\\")
            inside = f"^{inside[1:]}" if inside[0] == "!" else inside
            made.append(f"[{inside.replace('[', chr(92) + '[')}]")
        else:
            made.append(re.escape(piece))
    return "".join(made)
