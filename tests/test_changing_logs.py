"""Logs that change under their reader: what was there before or is now, whole, or told."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli
from event_writing import EventFile
from faulty_storage import Changing

import tbtools
from tbtools.files.groups import GROUP
from tbtools.files.storage import LocalStorage, Source

WRITING = {
    "export": ["export"],
    "recover": ["recover"],
    "rewrite": ["rewrite", "--rename", "y=z"],
    "merge": ["merge", "--into", "run"],
    "in_place": ["rewrite", "--rename", "y=z", "--in-place"],
}


LONG = "long" * 120  # a tag, so that few records are many bytes
COUNT = 10_000


def grow(path: Path, first: int, count: int, tag: str = LONG) -> None:
    file = EventFile()
    for step in range(first, first + count):
        file.scalar(tag, step, step / 8)
    with path.open("ab") as out:
        out.write(file.bytes)


def points(path: Path) -> list[tuple[str, int, float]]:
    rows = tbtools.open(path)["scalars"].to_table().to_pylist()
    return [(row["tag"], row["step"], row["value"]) for row in rows if row["tag"] not in "yz"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of several windows, too large to be read together with others."""
    path = tmp_path_factory.mktemp("whole") / "events.tfevents"
    EventFile(path).version()
    grow(path, 0, COUNT)
    assert path.stat().st_size > GROUP
    return path


@pytest.mark.parametrize("read", [0, 2, 5])
@pytest.mark.parametrize("what", ["cut", "emptied", "grown", "replaced", "removed", "overwritten"])
@pytest.mark.parametrize("name", WRITING)
def test_a_log_that_changes_under_the_reader(
    name: str,
    what: str,
    read: int,
    whole: Path,
    tmp_path: Path,
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logs, out = tmp_path / "logs", tmp_path / "out"
    path = logs / "run" / "events.tfevents"
    path.parent.mkdir(parents=True)
    shutil.copy(whole, path)
    EventFile(logs / "other" / "events.tfevents").version().scalar("y", 1, 1.0)
    old = points(whole.parent)

    def replace() -> None:
        EventFile(tmp_path / "beside").version()
        grow(tmp_path / "beside", 0, 100, "anew")
        (tmp_path / "beside").replace(path)

    size = path.stat().st_size
    happens: dict[str, Callable[[], object]] = {
        "cut": lambda: os.truncate(path, size // 2 + 5),
        "emptied": lambda: os.truncate(path, 0),
        "grown": lambda: grow(path, COUNT, 500),
        "replaced": replace,
        "removed": path.unlink,
        "overwritten": lambda: path.write_bytes(path.read_bytes()[::-1]),
    }
    waiting: list[Callable[[], object]] = [*[lambda: None] * read, happens[what]]
    opened = LocalStorage.open

    def happen() -> None:
        if waiting:
            waiting.pop(0)()

    def open_changing(self: LocalStorage, name: str) -> Source:
        source = opened(self, name)
        return Changing(source, happen) if name == str(path) else source

    target = ["--backup", tmp_path / "backup"] if name == "in_place" else ["-o", out]
    with monkeypatch.context() as patch:
        patch.setattr(LocalStorage, "open", open_changing)
        done = cli(WRITING[name][0], logs, *WRITING[name][1:], *target, code=None)
    now = points(logs)
    if done.returncode in (1, 2):
        (line,) = done.stderr.splitlines()
        assert "written to meanwhile" in line or "changed while it was read" in line
        assert {each.name for each in tmp_path.iterdir()} == {"logs"}
        return
    found = now if name == "in_place" else points(out)
    assert found in (old, now) or done.returncode == 3
    assert len(set(found)) == len(found)
    assert {*found} <= {*old, *now}
    assert list(tmp_path.rglob(".tbtools-*")) == []
    if name != "export":
        cli("verify", logs if name == "in_place" else out)


def test_a_log_that_became_shorter_is_told_by_recover(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was said that fewer than no bytes were left behind."""
    path = tmp_path / "logs" / "events.tfevents"
    EventFile(path).version()
    grow(path, 0, COUNT)
    opened = LocalStorage.open
    monkeypatch.setattr(
        LocalStorage,
        "open",
        lambda self, name: Changing(opened(self, name), lambda: os.truncate(path, 99)),
    )
    said = cli("recover", tmp_path / "logs", "-o", tmp_path / "out", code=None).stderr
    assert "1 file could not be read" in said
    assert "-" not in said


def test_a_failing_disk_is_told_by_recover(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "logs" / "events.tfevents"
    EventFile(path).version()
    grow(path, 0, COUNT)
    reads = []

    def fail() -> None:
        reads.append(None)
        if len(reads) > 1:
            raise OSError(5, "Input/output error")

    opened = LocalStorage.open
    changing = lambda self, name: Changing(opened(self, name), fail)  # noqa: E731
    monkeypatch.setattr(LocalStorage, "open", changing)
    said = cli("recover", tmp_path / "logs", "-o", tmp_path / "out", code=3).stderr
    assert "; 0 bytes of " in said
    assert "1 file could not be read" in said
