"""sync when things go wrong: killed processes, full disks, logs that change under it, readers."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, Cli
from event_writing import EventFile
from faulty_storage import Changing, disk_of
from syncing import assert_follows, leftovers, tables_of

import tbtools
from tbtools.files.storage import LocalStorage, Source


def grow(logs: Path, first: int, count: int = 2000) -> None:
    """A writer's next points, of a tag of their own so that they need room."""
    path = logs / "run" / "tfevents"
    path.parent.mkdir(parents=True, exist_ok=True)
    file = EventFile()
    for step in range(first, first + count):
        file.scalar(f"x{step % 97}", step, step / 7)
    with path.open("ab") as out:
        out.write(file.bytes)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A logdir with one run."""
    EventFile(tmp_path / "logs" / "run" / "tfevents").version()
    grow(tmp_path / "logs", 0)
    return tmp_path / "logs"


def test_killed_at_any_instant_the_next_call_makes_it_good() -> None:
    """A few; the script kills as often as one likes."""
    script = ROOT / "tests" / "kill_sync.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), "8", "3"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-1000:]
    assert "made good" in done.stdout


def test_ctrl_c_is_quiet_and_leaves_nothing(logs: Path, tmp_path: Path) -> None:
    import signal

    words = ["sync", logs, "-o", tmp_path / "dataset", "--watch", "--interval", "0.01"]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tbtools", *map(str, words)], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert "scalars +2,000" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    tbtools.sync(logs, tmp_path / "dataset")
    assert leftovers(tmp_path / "dataset") == []


# --- full disks ----------------------------------------------------------------------------------


def small_files() -> None:
    """No file may grow over 2 KB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))


def test_a_refused_file_leaves_the_dataset_as_it_was(logs: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    words = [sys.executable, "-P", "-m", "tbtools", "sync", str(logs), "-o", str(dataset)]

    def refused() -> None:
        done = subprocess.run(
            words, preexec_fn=small_files, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"tbtools: cannot write {dataset}: File too large")

    refused()
    assert not dataset.exists()
    tbtools.sync(logs, dataset)
    before = tables_of(tbtools.open(dataset))
    grow(logs, 2000)
    refused()
    assert tables_of(tbtools.open(dataset)) == before
    assert leftovers(dataset) == []
    tbtools.sync(logs, dataset)
    assert_follows(dataset, logs)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    yield from disk_of(1, tmp_path / "disk")


def test_a_disk_may_be_full_at_any_point(logs: Path, small_disk: Path) -> None:
    dataset = small_disk / "dataset"
    tbtools.sync(logs, dataset)
    filler = small_disk / "filler"
    ends, said = set(), []
    for room in range(0, 160, 12):
        grow(logs, 2000 * (room + 1), 500)
        before = tables_of(tbtools.open(dataset))
        filler.write_bytes(b"")
        free = os.statvfs(small_disk)
        filler.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - (room << 10))))
        try:
            tbtools.sync(logs, dataset)
            ends.add("done")
        except tbtools.WriteError as error:
            ends.add("refused")
            said.append(str(error))
            assert tables_of(tbtools.open(dataset)) == before
        filler.unlink()
        tbtools.sync(logs, dataset)
        assert_follows(dataset, logs)
        assert leftovers(dataset) == []
    assert ends == {"done", "refused"}
    assert all("No space left" in each for each in said)


# --- logs that change while they are read --------------------------------------------------------


