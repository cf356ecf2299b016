"""One run → rows of tables: decoded, and filtered by tag, step and restart policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from tbtools import _core
from tbtools.decode.routing import Made, claims, decode, labels, options_for, route
from tbtools.errors import DamageError
from tbtools.files.discovery import Run
from tbtools.files.health import FileHealth
from tbtools.files.scans import EventReader, OnDamage, Progress, ScanOptions
from tbtools.kinds import all_kinds, table_specs
from tbtools.runs.projector import Problems, read_embeddings
from tbtools.runs.restarts import Overwritten, overwritten
from tbtools.runs.survey import Survey, position_of, survey
from tbtools.selection import RestartPolicy, Selection

__all__ = ["RunReader"]

CLAIMS = claims(all_kinds())
SCALARS = CLAIMS.fields["simple_value"].tables[0]


class RunReader:
    """Reads the files of a run. What has to be known of the run as a whole is found out once."""

    def __init__(self, run: Run, on_damage: OnDamage, progress: Progress | None = None) -> None:
        self.run = run
        self.failure: DamageError | None = None
        self._on_damage = on_damage
        self._progress = progress
        self._lock = threading.Lock()
        self._survey: Survey | None = None
        self._overwritten: dict[RestartPolicy, Overwritten | None] = {}
        self._dropped: dict[RestartPolicy, int] = {}
        self._health: dict[str, FileHealth] = {}

    def survey(self) -> Survey:
        """What the run holds; the first call reads it."""
        with self._lock:
            if self._survey is None:
                try:
                    self._survey = survey(self.run, self._on_damage, self._progress)
                except DamageError as error:
                    self.failure = error
                    raise
                for health in self._survey.health:
                    self._note(health)
            return self._survey

    def embeddings(self) -> Iterator[pa.RecordBatch]:
        """The rows of ``embeddings``; what cannot be read of them counts as loss."""
        problems: Problems = []
        yield from read_embeddings(self.run, problems)
        for path, reason in problems:
            self._health[path] = FileHealth(self.run.name, path, unreadable=reason)

    def health(self) -> list[FileHealth]:
        """What is known of each file that was read, by the reading that saw most of it."""
        with self._lock:
            return [self._health[path] for path in sorted(self._health)]

    def _note(self, health: FileHealth) -> None:
        known = self._health.get(health.path)
        if known is not None:
            health.undecoded = max(known.undecoded, health.undecoded)
        if known is None or known.unread_bytes >= health.unread_bytes:
            self._health[health.path] = health
        else:
            known.undecoded = health.undecoded

    def overwritten(self, policy: RestartPolicy) -> Overwritten | None:
        """What restarts overwrote in this run; None if nothing."""
        if policy == "keep":
            return None
        found = self.survey()
        with self._lock:
            if policy not in self._overwritten:
                self._overwritten[policy] = overwritten(found, policy)
            return self._overwritten[policy]

    def dropped(self, policy: RestartPolicy) -> int:
        """The number of rows that a policy drops."""
        gone = self.overwritten(policy)
        if gone is None:
            return 0
        if policy not in self._dropped:
            total = 0
            for number, file in enumerate(self.run.files):
                health = FileHealth(self.run.name, file.path)
                reader = EventReader(file, health, ScanOptions(payloads=(), offsets=True))
                for scan in reader.read():
                    for part in (scan.points, scan.rows):
                        if len(part):
                            total += _count_dropped(pa.record_batch(part), number, gone)
                reader.close()
            self._dropped[policy] = total
        return self._dropped[policy]

    def read(self, number: int, selection: Selection) -> Iterator[list[tuple[str, pa.RecordBatch]]]:
        """The rows of a file, a window at a time: (table, batch), tables in any order.

        Raises DamageError as the reader does.
        """
        file = self.run.files[number]
        gone = self.overwritten(selection.restarts)
        health = FileHealth(self.run.name, file.path)
        options = options_for(CLAIMS, selection, offsets=gone is not None)
        reader = EventReader(file, health, options, self._on_damage, self._progress)
        rows = _FileRows(self, reader, number, selection, gone)
        try:
            for scan in reader.read():
                made = rows.of(scan)
                if made:
                    yield made
        except DamageError as error:
            self.failure = error
            raise
        finally:
            reader.close()
        with self._lock:
            self._note(health)


def _count_dropped(batch: pa.RecordBatch, number: int, gone: Overwritten) -> int:
    batch = batch.filter(batch["tag"].is_valid())
    kept = gone.kept(batch["tag"], batch["step"], position_of(number, batch["offset"]))
    return int(batch.num_rows) - int(pc.sum(kept).as_py() or 0)


class _FileRows:
    """Makes rows of the scans of one file."""

    def __init__(
        self,
        run: RunReader,
        reader: EventReader,
        number: int,
        selection: Selection,
        gone: Overwritten | None,
    ) -> None:
        self._run = run
        self._reader = reader
        self._number = number
        self._selection = selection
        self._gone = gone
        self._seen: dict[str, bool] = {}  # the tags of this file, and whether they are wanted
        self._may_have_unwanted = False  # the rows of the current scan
        # A value whose table does not tell its tag is wanted whatever the tag.
        specs = table_specs()
        self._may_skip = all("tag" in specs[name].schema.names for name in selection.tables)

    def of(self, scan: _core.Scan) -> list[tuple[str, pa.RecordBatch]]:
        """The rows of a scan that are selected."""
        if self._selection.restricts_tags:
            self._choose_tags(scan)
        tables = self._selection.tables
        found: list[Made] = []
        if len(scan.rows):
            rows = pa.record_batch(scan.rows)
            for routed in route(rows, self._run.run.name, self._of_tag, CLAIMS):
                made, refused = decode(routed, self._selection)
                found += made
                self._reader.health.undecoded += refused
        by_table: dict[str, list[Made]] = {}
        for each in found:
            by_table.setdefault(each.table, []).append(each)
        if SCALARS.name in tables:
            scalars = self._scalars(scan, by_table.pop(SCALARS.name, []))
            result = [(SCALARS.name, scalars)] if scalars.num_rows else []
        else:
            result = []
        for table, parts in by_table.items():
            batch, offset = self._in_order(rows, parts)
            batch = self._wanted(batch, offset)
            if batch.num_rows:
                result.append((table, batch))
        return result

    def _of_tag(self, tag: str) -> bytes | None:
        return self._reader.metadata.get(tag) or self._run.survey().metadata_of(tag)

    def _choose_tags(self, scan: _core.Scan) -> None:
        tags = pa.record_batch(scan.tags)["tag"].to_pylist()
        fresh = [tag for tag in tags if tag not in self._seen]
        self._may_have_unwanted = bool(fresh) or not self._may_skip
        if fresh:
            wanted = self._selection.wants_tags(fresh, self._run.run.name)
            self._seen.update(zip(fresh, wanted, strict=True))
            if self._may_skip:
                unwanted = [tag for tag, wanted in self._seen.items() if not wanted]
                self._reader.skip_tags = _core.NameSet(unwanted)

    def _in_order(self, rows: pa.RecordBatch, parts: list[Made]) -> tuple[pa.RecordBatch, pa.Array]:
        """One batch of what several kinds made for a table, and the offsets of its rows."""
        if len(parts) == 1:
            return parts[0].batch, rows["offset"].take(parts[0].origin)
        origin = pa.concat_arrays([part.origin for part in parts])
        batches = pa.Table.from_batches([part.batch for part in parts]).unify_dictionaries()
        order = pc.sort_indices(origin)
        batch = batches.take(order).combine_chunks().to_batches()[0]
        return batch, rows["offset"].take(origin.take(order))

    def _scalars(self, scan: _core.Scan, others: list[Made]) -> pa.RecordBatch:
        """The points of a scan, and between them the scalars that had to look at their run."""
        points = pa.record_batch(scan.points)
        schema = self._selection.schema_of(SCALARS.name, SCALARS.schema)
        run = labels(self._run.run.name, points.num_rows)
        columns = [run if name == "run" else points[name] for name in schema.names]
        batch = pa.RecordBatch.from_arrays(columns, schema=schema)
        offset = points["offset"] if self._gone is not None and points.num_rows else None
        if not others:
            return self._wanted(batch, offset)
        (other,) = others
        rows = pa.record_batch(scan.rows)
        before = rows["points_before"].take(other.origin)
        index = pc.multiply(pa.array(range(points.num_rows), pa.int64()), 2)
        place = pa.concat_arrays([pc.add(index, 1), pc.multiply(before, 2)])
        order = pc.sort_indices(place)
        table = pa.Table.from_batches([batch, other.batch]).unify_dictionaries().take(order)
        if self._gone is not None:
            parts = [] if offset is None else [offset]
            parts.append(rows["offset"].take(other.origin))
            offset = pa.concat_arrays(parts).take(order)
        return self._wanted(table.combine_chunks().to_batches()[0], offset)

    def _wanted(self, batch: pa.RecordBatch, offset: pa.Array | None) -> pa.RecordBatch:
        """The rows of a batch that are selected, by tag, step and restart policy."""
        mask: pa.Array | None = None

        def narrow(more: pa.Array) -> None:
            nonlocal mask
            mask = more if mask is None else pc.and_(mask, more)

        keyed = "tag" in batch.schema.names
        if self._may_have_unwanted and keyed:
            tags = batch["tag"]
            wanted = [self._seen.get(tag, True) for tag in tags.dictionary.to_pylist()]
            if not all(wanted) or tags.null_count:
                known = pa.array(wanted, pa.bool_()).take(tags.indices)
                narrow(pc.fill_null(known, not self._selection.names_tags))
        steps = self._selection.of_steps(batch)
        if steps is not None:
            narrow(steps)
        if self._gone is not None and offset is not None and keyed:
            position = position_of(self._number, offset)
            kept = self._gone.kept(batch["tag"], batch["step"], position)
            narrow(kept)
        return batch if mask is None else batch.filter(mask)
