"""A Parquet dataset that is added to: parts of tables, and one rename that commits them.

How it lies on the disk, and what holds whenever the process ends: docs/design.md, "Logs that grow".
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tbtools.errors import TargetExistsError, WriteError
from tbtools.output.behind import Behind
from tbtools.output.held import LOCK_SIZE, held
from tbtools.output.parts import Adding, Part, joined, without, worth
from tbtools.output.targets import check_inputs, writing
from tbtools.tables.manifest import (
    MANIFEST,
    SYNC,
    Manifest,
    foreign_file,
    read_manifest,
    replace_manifest,
    retired,
)

__all__ = ["GRACE", "STATE", "GrowingDataset", "growing_dataset"]

#: The table of what is known of each file, which no reader sees.
STATE = f"{SYNC}/state"

GRACE = 600.0  # seconds for which parts are kept that a reader may still look for

LOCK = f"{SYNC}/lock"
NEW = f"{SYNC}/new"
RETIRED = f"{SYNC}/retired"

_PART = re.compile(r"part-(\d+)(-\d+)?\.(parquet|arrow)")


@contextmanager
def growing_dataset(
    target: Path, inputs: Iterable[str], force: bool = False, grace: float = GRACE
) -> Iterator[GrowingDataset]:
    """The dataset at ``target`` to add to; a new one if there is none. Nobody else may meanwhile.

    With ``force`` it begins anew, in the place of whatever dataset of tbtools there is. Raises as
    ``check_inputs``, TargetExistsError for a folder that ``sync`` has not made, and WriteError if
    another process holds it, or the system refuses anything.
    """
    with writing(str(target)):
        check_inputs(target, inputs)
        _check(target, force)
        is_new = not target.exists()
        (target / SYNC).mkdir(parents=True, exist_ok=True)
        with held(target / LOCK, str(target)):
            try:
                yield GrowingDataset(target, force, grace)
            except BaseException:
                with suppress(Exception):  # there is worse to tell of
                    GrowingDataset(target, False, grace)  # which tidies up
                raise
            finally:
                if is_new and not (target / MANIFEST).exists():
                    _clear(target)


def _check(target: Path, force: bool) -> None:
    if not target.exists():
        if target.is_symlink():
            raise TargetExistsError(f"{target} is a link to nothing; remove it")
        return
    if not target.is_dir():
        raise TargetExistsError(f"{target} is a file; give a folder")
    manifest = read_manifest(str(target))
    if manifest is not None and manifest.sync is not None:
        return
    if manifest is None and ((target / LOCK).is_file() or not any(target.iterdir())):
        return
    if manifest is None or foreign_file(target) is not None:
        raise TargetExistsError(f"{target} holds what sync has not made; give another output")
    if not force:
        raise TargetExistsError(
            f"{target} was not made by sync, which cannot go on with it (--force replaces it)"
        )


def _clear(target: Path) -> None:
    """Leave nothing of a dataset that did not come into being."""
    for folder in (NEW, RETIRED, SYNC):
        for path in (target / folder).glob("*"):
            if path.is_file():
                path.unlink(missing_ok=True)
        with suppress(OSError):
            (target / folder).rmdir()
    with suppress(OSError):
        target.rmdir()


class GrowingDataset:
    """What the last commit made, and what the next one will. Changes nothing until ``commit``."""

    def __init__(self, folder: Path, force: bool, grace: float) -> None:
        self._folder = folder
        self._grace = grace
        manifest = read_manifest(str(folder))
        known = manifest.sync if manifest is not None else None
        self.notes: Mapping[str, Any] = known or {}
        self._number = 1
        self._retired: dict[str, tuple[float, int]] = {}  # since when, and bytes
        self._old: set[str] = set()  # what the last manifest names
        self._tables: dict[str, list[Part]] = {}
        self._tails: dict[str, list[Part]] = {}
        self._count = 0
        if manifest is not None and known is not None:
            try:
                self._load(manifest)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                if not force:
                    raise manifest.broken("what sync noted is not what it should be") from error
        if force:
            self.notes, self._tables, self._tails = {}, {}, {}
        if force and manifest is not None:
            self._old |= {name for name in manifest.files if not name.startswith(f"{SYNC}/")}
            numbers = (_PART.fullmatch(name.rpartition("/")[2]) for name in manifest.files)
            self._number = max([self._number, *(int(each[1]) + 1 for each in numbers if each)])
        elif manifest is not None:
            for name in self._old:
                manifest.check_file(name)
        self._tidy()

    def _load(self, manifest: Manifest) -> None:
        self._number = int(self.notes["number"]) + 1
        retired_parts = self.notes["retired"].items()
        self._retired = {str(name): (float(at), int(size)) for name, (at, size) in retired_parts}
        tails = set(self.notes.get("tails", ()))
        state = self.notes.get("state", {})
        for table, names in {**manifest.tables, STATE: tuple(state)}.items():
            for name in names:
                rows = self.notes["rows"][name] if name not in state else state[name]
                part = Part(self._folder / name, int(rows), manifest.files[name], name)
                self._old.add(name)
                chosen = self._tails if name in tails else self._tables
                chosen.setdefault(table, []).append(part)

    def _tidy(self) -> None:
        """Remove what killed processes left, and what nobody looks for any more."""
        now = time.time()
        for name, (since, _) in list(self._retired.items()):
            if not 0 <= now - since < self._grace:
                (self._folder / retired(name)).unlink(missing_ok=True)
                del self._retired[name]
        waiting = {retired(name): name for name in self._retired}
        for path in (self._folder / RETIRED).glob("*"):
            if f"{RETIRED}/{path.name}" not in waiting:
                path.unlink(missing_ok=True)
        for path in (self._folder / NEW).glob("*"):
            path.unlink(missing_ok=True)
        for path in [*self._folder.glob("*/part-*"), *self._folder.glob(f"{STATE}/part-*")]:
            name = path.relative_to(self._folder).as_posix()
            if name in self._old or not _PART.fullmatch(path.name):
                continue
            if name in self._retired:
                self._retire(name)
            else:
                path.unlink(missing_ok=True)
        self._remove_empty_folders()

    def _remove_empty_folders(self) -> None:
        for path in self._folder.iterdir():
            if path.is_dir() and path.name != SYNC:
                with suppress(OSError):
                    path.rmdir()

    # --- what is in it -----------------------------------------------------------------------

    def paths(self, table: str) -> list[str]:
        """The files of a table as they are now."""
        return [str(part.path) for part in self._tables.get(table, ())]

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table."""
        return {table: sum(part.rows for part in parts) for table, parts in self._listed().items()}

    def _listed(self) -> dict[str, list[Part]]:
        """Tables with rows, and their parts in order."""
        names = sorted((self._tables.keys() | self._tails.keys()) - {STATE})
        tables = {name: [*self._tables.get(name, ()), *self._tails.get(name, ())] for name in names}
        return {name: parts for name, parts in tables.items() if parts}

    # --- changes -----------------------------------------------------------------------------

    @contextmanager
    def adding(self) -> Iterator[Adding]:
        """Rows that are added to tables: a part for each that gets any."""
        behind = Behind()
        rows = Adding(self._new_path, behind)
        try:
            with behind:
                yield rows
                rows.flush()
            made = rows.close()
        except BaseException:
            rows.abandon()
            raise
        for table, parts in made.items():
            self._tables.setdefault(table, []).extend(parts[False])
            self._tails.setdefault(table, []).extend(parts[True])

    def _new_path(self) -> Path:
        """Where to write a file that no manifest names yet."""
        (self._folder / NEW).mkdir(parents=True, exist_ok=True)
        self._count += 1
        return self._folder / NEW / f"{self._count}.parquet"

    def drop(self, runs: Collection[str], tables: Collection[str] | None = None) -> None:
        """Drop the rows of these runs from some tables; None: from all."""
        if not runs:
            return
        wanted = sorted(runs)
        for parts_of in (self._tables, self._tails):
            for table, parts in parts_of.items():
                if tables is None or table in tables:
                    parts_of[table] = [*self._thinned(parts, wanted)]

    def _thinned(self, parts: Iterable[Part], runs: Sequence[str]) -> Iterator[Part]:
        for part in parts:
            left = without(part, runs, self._new_path())
            if left is not part:
                self._let_go(part)
            if left is not None:
                yield left

    def drop_tails(self) -> None:
        """Drop all rows that may not stay."""
        for parts in self._tails.values():
            for part in parts:
                self._let_go(part)
        self._tails = {}

    def _let_go(self, part: Part) -> None:
        if part.name is None:
            part.path.unlink(missing_ok=True)

    def compact(self) -> None:
        """Make one part of several small ones that follow each other, as often as there are."""
        for parts in self._tables.values():
            while count := worth([part.size for part in parts]):
                old = parts[-count:]
                parts[-count:] = [joined(old, self._new_path())]
                for part in old:
                    self._let_go(part)

    # --- the commit --------------------------------------------------------------------------

    def commit(self, notes: Mapping[str, Any]) -> None:
        """Let readers see it. ``notes`` are for the next one who adds to it."""
        self._tables = self._placed(self._tables, 0)
        self._tails = self._placed(self._tails, sum(map(len, self._tables.values())))
        listed, state = self._listed(), self._tables.get(STATE, [])
        parts = [part for each in (*listed.values(), state) for part in each]
        names = {_named(part): part for part in parts}
        gone = self._old - names.keys()
        now = time.time()
        self._retired |= {name: (now, self._size_of(name)) for name in gone}
        files = {name: part.size for name, part in names.items()} | {LOCK: LOCK_SIZE}
        files |= {retired(name): size for name, (_, size) in self._retired.items()}
        noted = {
            **notes,
            "number": self._number,
            "rows": {_named(part): part.rows for each in listed.values() for part in each},
            "state": {_named(part): part.rows for part in state},
            "tails": [_named(part) for each in self._tails.values() for part in each],
            "retired": self._retired,
        }
        tables = {name: tuple(map(_named, each)) for name, each in listed.items()}
        self._check_place()
        replace_manifest(
            Manifest(self._folder, "parquet", tables, self.rows, dict(sorted(files.items())), noted)
        )
        _sync(self._folder)
        for name in gone:
            self._retire(name)
        self._old = set(names)
        self._number += 1
        self._remove_empty_folders()

    def _placed(self, tables: dict[str, list[Part]], number: int) -> dict[str, list[Part]]:
        """Moves new parts to where the manifest will name them."""
        placed: dict[str, list[Part]] = {}
        for table, parts in tables.items():
            for part in parts:
                number += 1
                if part.name is None:
                    name = f"{table}/part-{self._number}-{number}.parquet"
                    path = self._folder / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    _sync(part.path)
                    part.path.rename(path)
                    part = Part(path, part.rows, part.size, name)
                placed.setdefault(table, []).append(part)
            if table in placed:
                _sync(self._folder / table)
        return placed

    def _check_place(self) -> None:
        """Raises WriteError if the folder is another since it was opened, and not ours to write."""
        if not (self._folder / LOCK).is_file():
            raise WriteError(f"{self._folder} was replaced while it was written to")

    def _size_of(self, name: str) -> int:
        with suppress(OSError):
            return (self._folder / name).stat().st_size
        return 0

    def _retire(self, name: str) -> None:
        (self._folder / RETIRED).mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            (self._folder / name).rename(self._folder / retired(name))


def _named(part: Part) -> str:
    assert part.name is not None
    return part.name


def _sync(path: Path) -> None:
    """Have the system write a file or folder to the disk, where it can."""
    with suppress(OSError):
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