@pytest.mark.parametrize("reads", [1, 3, 4])  # two of them look whether it goes on
@pytest.mark.parametrize("what", ["cut", "emptied", "grown", "replaced", "removed", "overwritten"])
def test_a_log_that_changes_under_the_reader(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, reads: int
) -> None:
    path, dataset = logs / "run" / "tfevents", tmp_path / "dataset"
    tbtools.sync(logs, dataset)
    for step in range(2000, 40_000, 2000):
        grow(logs, step)  # more than a window
    EventFile(logs / "other" / "tfevents").version().scalar("y", 1, 1.0)

    def replace() -> None:
        EventFile(logs / "beside").version().scalar("anew", 1, 1.0)
        (logs / "beside").replace(path)

    happens = {
        "cut": lambda: os.truncate(path, path.stat().st_size // 2),
        "emptied": lambda: os.truncate(path, 0),
        "grown": lambda: grow(logs, 50_000),
        "replaced": replace,
        "removed": path.unlink,
        "overwritten": lambda: path.write_bytes(path.read_bytes()[::-1]),
    }
    opened = LocalStorage.open
    waiting = [happens[what], *[lambda: None] * (reads - 1)]

    def happen() -> None:
        if waiting:
            waiting.pop()()

    def open_changing(self: LocalStorage, name: str) -> Source:
        source = opened(self, name)
        return Changing(source, happen) if name == str(path) else source

    monkeypatch.setattr(LocalStorage, "open", open_changing)
    tbtools.sync(logs, dataset, threads=1)
    monkeypatch.setattr(LocalStorage, "open", opened)
    assert not waiting
    tbtools.sync(logs, dataset)
    assert_follows(dataset, logs)
    assert leftovers(dataset) == []


def test_a_new_log_that_changes_after_it_was_listed(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    EventFile(logs / "other" / "tfevents").version().scalar("y", 1, 1.0)
    path, dataset = logs / "run" / "tfevents", tmp_path / "dataset"
    read_many = LocalStorage.read_many

    def read_changed(self: LocalStorage, files: list[tuple[str, int]], buffer: bytearray) -> object:
        os.truncate(path, 1000)
        return read_many(self, files, buffer)

    monkeypatch.setattr(LocalStorage, "read_many", read_changed)
    tbtools.sync(logs, dataset)
    monkeypatch.setattr(LocalStorage, "read_many", read_many)
    tbtools.sync(logs, dataset)
    assert_follows(dataset, logs)


def test_readers_always_see_one_version(logs: Path, tmp_path: Path) -> None:
    """While another thread syncs: the rows of `scalars` are those that `tags` counts."""
    dataset = tmp_path / "dataset"
    tbtools.sync(logs, dataset)
    is_over = threading.Event()
    failures: list[BaseException] = []
    seen: set[int] = set()

    def read() -> None:
        try:
            while not is_over.is_set():
                opened = tbtools.open(dataset)
                rows = opened.scalars.count_rows()
                assert rows == sum(opened["tags"].to_table()["points"].to_pylist())
                assert rows == opened["runs"].to_table()["points"].to_pylist()[0]
                seen.add(rows)
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for number in range(1, 40):
            grow(logs, 2000 * number, 50)
            if number == 20:
                os.truncate(logs / "run" / "tfevents", 20_000)
            tbtools.sync(logs, dataset)
    finally:
        is_over.set()
        for reader in readers:
            reader.join()
    if failures:
        raise failures[0]
    assert len(seen) > 1


def test_an_export_of_a_dataset_that_is_synced_is_one_version(logs: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    tbtools.sync(logs, dataset)
    opened = tbtools.open(dataset)
    for number in range(1, 12):  # parts are put together meanwhile
        grow(logs, 2000 * number, 50)
        tbtools.sync(logs, dataset)
    done = tbtools.export(opened, tmp_path / "exported")
    assert done.rows["scalars"] == 2000
    assert tbtools.open(tmp_path / "exported").scalars.count_rows() == 2000


# --- the command ---------------------------------------------------------------------------------


def test_the_command_says_what_it_did(cli: Cli, logs: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    size = (logs / "run" / "tfevents").stat().st_size
    done = cli("sync", logs, "-o", dataset)
    assert done.stderr == f"scalars +2,000 ({size:,} bytes of 1 file)\n"
    assert cli("sync", logs, "-o", dataset).stderr == "nothing new\n"
    os.truncate(logs / "run" / "tfevents", 10_000)
    lines = cli("sync", logs, "-o", dataset).stderr.splitlines()
    assert lines[0].startswith("run is read anew: tfevents: it is shorter than it was")
    data = bytearray((logs / "run" / "tfevents").read_bytes())
    data[5000] ^= 1
    (logs / "run" / "tfevents").write_bytes(data)
    assert "1 damaged record" in cli("sync", logs, "-o", dataset, code=3).stderr
    assert cli("query", "SELECT count(*) > 9 AS ok FROM scalars", dataset).stdout == "ok\ntrue\n"
    cli("sync", logs, code=2)
    cli("sync", logs, "-o", dataset, "--interval", "-1", code=2)
    cli("sync", logs / "none", "-o", tmp_path / "other", code=4)


def test_watching_waits_for_logs(tmp_path: Path) -> None:
    logs, dataset = tmp_path / "logs", tmp_path / "dataset"
    logs.mkdir()
    words = ["sync", logs, "-o", dataset, "--watch", "--interval", "0.01"]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tbtools", *map(str, words)], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert "waiting: no event file" in process.stderr.readline()
    EventFile(logs / "tfevents").version().scalar("x", 1, 1.0)
    assert "scalars +1" in process.stderr.readline()
    process.kill()  # which is no obstacle
    process.communicate()
    tbtools.sync(logs, dataset)
    assert_follows(dataset, logs)
