"""What is kept for TensorBoard of logs that grow, restart, are replaced, and are damaged."""

from __future__ import annotations

import gzip
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
from event_writing import EventFile, bytes_field, double_field, tensor
from purging_oracle import NOT_KEPT, Run, kept, random_run, write

from tbtools.files import scans
from tbtools.verbs.tensorboard.store import Logdir, Store

pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")

NAME = "events.out.tfevents.1"

Kept = list[tuple[str, int, float]]


def stored(logdir: Path, purges: bool = True) -> tuple[Store, list[str]]:
    """A store that has not read yet, and what it says."""
    store = Store([Logdir(str(logdir))], purges)
    store.shared.may_migrate.set()
    said: list[str] = []
    store.notes.tell(said.append)
    return store, said


def values_of(store: Store, run: str = ".") -> Kept:
    """Tag, step and wall_time of all that is kept of a run."""
    return sorted(
        (name, int(step), float(time))
        for name, tag in store.runs[run].values.tags.items()
        for step, time in zip(
            tag.snapshot().all()[0],
            tag.snapshot().all()[1].copy().view(np.float64),
            strict=True,
        )
    )


def expected_of(run: Run) -> Kept:
    return sorted(value[:3] for value in kept(run) if value.member not in NOT_KEPT)


def of_summaries(found: Kept, run: Run) -> Kept:
    """Without what TensorBoard makes of graphs and run metadata."""
    times = {event.wall_time for file in run for event in file if event.values}
    return [value for value in found if value[2] in times]


@pytest.fixture
def small_windows() -> Iterator[None]:
    before, scans.WINDOW = scans.WINDOW, 300
    yield
    scans.WINDOW = before


#: Members that may follow each other in a tag: TensorBoard keeps a text among numbers, but fails to
#: show any of them then.
TOGETHER = [
    ("simple_value", "scalar", "metadata", "nothing", "obsolete"),
    *[(member, "metadata", "nothing") for member in ("histo", "image", "audio", "text", "bare")],
]


