"""The file that makes a folder a dataset: what was written, in which layout, and every file of it.

It is written last, so that a folder which has none is no dataset, and it lists all files, so that
whoever replaces a dataset can tell them from those of somebody else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tbtools.errors import UsageError
from tbtools.version import __version__

__all__ = [
    "LOGDIR",
    "MANIFEST",
    "SYNC",
    "Manifest",
    "check_remains",
    "foreign_file",
    "is_exported",
    "read_manifest",
    "replace_manifest",
    "retired",
    "write_manifest",
]

MANIFEST = "manifest.json"

#: The format of a folder of event files that tbtools wrote: it is a logdir, and read as one.
LOGDIR = "tfevents"

#: The folder in a dataset where ``sync`` keeps what it needs to go on.
SYNC = "sync"

LAYOUT = 1  # of datasets; one more whenever a reader of today would misread those of tomorrow


@dataclass(frozen=True)
class Manifest:
    """What was written to a folder. Files are named relative to it, with ``/``."""

    folder: Path
    format: str
    tables: Mapping[str, tuple[str, ...]]  # the files of each
    rows: Mapping[str, int]  # of each
    files: Mapping[str, int]  # all of them but the manifest itself, and their bytes
    sync: Mapping[str, Any] | None = None  # what sync has noted; None if export wrote it

    @property
    def paths(self) -> tuple[str, ...]:
        """The folder, and the folders and files in it that are read."""
        names = dict.fromkeys(name for files in self.tables.values() for name in files)
        folders = dict.fromkeys(str(PurePosixPath(name).parent) for name in names)
        return (str(self.folder), *(str(self.folder / name) for name in [*folders, *names]))

    def check(self) -> None:
        """Raises UsageError if a file of a table is missing or not as large as it was."""
        for name in (name for files in self.tables.values() for name in files):
            self.check_file(name)

    def check_file(self, name: str) -> None:
        """Raises UsageError if this file is missing or not as large as it was."""
        try:
            size = (self.folder / name).stat().st_size
        except OSError as error:
            reason = error.strerror or str(error)
            raise self.broken(f"{name} cannot be read: {reason}") from error
        if size != self.files[name]:
            has = f"{name} has {size:,} bytes, and {self.files[name]:,} were written"
            raise self.broken(has)

    def broken(self, why: str) -> UsageError:
        """The error that says so."""
        return _broken(self.folder, why, "export it again" if self.sync is None else "sync --force")


def retired(name: str) -> str:
    """Where a file is for a while after the manifest names it no more."""
    return f"{SYNC}/retired/{name.replace('/', '_')}"


def _broken(folder: Path, why: str, help: str = "export it again") -> UsageError:
    return UsageError(f"the dataset {str(folder)!r} is damaged: {why} ({help})")


def read_manifest(path: str) -> Manifest | None:
    """The manifest of the dataset at ``path``; None if there is none, or not one of tbtools.

    Raises UsageError for one of tbtools that cannot be understood.
    """
    folder = Path(path)
    try:
        data = (folder / MANIFEST).read_bytes()
    except (OSError, ValueError):
        return None
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        if b'"tbtools"' not in data:
            return None
        raise _broken(folder, f"{MANIFEST} is not JSON, or only a part of it") from None
    if not isinstance(content, dict) or "tbtools" not in content:
        return None
    layout = content.get("layout")
    if isinstance(layout, int) and layout > LAYOUT:
        raise UsageError(
            f"the dataset {path!r} was written by tbtools {content['tbtools']}, in a layout that "
            f"this version, {__version__}, does not know"
        )
    try:
        return _parsed(folder, content)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _broken(folder, f"{MANIFEST} does not say what it should") from None


def check_remains(path: str) -> None:
    """Raises UsageError if there is a dataset at ``path`` that has lost its manifest."""
    folder = Path(path)
    try:
        parts = any(any(folder.glob(f"*/part-*.{ending}")) for ending in ("parquet", "arrow"))
    except (OSError, ValueError):
        return  # what cannot be looked at is none
    if parts:
        has = "is not one of tbtools" if (folder / MANIFEST).exists() else "is missing"
        raise _broken(folder, f"{MANIFEST} {has}")


def is_exported(path: str) -> bool:
    """Whether a dataset that tbtools wrote is at ``path``. Raises as ``read_manifest``."""
    manifest = read_manifest(path)
    return manifest is not None and manifest.format != LOGDIR


def _parsed(folder: Path, content: dict[str, Any]) -> Manifest:
    """Raises ValueError or what Python raises where something is of another type."""
    files = {_inside(name): _count(size) for name, size in content["files"].items()}
    tables = {
        str(name): tuple(_inside(file) for file in entry["files"])
        for name, entry in content["tables"].items()
    }
    unlisted = {name for names in tables.values() for name in names} - files.keys()
    if unlisted or content["layout"] != LAYOUT or not isinstance(content["format"], str):
        raise ValueError(content)
    rows = {str(name): _count(entry["rows"]) for name, entry in content["tables"].items()}
    sync = content.get("sync")
    if not isinstance(sync, dict | None):
        raise TypeError(sync)
    return Manifest(folder, content["format"], tables, rows, files, sync)


def _count(value: object) -> int:
    """A number of rows or bytes; JSON also has infinity, fractions and texts."""
    if type(value) is not int or value < 0:
        raise ValueError(value)
    return value


def _inside(name: str) -> str:
    """A name from a manifest, which nobody has to trust."""
    if name.startswith("/") or ".." in name.split("/") or "\\" in name or "\0" in name:
        raise ValueError(name)
    return name


def write_manifest(
    folder: Path, format: str, rows: Mapping[str, int], files: Mapping[str, Sequence[str]]
) -> None:
    """Make a dataset of what is in ``folder``: tables of so many rows, in these files, if any."""
    tables = {name: tuple(files.get(name, ())) for name in rows}
    found = {name: size or 0 for name, size in sorted(_files(folder))}
    (folder / MANIFEST).write_text(_text(Manifest(folder, format, tables, rows, found)), "utf-8")


def replace_manifest(manifest: Manifest) -> None:
    """Let a dataset be what this manifest says, from one moment to the next."""
    beside = manifest.folder / SYNC / f"{MANIFEST}.partial"
    with beside.open("wb") as file:
        file.write(_text(manifest).encode())
        file.flush()
        os.fsync(file.fileno())
    beside.replace(manifest.folder / MANIFEST)


def _text(manifest: Manifest) -> str:
    tables = {
        name: {"rows": manifest.rows[name], "files": list(manifest.tables[name])}
        for name in manifest.rows
    }
    content = {
        "tbtools": __version__,
        "layout": LAYOUT,
        "format": manifest.format,
        "tables": tables,
        "files": manifest.files,
    }
    if manifest.sync is not None:
        content["sync"] = manifest.sync
    # With an indent Python's own encoder does it, which is slow for what is written so often.
    return json.dumps(content, indent=2 if manifest.sync is None else None) + "\n"


def foreign_file(folder: Path) -> str | None:
    """A file in a folder, however deep, that its manifest does not list, or lists otherwise.

    None if there is none: then nothing is in it but what tbtools wrote. Raises OSError.
    """
    try:
        manifest = read_manifest(str(folder))
    except UsageError:
        manifest = None
    for name, size in _files(folder):
        ours = manifest is not None and (
            size is not None if name == MANIFEST else manifest.files.get(name, -1) == size
        )
        if not ours:
            return name
    return None


def _files(folder: Path) -> Iterator[tuple[str, int | None]]:
    """The files in a folder, however deep, and their bytes: None for what is no regular file."""
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        with os.scandir(folder / prefix) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{prefix}{entry.name}/")
                elif entry.is_file(follow_symlinks=False):
                    yield f"{prefix}{entry.name}", entry.stat(follow_symlinks=False).st_size
                else:
                    yield f"{prefix}{entry.name}", None
