"""A dataset that ``export`` or ``sync`` wrote, as a logdir again: TensorBoard shows event files."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa

from tbtools.errors import NothingFoundError, TbtoolsError, UsageError
from tbtools.output.event_files import Names, check_run
from tbtools.output.event_rows import targets, write_logdir
from tbtools.output.given import Given, names_of
from tbtools.output.staging import scratch
from tbtools.output.targets import writing
from tbtools.selection import Selection
from tbtools.tables.exported import READABLE, ExportedTables
from tbtools.tables.manifest import MANIFEST, read_manifest

__all__ = ["Mirror"]

#: What writing takes at most of the time, as one part in so many.
SHARE = 10

#: Tables that say what there is, and edges, which follow from the nodes.
TOLD = {"tags", "runs", "files", "graph_edges"}

#: What TensorBoard shows of tables that cannot be written to event files.
TABS = {
    "embeddings": "the projector",
    "node_stats": "compute time and memory of graphs",
}

State = tuple[int, ...]


class Mirror:
    """The dataset at ``path`` as event files, in a scratch folder that goes with ``close``.

    They are written by ``refresh``, and take as much of the disk as a logdir with the same content,
    twice as much while they are written anew. Memory does not grow with the rows. Of what is
    damaged, or what no event can hold, ``say`` is told in one line each, and the rest is written;
    so it is of what TensorBoard will not show.

    Raises UsageError for a dataset that cannot be read back, and WriteError if there can be no
    scratch folder.
    """

    def __init__(self, path: str, say: Callable[[str], None]) -> None:
        self._path = path
        self._say = say
        self._said: set[str] = set()
        self._state: State | None = None
        self._not_before = 0.0  # of the monotonic clock, seconds
        self._check()
        stack = ExitStack()
        with writing(f"the event files of {path} (TMPDIR says where)"):
            self._folder = stack.enter_context(scratch()) / "logdir"
            self._folder.mkdir()
        self.close = weakref.finalize(self, stack.close)

    @property
    def folder(self) -> Path:
        """The logdir; empty before the first ``refresh``."""
        return self._folder

    def refresh(self) -> bool:
        """Write the event files anew if the dataset is another; whether they are.

        At most a tenth of the time is spent on that: until then, what is new waits. If the dataset
        is gone or cannot be read, or the files cannot be written, that is said, and what was there
        stays. A file of a run to which rows were only added begins as it did.
        """
        state = _state(self._path)
        begun = time.monotonic()
        if state == self._state or begun < self._not_before:
            return False
        self._state = state
        try:
            self._check()
            self._write()
        except TbtoolsError as error:
            self._tell(f"{error}; what was there before is still shown")
            return False
        finally:
            self._not_before = time.monotonic() + SHARE * (time.monotonic() - begun)
        return True

    def _check(self) -> None:
        """Raises UsageError if there is no dataset that can be read back."""
        manifest = read_manifest(self._path)
        if manifest is None:
            raise UsageError(f"{self._path!r} is no dataset any more")
        if manifest.format not in READABLE:
            raise UsageError(
                f"{self._path!r} is a dataset of {manifest.format} files; give TensorBoard one of "
                "Parquet or Arrow, or the logdir that `tbtools import` makes of it"
            )

    def _write(self) -> None:
        """Write all event files. Raises TbtoolsError."""
        tables = ExportedTables(self._path, Selection(), self._refused)
        unneeded = TOLD
        if "definition" in tables.schemas.get("graphs", pa.schema([])).names:
            unneeded = TOLD | {"graph_nodes", "node_stats"}  # they say no more
        rest = [name for name in tables.schemas if name not in unneeded]
        wanted = [name for name in rest if name in targets()]
        self._leave_out([name for name in rest if name not in targets() and tables.counts[name]])
        try:
            write_logdir(
                ((targets()[name], _given(tables, name)) for name in wanted),
                self._folder,
                names=_names(tables),
                exact=True,
                by_time=True,
                force=True,
                begins=self._begins(tables),
                on_refused=self._refused,
            )
        except NothingFoundError:
            self._tell(f"{self._path} has no rows that TensorBoard shows")

    def _begins(self, tables: ExportedTables) -> dict[str, float]:
        """When each run began, as far as the dataset says: runs without a row are shown, too."""
        found = {}
        for batch in _rows(tables, "runs"):
            for row in batch.select(["run", "first_time"]).to_pylist():
                try:
                    check_run(row["run"])
                except UsageError as error:
                    self._refused(error)
                    continue
                if row["first_time"] is not None:
                    found[row["run"]] = row["first_time"]
        return found

    def _leave_out(self, tables: Iterable[str]) -> None:
        for name in tables:
            what = TABS.get(name, "what it holds")
            self._tell(f"{self._path}: left out: {what} (table {name}); open the logdir for it")

    def _refused(self, error: UsageError) -> None:
        self._tell(f"{error}; the rest of {self._path} is shown")

    def _tell(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._say(line)


def _state(path: str) -> State:
    """What is another whenever the dataset is: it is never changed but by a new manifest."""
    try:
        status = (Path(path) / MANIFEST).stat()
    except (OSError, ValueError):
        return ()
    return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


def _given(tables: ExportedTables, name: str) -> Given:
    return Given(tables.schemas[name], _rows(tables, name))


def _rows(tables: ExportedTables, name: str) -> Iterator[pa.RecordBatch]:
    if name in tables.schemas:
        for _, batch in tables.read(Selection().narrowed({name: None})):
            yield batch


def _names(tables: ExportedTables) -> Names:
    return names_of(row for batch in _rows(tables, "tags") for row in batch.to_pylist())
