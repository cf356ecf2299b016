"""Rewriting in place: first a backup of every event file, then one new file after the other."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tbtools.errors import UsageError
from tbtools.files.discovery import EventFile
from tbtools.output.targets import check_target, staged, writing
from tbtools.runs.reading import RunReader
from tbtools.tables.logs import TableSet

__all__ = ["in_place"]


@contextmanager
def in_place(logs: TableSet, backup: Path) -> Iterator[Path]:
    """A folder for new event files, by run, which take the place of those of the logdir.

    All old ones are in ``backup`` before the first is replaced. Should this be killed, the logdir
    holds old files and new ones, each whole, and the backup all old ones.

    Raises UsageError or one of its kind if the backup may not be made there, a file is a link, or
    was written to meanwhile, and WriteError for what the system refuses.
    """
    readers = logs.readers()
    for file in (file for reader in readers for file in reader.run.files):
        if Path(file.path).is_symlink():
            raise UsageError(f"{file.path} is a link, which is not changed in place; give --output")
    check_target(backup, logs.inputs, False, folder=True)
    with writing(str(backup)):
        backup.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".tbtools-", suffix=".partial", dir=backup.parent))
    try:
        new = beside / "new"
        yield new
        with staged(backup, logs.inputs, folder=True) as folder:
            for reader in readers:
                for file in reader.run.files:
                    _check_same(file)
                    _keep(Path(file.path), folder / reader.run.name / file.name)
        for reader in readers:
            with writing(reader.run.path):
                _replace(reader, new / reader.run.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _check_same(file: EventFile) -> None:
    entry = file.storage.entry(file.path)
    if entry is None or entry.size != file.size:
        raise UsageError(f"{file.path} was written to meanwhile; rewrite it when that has ended")


def _keep(path: Path, backup: Path) -> None:
    backup.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, backup)
    except OSError:  # another file system, or one without links
        shutil.copy2(path, backup)


def _replace(reader: RunReader, new: Path) -> None:
    old = [Path(file.path) for file in reader.run.files]
    folder = old[0].parent
    names = sorted(path.name for path in new.iterdir()) if new.is_dir() else []
    for name in names:
        try:
            (new / name).replace(folder / name)
        except OSError:
            beside = folder / f".tbtools-{os.getpid()}.partial"
            try:
                shutil.copyfile(new / name, beside)
                beside.replace(folder / name)
            finally:
                with suppress(OSError):
                    beside.unlink()
    for path in old:
        if path.name not in names:
            path.unlink()
