"""Kills ``sync`` at random instants while a logdir grows: ``tests/kill_sync.py [KILLS] [SEED]``.

In each round something happens to the logdir, and a process that syncs is killed: at a call to the
file system that was picked at random, or after a random time. The dataset is then as it was, or as
it is to be, down to the last row. After the next call it is as it is to be, and no file is left
over. Every process is forked from this one, which runs no threads.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow
from event_writing import EventFile, summary_metadata, tensor
from killing import in_a_process, killed_at
from syncing import leftovers, tables_of

import tbtools
import tbtools.verbs.sync
from tbtools.tables.manifest import MANIFEST

pyarrow.set_cpu_count(1)

DATA = Path(__file__).parent / "data"


class Log:
    """A logdir to which things happen."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self.folder = folder
        self._rng = rng
        self._step = 0
        self._golden = {
            path.relative_to(DATA): path.read_bytes()
            for path in sorted(DATA.rglob("*tfevents*"))
            if path.is_file()
        }
        self._scalars("a/tfevents.1")

    def happen(self) -> str:
        """Something."""
        what: list[Callable[[], None]] = [self._grow] * 4 + [self._new_file] * 2
        what += [self._replace, self._cut, self._remove, self._late_metadata, self._tear]
        chosen = self._rng.sample(what, 2)
        for each in chosen:
            each()
        return " ".join(each.__name__.strip("_") for each in chosen)

    def _files(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*tfevents*") if path.is_file())

    def _append(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(data)

    def _scalars(self, name: str) -> None:
        file = EventFile().version()
        for _ in range(self._rng.randrange(1, 300)):
            self._step += 1
            file.scalar(self._rng.choice("xyz"), self._step, self._step / 7)
        self._append(self.folder / name, file.bytes)

    def _grow(self) -> None:
        for name, data in self._golden.items():
            path = self.folder / name
            size = path.stat().st_size if path.exists() else 0
            if size < len(data) and self._rng.random() < 0.3:
                self._append(path, data[size : size + self._rng.randrange(1, len(data) + 1)])
        self._scalars(f"{self._rng.choice('abc')}/tfevents.{self._rng.randrange(3)}")

    def _new_file(self) -> None:
        self._scalars(f"{self._rng.choice('abcdef')}/tfevents.{self._rng.randrange(9)}")

    def _replace(self) -> None:
        path = self._rng.choice(self._files())
        EventFile(self.folder / "beside").version().scalar("new", self._step, 1.0)
        (self.folder / "beside").replace(path)

    def _cut(self) -> None:
        path = self._rng.choice(self._files())
        os.truncate(path, self._rng.randrange(path.stat().st_size + 1))

    def _remove(self) -> None:
        files = self._files()
        if len(files) > 3:
            self._rng.choice(files).unlink()

    def _late_metadata(self) -> None:
        """The tag of a tensor that is found to be a scalar's."""
        number = tensor("float32", [0.5], [])
        path = self.folder / "late" / "tfevents"
        metadata = summary_metadata("scalars") if path.exists() else None
        file = EventFile().value("t", self._step, "tensor", number, metadata=metadata)
        self._append(path, file.bytes)

    def _tear(self) -> None:
        inner = EventFile().scalar("inner", self._step, 1.0).bytes
        outer = EventFile().value("o", 1, "tensor", tensor("string", [inner, bytes(99)])).bytes
        self._append(self.folder / "torn" / "tfevents", outer[:-50])


def digest(path: Path) -> str:
    """Of all rows of all tables; what has none is told apart from nothing."""
    tables = {name: sorted(rows) for name, rows in tables_of(tbtools.open(path)).items()}
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()


def noted(path: Path, note: Path) -> str:
    """The digest of a dataset or logdir, found by a process of its own."""
    ended = in_a_process(lambda: note.write_text(digest(path)) and None)
    if ended:
        raise SystemExit(f"{path} cannot be read")
    return note.read_text()


def main(kills: int, seed: int) -> None:
    """Kill that often, and tell what came of it."""
    rng = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="kill-sync-"))
    log, dataset, note = Log(folder / "logs", rng), folder / "dataset", folder / "note"
    sync = lambda: tbtools.sync(log.folder, dataset, threads=2) and None  # noqa: E731
    before = None
    ends: Counter[str] = Counter()
    count = 0
    while count < kills:
        happened = log.happen()
        now = noted(log.folder, note)
        for _ in range(rng.randrange(1, 4)):
            if rng.random() < 0.6:
                ended = in_a_process(killed_at(rng.randrange(1, 250), sync))
            else:
                ended = in_a_process(sync, rng.uniform(0.0, 0.15))
            if ended not in (0, -signal.SIGKILL):
                raise SystemExit(f"a sync failed after: {happened} (seed {seed})")
            count += ended != 0
            if (dataset / MANIFEST).exists():
                found = noted(dataset, note)
                if found not in (before, now):
                    raise SystemExit(f"neither old nor new after: {happened} (seed {seed})")
                ends["new" if found == now else "old"] += 1
            else:
                ends["nothing yet"] += 1
        if in_a_process(sync):
            raise SystemExit(f"no sync after a kill, after: {happened} (seed {seed})")
        if noted(dataset, note) != now:
            raise SystemExit(f"not as a fresh reading after: {happened} (seed {seed})")
        if leftovers(dataset):
            raise SystemExit(f"left over: {leftovers(dataset)} (seed {seed})")
        before = now
    shutil.rmtree(folder)
    found = ", ".join(f"{what} {times}" for what, times in sorted(ends.items()))
    print(f"{count} kills; the dataset was then: {found}; each was made good by the next call")


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["200"])[0]), int((sys.argv[2:] or ["1"])[0]))