@pytest.mark.parametrize("members", TOGETHER, ids=lambda members: members[0])
def test_restarts_drop_what_tensorboard_drops(members: tuple[str, ...], tmp_path: Path) -> None:
    random = Random(1)
    runs = [random_run(random, members) for _ in range(100)]
    for number, run in enumerate(runs):
        write(run, tmp_path / f"{number:03}")
    store, _ = stored(tmp_path)
    store.reload()
    for number, run in enumerate(runs):
        assert of_summaries(values_of(store, f"{number:03}"), run) == expected_of(run)


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("seed", range(3))
def test_a_log_that_grows_is_what_it_is_when_it_is_read_once(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    runs = [random_run(random, random.choice(TOGETHER)) for _ in range(40)]
    whole = tmp_path / "whole"
    for number, run in enumerate(runs):
        write(run, whole / f"{number:03}")
    once, _ = stored(whole)
    once.reload()
    logdir = tmp_path / "grows"
    logdir.mkdir()
    store, _ = stored(logdir)
    files = sorted(path for path in whole.rglob("*") if path.is_file())
    # The files of a run begin one after the other, each torn at any byte on the way.
    while files:
        path = next(
            each for each in random.sample(files, len(files)) if each == min(_of_run(files, each))
        )
        target = logdir / path.relative_to(whole)
        target.parent.mkdir(exist_ok=True)
        data = path.read_bytes()
        done = target.stat().st_size if target.exists() else 0
        end = random.choice([len(data), random.randint(done, len(data))])
        with target.open("ab") as file:
            file.write(data[done:end])
        if end == len(data):
            files.remove(path)
        if random.random() < 0.7:
            store.reload()
    store.reload()
    assert not store.reload()
    assert store.runs.keys() == once.runs.keys()
    for number, run in enumerate(runs):
        name = f"{number:03}"
        assert values_of(store, name) == values_of(once, name)
        assert of_summaries(values_of(store, name), run) == expected_of(run)
        assert repr(store.runs[name].values.first_time) == repr(once.runs[name].values.first_time)


def _of_run(files: list[Path], path: Path) -> list[Path]:
    return [each for each in files if each.parent == path.parent]


def test_points_runs_and_files_appear_and_vanish(tmp_path: Path) -> None:
    store, said = stored(tmp_path / "later")
    assert not store.reload()
    a = tmp_path / "later" / "a" / NAME
    a.parent.mkdir(parents=True)
    file = EventFile().version().scalar("x", 1, 0.5)
    a.write_bytes(file.bytes)
    assert store.reload()
    assert [step for _, step, _ in values_of(store, "a")] == [1]
    file.scalar("x", 2, 0.25).scalar("y", 2, 1)
    a.write_bytes(file.bytes)
    b = tmp_path / "later" / "b" / NAME
    b.parent.mkdir()
    b.write_bytes(EventFile().version().bytes)
    assert store.reload()
    assert not store.reload()
    assert [(tag, step) for tag, step, _ in values_of(store, "a")] == [("x", 1), ("x", 2), ("y", 2)]
    assert values_of(store, "b") == []
    shutil.rmtree(a.parent)
    assert store.reload()
    assert [*store.runs] == ["b"]
    assert said == []


def test_profile_empty_makes_a_run_but_is_not_read(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.profile-empty").write_bytes(EventFile().version().scalar("x", 1, 1).bytes)
    store, _ = stored(tmp_path)
    store.reload()
    assert values_of(store) == []
    assert store.runs["."].values.first_time is None


@pytest.mark.parametrize("how", ["shorter", "replaced", "same size", "removed"])
def test_a_file_that_is_another_makes_its_run_anew(how: str, tmp_path: Path) -> None:
    first, second = tmp_path / f"{NAME}0", tmp_path / f"{NAME}1"
    first.write_bytes(EventFile().version().scalar("x", 1, 1).scalar("x", 2, 1).bytes)
    second.write_bytes(EventFile().version().scalar("x", 3, 1).bytes)
    store, said = stored(tmp_path)
    store.reload()
    assert [step for _, step, _ in values_of(store)] == [1, 2, 3]
    other = EventFile().version().scalar("x", 7, 1)
    if how == "removed":
        first.unlink()
    elif how == "shorter":
        first.write_bytes(other.bytes)
    else:
        other.scalar("x", 8, 1)
        if how == "replaced":
            other.scalar("x", 9, 1)
        new = tmp_path / "new"
        new.write_bytes(other.bytes)
        os.utime(new, (1, 1))
        new.replace(first)
    assert store.reload()
    left = {"removed": [], "shorter": [7], "same size": [7, 8], "replaced": [7, 8, 9]}[how]
    assert [step for _, step, _ in values_of(store)] == sorted([*left, 3])
    assert len(said) == 1
    assert str(first) in said[0]
    assert not store.reload()


def test_damage_costs_a_record_and_is_told_once(tmp_path: Path) -> None:
    file = EventFile().version()
    for step in range(50):
        file.scalar("x", step, step)
    middle = len(file) // 2
    (tmp_path / NAME).write_bytes(file.flip(middle).bytes)
    store, said = stored(tmp_path)
    store.reload()
    assert len(values_of(store)) == 49
    assert len(said) == 1
    assert "wrong data CRC at offset" in said[0]
    assert NAME in said[0]
    with (tmp_path / NAME).open("ab") as grows:
        grows.write(EventFile().scalar("x", 50, 1).bytes)
    store.reload()
    assert len(values_of(store)) == 50
    assert len(said) == 1


def test_a_compressed_copy_is_read(tmp_path: Path) -> None:
    file = EventFile().version().scalar("x", 1, 1).scalar("x", 2, 1)
    (tmp_path / NAME).write_bytes(gzip.compress(file.bytes))
    store, _ = stored(tmp_path)
    store.reload()
    assert [step for _, step, _ in values_of(store)] == [1, 2]


def histogram(*sides: float) -> bytes:
    return tensor("float64", list(sides), (len(sides) // 3, 3))


def test_what_a_value_holds_ends_nothing_and_is_counted(tmp_path: Path) -> None:
    legacy = b"".join(double_field(number, 1.0) for number in range(1, 6))
    broken = legacy + bytes_field(6, bytes(8)) + bytes_field(7, bytes(24))  # more buckets
    file = EventFile().version()
    for number in range(30):
        file.value(f"h{number}", 1, "histo", broken)
    strings = tensor("string", [b"no number"], ())
    file.value("s", 1, "tensor", strings, plugin="scalars").value("s", 2, "tensor", strings)
    file.tensor_scalar("s", 3, 0.5)
    file.scalar("x", 1, 1.0)
    (tmp_path / NAME).write_bytes(file.bytes)
    store, said = stored(tmp_path)
    store.reload()
    found = values_of(store)
    assert ("x", 1) in [value[:2] for value in found]
    assert ("s", 3) in [value[:2] for value in found]
    assert ("s", 1) not in [value[:2] for value in found]
    assert store.notes.odd_values == 2
    assert len(said) == 2  # the tag, and the number
    assert said[-1].startswith("2 values cannot be shown")


def test_a_tag_may_change_what_it_is(tmp_path: Path) -> None:
    file = EventFile().version()
    file.scalar("x", 1, 1.0)
    file.value("x", 2, "tensor", histogram(0, 1, 2), plugin="histograms")
    file.scalar("x", 3, 1.0)
    file.value("h", 1, "tensor", histogram(0, 1, 2), plugin="histograms")
    file.scalar("h", 2, 1.0)
    (tmp_path / NAME).write_bytes(file.bytes)
    store, _ = stored(tmp_path)
    store.reload()
    tags = store.runs["."].values.tags
    assert [step for tag, step, _ in values_of(store) if tag == "x"] == [1, 3]
    assert [step for tag, step, _ in values_of(store) if tag == "h"] == [1, 2]
    assert (tags["x"].plugin, tags["h"].plugin) == ("scalars", "histograms")


def test_who_asks_while_it_is_read_sees_whole_rows(tmp_path: Path) -> None:
    file = EventFile().version()
    for step in range(20_000):
        file.scalar("x", step, step)
    (tmp_path / NAME).write_bytes(file.bytes)
    store, _ = stored(tmp_path)
    reading = threading.Thread(target=store.reload)
    reading.start()
    seen = 0
    while reading.is_alive() or seen < 20_000:
        run = store.runs.get(".")
        with store.lock:
            tag = run.values.tags.get("x") if run is not None else None
            rows = tag.snapshot() if tag is not None else None
        if rows is not None:
            assert np.array_equal(rows.all()[0], np.arange(rows.rows))
            assert rows.rows >= seen
            seen = rows.rows
    reading.join()


def test_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(EventFile().version().scalar("x", 1, 1.0).bytes)
    before = (path.stat().st_mtime_ns, path.read_bytes(), sorted(tmp_path.iterdir()))
    store, _ = stored(tmp_path)
    store.reload()
    store.reload()
    assert (path.stat().st_mtime_ns, path.read_bytes(), sorted(tmp_path.iterdir())) == before
