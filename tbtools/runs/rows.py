"""What was scanned of files → rows of tables: routed, decoded, and filtered as was selected."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import pyarrow as pa
import pyarrow.compute as pc

from tbtools import _core
from tbtools.decode.routing import Made, claims, decode, labels, route
from tbtools.files.health import FileHealth
from tbtools.kinds import all_kinds, table_specs
from tbtools.runs.places import position_of
from tbtools.runs.restarts import Overwritten
from tbtools.selection import Selection

__all__ = ["CLAIMS", "SCALARS", "Origin", "Origins", "TagChoice", "rows_of"]

CLAIMS = claims(all_kinds())
SCALARS = CLAIMS.fields["simple_value"].tables[0]

MOST_SKIPPED = 1 << 12  # tags; to make a set of more costs more than it spares


@dataclass
class Origin:
    """The file of some rows: its run, its number there, and what has to be known of both."""

    run: str
    number: int
    health: FileHealth
    gone: Overwritten | None  # what restarts overwrote in the run
    metadata: Callable[[str], bytes | None]  # of a tag of which values have none


class Origins:
    """The files that a scan is of. Rows say which by a column ``file``, if there are several."""

    def __init__(self, files: Sequence[Origin]) -> None:
        self._files = files
        numbers: dict[str, int] = {}
        self._codes = [numbers.setdefault(file.run, len(numbers)) for file in files]
        self._runs = list(numbers)

    def __getitem__(self, number: int) -> Origin:
        return self._files[number]

    @cached_property
    def may_be_gone(self) -> bool:
        """Whether restarts overwrote anything."""
        return any(file.gone is not None for file in self._files)

    @cached_property
    def _dictionary(self) -> tuple[pa.Array, pa.Array]:
        return pa.array(self._codes, pa.int32()), pa.array(self._runs, pa.string())

    def runs(self, rows: pa.RecordBatch) -> pa.DictionaryArray:
        """The run of each row."""
        if len(self._runs) == 1:
            return labels(self._runs[0], rows.num_rows)
        codes, names = self._dictionary
        return pa.DictionaryArray.from_arrays(codes.take(rows["file"]), names)

    def kept(self, batch: pa.RecordBatch, file: pa.Array | None, offset: pa.Array) -> pa.Array:
        """A mask of the rows that restarts did not overwrite; they are in the order of files."""
        if file is None:
            return self._kept_of(0, batch, offset)
        pieces = pc.run_end_encode(file)
        masks, begin = [], 0
        for end, number in zip(pieces.run_ends.to_pylist(), pieces.values.to_pylist(), strict=True):
            size = end - begin
            masks.append(self._kept_of(number, batch.slice(begin, size), offset.slice(begin, size)))
            begin = end
        return pa.concat_arrays(masks) if masks else pa.array([], pa.bool_())

    def _kept_of(self, number: int, batch: pa.RecordBatch, offset: pa.Array) -> pa.Array:
        origin = self._files[number]
        if origin.gone is None:
            return pa.repeat(pa.scalar(True), batch.num_rows)
        position = position_of(origin.number, offset)
        return origin.gone.kept(batch["tag"], batch["step"], position)


class TagChoice:
    """Which tags are wanted, as they turn up: of one run, or with None of all of a reading."""

    def __init__(self, selection: Selection, run: str | None = None) -> None:
        self._selection = selection
        self._run = run
        self._seen: dict[str, bool] = {}
        self._unwanted: list[str] = []
        self._lock = threading.Lock()  # groups of files share one
        self.skip: _core.NameSet | None = None  # those that the core need not read
        # A value whose table does not tell its tag is wanted whatever the tag.
        specs = table_specs()
        self.may_skip = all("tag" in specs[name].schema.names for name in selection.tables)

    def note(self, tags: Sequence[str]) -> bool:
        """Look at the tags of a scan, before the ``mask`` of its rows is asked for.

        Whether it has to be: rows of tags that were in ``skip`` before the scan are not there. Of
        several runs, what was in ``skip`` is not known.
        """
        with self._lock:
            fresh = [tag for tag in tags if tag not in self._seen]
            if fresh:
                wanted = self._selection.wants_tags(fresh, self._run)
                self._seen.update(zip(fresh, wanted, strict=True))
                more = [tag for tag, is_wanted in zip(fresh, wanted, strict=True) if not is_wanted]
                self._unwanted += more
                if more and self.may_skip and len(self._unwanted) <= MOST_SKIPPED:
                    self.skip = _core.NameSet(self._unwanted)
            all_skipped = self.may_skip and len(self._unwanted) <= MOST_SKIPPED
            return bool(fresh) or self._run is None or not all_skipped

    def mask(self, tags: pa.DictionaryArray) -> pa.Array | None:
        """Which rows are wanted by their tag; None if all are."""
        wanted = [self._seen.get(tag, True) for tag in tags.dictionary.to_pylist()]
        if all(wanted) and not tags.null_count:
            return None
        known = pa.array(wanted, pa.bool_()).take(tags.indices)
        return pc.fill_null(known, not self._selection.names_tags)


def rows_of(
    points: pa.RecordBatch,
    rows: pa.RecordBatch,
    origins: Origins,
    selection: Selection,
    choice: TagChoice | None,
) -> list[tuple[str, pa.RecordBatch]]:
    """The selected rows that points and rows of a scan give, by table.

    ``choice`` has noted its tags; None if all rows are wanted whatever their tag.
    """
    return _Scanned(points, rows, origins, selection, choice).tables()


@dataclass
class _Scanned:
    points: pa.RecordBatch
    rows: pa.RecordBatch
    origins: Origins
    selection: Selection
    choice: TagChoice | None

    def tables(self) -> list[tuple[str, pa.RecordBatch]]:
        by_table: dict[str, list[Made]] = {}
        if self.choice is not None and self.choice.may_skip and self.rows.num_rows:
            # What nobody wants is not decoded, nor counted if it could not be: whether the core
            # passed over it already depends on when its tag was seen first.
            mask = self.choice.mask(self.rows["tag"])
            self.rows = self.rows if mask is None else self.rows.filter(mask)
        if self.rows.num_rows:
            runs = self.origins.runs(self.rows)
            for routed in route(self.rows, runs, self._metadata_of, CLAIMS):
                made, refused = decode(routed, self.selection)
                self._note_refused(routed.rows, refused)
                for each in made:
                    by_table.setdefault(each.table, []).append(each)
        found = []
        if SCALARS.name in self.selection.tables:
            found.append((SCALARS.name, self._scalars(by_table.pop(SCALARS.name, []))))
        found += [(table, self._wanted(*self._in_order(made))) for table, made in by_table.items()]
        return [(table, batch) for table, batch in found if batch.num_rows]

    def _metadata_of(self, file: int, tag: str) -> bytes | None:
        return self.origins[file].metadata(tag)

    def _note_refused(self, rows: pa.Array, refused: list[int]) -> None:
        if not refused:
            return
        if "file" not in self.rows.schema.names:
            self.origins[0].health.undecoded += len(refused)
            return
        for file in self.rows["file"].take(rows.take(pa.array(refused, pa.int64()))).to_pylist():
            self.origins[file].health.undecoded += 1

    def _in_order(self, parts: list[Made]) -> tuple[pa.RecordBatch, pa.Array]:
        """One batch of what several kinds made for a table, and the rows that it is made of."""
        if len(parts) == 1:
            return parts[0].batch, parts[0].origin
        origin = pa.concat_arrays([part.origin for part in parts])
        batches = pa.Table.from_batches([part.batch for part in parts]).unify_dictionaries()
        order = pc.sort_indices(origin)
        return batches.take(order).combine_chunks().to_batches()[0], origin.take(order)

    def _scalars(self, others: list[Made]) -> pa.RecordBatch:
        """The points, and between them the scalars that had to look at their run."""
        points = self.points
        schema = self.selection.schema_of(SCALARS.name, SCALARS.schema)
        runs = self.origins.runs(points)
        columns = [runs if name == "run" else points[name] for name in schema.names]
        batch = pa.RecordBatch.from_arrays(columns, schema=schema)
        if not others:
            return self._narrowed(batch, points)
        (other,) = others
        before = self.rows["points_before"].take(other.origin)
        index = pc.multiply(pa.arange(0, points.num_rows), 2)
        order = pc.sort_indices(pa.concat_arrays([pc.add(index, 1), pc.multiply(before, 2)]))
        table = pa.Table.from_batches([batch, other.batch]).unify_dictionaries().take(order)
        places = None
        if self.origins.may_be_gone:
            keys = [name for name in ("file", "offset") if name in points.schema.names]
            made_of = self.rows.select(keys).take(other.origin)
            places = pa.Table.from_batches([points.select(keys), made_of]).take(order)
            places = places.combine_chunks().to_batches()[0]
        return self._narrowed(table.combine_chunks().to_batches()[0], places)

    def _wanted(self, batch: pa.RecordBatch, origin: pa.Array) -> pa.RecordBatch:
        places = self.rows.take(origin) if self.origins.may_be_gone else None
        return self._narrowed(batch, places)

    def _narrowed(self, batch: pa.RecordBatch, places: pa.RecordBatch | None) -> pa.RecordBatch:
        """The rows of a batch that are selected, by tag, step and restart policy.

        ``places`` has the columns offset and file of the same rows.
        """
        masks = []
        keyed = "tag" in batch.schema.names
        if self.choice is not None and keyed:
            masks.append(self.choice.mask(batch["tag"]))
        masks.append(self.selection.of_steps(batch))
        if self.origins.may_be_gone and keyed and places is not None and batch.num_rows:
            file = places["file"] if "file" in places.schema.names else None
            masks.append(self.origins.kept(batch, file, places["offset"]))
        given = [mask for mask in masks if mask is not None]
        return batch.filter(reduce(pc.and_, given)) if given else batch
