"""tail and follow: the last rows, and new ones as they are written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import Cli
from event_writing import EventFile, summary_metadata, tensor
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import damaged_files
from test_terminal import Screen

import tbtools
from tbtools.schema import plain

SOON = 0.001  # seconds between two looks of a test


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Runs a and b, with five points of two tags each."""
    for run in ("a", "b"):
        file = EventFile(tmp_path / "logs" / run / "events.tfevents").version()
        for step in range(5):
            file.scalar("loss", step, step / 2).scalar("lr", step, 0.5)
    return tmp_path / "logs"


def append(path: Path, file: EventFile) -> None:
    """What a writer does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as out:
        out.write(file.bytes)


def rows_of(batches: Iterator[pa.RecordBatch]) -> list[tuple[object, ...]]:
    """Run, tag and step of rows."""
    found = []
    for batch in batches:
        rows = plain(pa.Table.from_batches([batch])).to_pylist()
        found += [(row["run"], row["tag"], row["step"]) for row in rows]
    return found


def followed(
    logs: Path, *happens: Callable[[], object], table: str = "scalars", **options: object
) -> tuple[list[tuple[object, ...]], list[str]]:
    """The rows that come while one thing after the other happens to a log, a look after each."""
    waiting = list(happens)
    notes: list[str] = []

    def stop() -> bool:
        if not waiting:
            return done.pop() if done else True
        waiting.pop(0)()
        return False

    done = [False]  # one more look after the last
    opening = {key: options.pop(key) for key in ("run", "tag", "steps") if key in options}
    batches = tbtools.open(logs, **opening).follow(
        table, interval=0, stop=stop, on_note=notes.append, **options
    )
    return rows_of(batches), notes


# --- tail ----------------------------------------------------------------------------------------


def test_the_last_points_of_each_tag(logs: Path) -> None:
    table = tbtools.tail(logs, rows=2, tag="loss")
    assert rows_of(iter(table.to_batches())) == [
        ("a", "loss", 3), ("a", "loss", 4), ("b", "loss", 3), ("b", "loss", 4),
    ]  # fmt: skip
    assert tbtools.open(logs).tail(rows=1).num_rows == 4
    assert tbtools.tail(logs, rows=99).num_rows == 20


def test_last_is_what_was_written_last(tmp_path: Path) -> None:
    EventFile(tmp_path / "tfevents").version().scalar("x", 9, 1.0).scalar("x", 2, 1.0)
    assert rows_of(iter(tbtools.tail(tmp_path, rows=1).to_batches())) == [(".", "x", 2)]


def test_many_rows_are_thinned_on_the_way(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tbtools.verbs import tail

    expected = tbtools.tail(logs, rows=2)
    monkeypatch.setattr(tail, "MOST_KEPT", 3)
    assert plain(tbtools.tail(logs, rows=2)).equals(plain(expected))


def test_tables_of_datasets_have_ends_too(logs: Path, tmp_path: Path) -> None:
    tbtools.export(logs, tmp_path / "dataset")
    assert tbtools.tail(tmp_path / "dataset", rows=1).num_rows == 4
    assert tbtools.tail(logs, "tags", rows=1).num_rows == 4


def test_mistakes_are_told(logs: Path, tmp_path: Path) -> None:
    with pytest.raises(tbtools.UsageError, match="1 or more"):
        tbtools.tail(logs, rows=0)
    with pytest.raises(tbtools.UnknownTableError):
        tbtools.tail(logs, "scalar")
    opened = tbtools.open(logs)
    for name in ("tags", "stats", "embeddings"):
        with pytest.raises(tbtools.UsageError, match="follow"):
            opened.follow(name)
    with pytest.raises(tbtools.UsageError, match="below zero"):
        opened.follow(rows=-1)
    with pytest.raises(tbtools.UsageError, match="keep"):
        tbtools.open(logs, restarts="latest").follow()
    tbtools.export(logs, tmp_path / "dataset")
    with pytest.raises(tbtools.UsageError, match="is a dataset"):
        tbtools.open(tmp_path / "dataset").follow()


# --- follow --------------------------------------------------------------------------------------


def test_new_rows_come_once(logs: Path) -> None:
    path = logs / "a" / "events.tfevents"
    rows, notes = followed(
        logs,
        lambda: append(path, EventFile().scalar("loss", 5, 1.0)),
        lambda: None,
        lambda: append(path, EventFile().scalar("loss", 6, 1.0).scalar("loss", 7, 1.0)),
    )
    assert rows == [("a", "loss", 5), ("a", "loss", 6), ("a", "loss", 7)]
    assert notes == []


def test_rows_that_are_there_may_come_first(logs: Path) -> None:
    path = logs / "a" / "events.tfevents"
    more = lambda: append(path, EventFile().scalar("loss", 5, 1.0))  # noqa: E731
    rows, _ = followed(logs, more, rows=1, tag="loss")
    assert rows == [("a", "loss", 4), ("b", "loss", 4), ("a", "loss", 5)]
    rows, _ = followed(logs, more, rows=None)
    assert len(rows) == 22


def test_new_files_and_runs_are_found(logs: Path) -> None:
    rows, _ = followed(
        logs,
        lambda: append(logs / "a" / "later.tfevents", EventFile().version().scalar("x", 1, 1.0)),
        lambda: append(logs / "c" / "d" / "tfevents", EventFile().version().scalar("x", 2, 1.0)),
    )
    assert rows == [("a", "x", 1), ("c/d", "x", 2)]


def test_only_what_was_chosen_comes(logs: Path) -> None:
    more = EventFile().scalar("loss", 5, 1.0).scalar("lr", 5, 1.0).scalar("lr", 9, 1.0)
    happens = [
        lambda: append(logs / "a" / "events.tfevents", more),
        lambda: append(logs / "b" / "events.tfevents", more),
        lambda: append(logs / "c" / "events.tfevents", more),
    ]
    rows, _ = followed(logs, *happens, run=["a", "c"], tag="lr", steps=":9")
    assert rows == [("a", "lr", 5), ("c", "lr", 5)]


def test_half_a_record_is_waited_for(logs: Path) -> None:
    path = logs / "a" / "events.tfevents"
    record = EventFile().scalar("loss", 5, 1.0).bytes
    happens = [
        lambda at=at: append(path, EventFile().junk(record[at : at + 1]))
        for at in range(len(record))
    ]
    rows, notes = followed(logs, *happens)
    assert (rows, notes) == ([("a", "loss", 5)], [])


def test_a_file_that_is_replaced_begins_anew(logs: Path) -> None:
    path = logs / "a" / "events.tfevents"

    def replace() -> None:
        EventFile(logs / "beside").version().scalar("other", 1, 1.0)
        (logs / "beside").replace(path)

    def write_anew() -> None:
        file = EventFile().version()
        for step in range(30):
            file.scalar("third", step, 1.0)
        path.write_bytes(file.bytes)

    rows, notes = followed(logs, replace, lambda: os.truncate(path, 0), write_anew)
    assert rows == [("a", "other", 1), *(("a", "third", step) for step in range(30))]
    assert len(notes) == 2
    assert all("its rows begin anew" in each for each in notes)


def test_a_copy_that_grew_goes_on(logs: Path) -> None:
    path = logs / "a" / "events.tfevents"

    def copy() -> None:
        (logs / "beside").write_bytes(path.read_bytes() + EventFile().scalar("x", 9, 1.0).bytes)
        (logs / "beside").replace(path)

    assert followed(logs, copy) == ([("a", "x", 9)], [])


def test_what_is_passed_over_is_no_reason_to_begin_anew(logs: Path) -> None:
    """Large records of other tables are not read, so that there is no sum of all bytes."""
    path = logs / "a" / "events.tfevents"
    large = EventFile().value("blob", 1, "tensor", tensor("string", [bytes(3 << 20)]))
    append(path, large)
    more = EventFile().scalar("loss", 5, 1.0)
    rows, notes = followed(
        logs, lambda: append(path, more), lambda: append(path, large), lambda: append(path, more)
    )
    assert (rows, notes) == ([("a", "loss", 5)] * 2, [])


def test_without_a_hearer_it_is_a_warning(logs: Path) -> None:
    path = logs / "a" / "events.tfevents"
    looks = iter([lambda: os.truncate(path, 0), lambda: None])

    def stop() -> bool:
        look = next(looks, None)
        if look is not None:
            look()
        return look is None

    with pytest.warns(RuntimeWarning, match="shorter"):
        assert list(tbtools.open(logs).follow(interval=0, stop=stop)) == []


def test_metadata_of_the_run_counts(logs: Path) -> None:
    number = tensor("float32", [0.5], [])
    metadata = summary_metadata("scalars")
    first = EventFile().version().value("x", 1, "tensor", number, metadata=metadata)
    second = EventFile().version().value("x", 2, "tensor", number)
    rows, _ = followed(
        logs,
        lambda: append(logs / "c" / "1.tfevents", first),
        lambda: append(logs / "c" / "2.tfevents", second),
        lambda: append(logs / "c" / "1.tfevents", second),
    )
    assert rows == [("c", "x", 1), ("c", "x", 2), ("c", "x", 2)]


def test_it_ends_when_nothing_comes(logs: Path) -> None:
    assert list(tbtools.open(logs).follow(interval=SOON, idle=SOON)) == []


def test_a_logdir_may_vanish_for_a_while(logs: Path) -> None:
    away = logs.with_name("away")
    path = logs / "a" / "events.tfevents"
    rows, notes = followed(
        logs,
        lambda: logs.rename(away),
        lambda: away.rename(logs),
        lambda: append(path, EventFile().scalar("loss", 5, 1.0)),
    )
    assert (rows, notes) == ([("a", "loss", 5)], [])


@settings(max_examples=40)
@given(file=damaged_files(), cuts=st.lists(st.floats(0, 1), max_size=5))
def test_what_follows_is_what_is_read_at_once(
    file: EventFile, cuts: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    logs = tmp_path_factory.mktemp("logs")
    whole = file.bytes
    path = logs / "tfevents"
    path.touch()
    sizes = [*sorted(round(cut * len(whole)) for cut in cuts), len(whole)]

    def grown(size: int) -> None:
        with path.open("ab") as out:
            out.write(whole[path.stat().st_size : size])

    happens = [lambda size=size: grown(size) for size in sizes]
    # What follows it shows that what stands at its end is not half written.
    rest = EventFile().scalar("end", 1, 1.0).scalar("end", 2, 1.0)
    rows, notes = followed(logs, *happens, lambda: append(path, rest))
    expected = rows_of(iter(tbtools.open(logs).scalars.to_table().to_batches()))
    assert notes == []
    if ("end", 1) in {row[1:] for row in rows}:
        assert rows == expected
    else:  # a record that claims more than there is
        assert rows == expected[: len(rows)]


# --- the command line ----------------------------------------------------------------------------


def test_the_command_prints_rows(cli: Cli, logs: Path) -> None:
    lines = cli("tail", logs, "-n", 1, "--tag", "loss").stdout.splitlines()
    assert lines[0] == "run,tag,step,wall_time,value"
    assert [line.split(",")[:3] for line in lines[1:]] == [["a", "loss", "4"], ["b", "loss", "4"]]
    cli("tail", logs, "-n", 0, code=2)
    cli("tail", logs, "-f", "--format", "parquet", code=2)
    cli("tail", logs, "-f", "--interval", "-1", code=2)


def start(logs: Path, *arguments: object) -> subprocess.Popen[str]:
    """``tbtools tail -f`` as a process."""
    words = [sys.executable, "-P", "-m", "tbtools", "tail", logs, "-f", "--interval", "0.01"]
    return subprocess.Popen(
        [*map(str, words), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl", "table"])
def test_rows_are_printed_when_they_come(logs: Path, format: str) -> None:
    process = start(logs, "-n", 1, "--tag", "loss", "--format", format)
    assert process.stdout is not None
    header = {"csv": 1, "tsv": 1, "jsonl": 0, "table": 2}[format]
    first = [process.stdout.readline() for _ in range(header + 2)]
    assert "4" in first[-1]
    append(logs / "a" / "events.tfevents", EventFile().scalar("loss", 12345, 1.0))
    assert "12345" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest, errors) == (130, "", "")


def test_logs_are_waited_for(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    process = start(tmp_path / "logs", "-n", 1)
    assert process.stdout is not None
    assert process.stderr is not None
    assert "waiting: no event file" in process.stderr.readline()
    append(tmp_path / "logs" / "tfevents", EventFile().version().scalar("x", 12345, 1.0))
    process.stdout.readline()
    assert "12345" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    process = start(tmp_path / "nowhere")
    process.communicate(timeout=60)
    assert process.returncode == 4


def test_a_closed_pipe_ends_it_though_nothing_comes(logs: Path) -> None:
    process = start(logs, "-n", 1)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


def test_a_writer_and_a_follower_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "run" / "tfevents"
    append(path, EventFile().version())
    count = 500

    def write() -> None:
        data = b"".join(EventFile().scalar("x", step, 1.0).bytes for step in range(count))
        with path.open("ab", buffering=0) as out:
            for at in range(0, len(data), 777):
                out.write(data[at : at + 777])
                time.sleep(SOON / 10)

    writer = threading.Thread(target=write)
    writer.start()
    rows: list[tuple[object, ...]] = []
    for batch in tbtools.open(path.parent.parent).follow(rows=None, interval=SOON, idle=60):
        rows += rows_of(iter([batch]))
        if len(rows) >= count:
            break
    writer.join()
    assert rows == [("run", "x", step) for step in range(count)]


@pytest.mark.parametrize("follows", [False, True])
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_terminal_shows_what_fits(tmp_path: Path, columns: int, follows: bool) -> None:
    for run in ("experiments/baseline/seed-1", "experiments/a-long-name\x1b[2J/seed-2"):
        file = EventFile(tmp_path / run / "tfevents").version()
        file.scalar("validation/accuracy/top-5\u202e", 123456, 0.25).scalar("loss", 7, 1e-7)
    # Nobody reads any more, so it ends with what is there.
    module = "sys.modules['tbtools.cli.tail']"
    before = f"import tbtools.cli; {module}.is_closed = lambda _: True"
    arguments = ["tail", tmp_path, *(["-f", "-n", "1"] if follows else [])]
    screen = Screen(*arguments, columns=columns, before=before)
    assert screen.code == 0
    screen.fits()
    text = "\n".join(screen.lines)
    assert "123456" in text
    assert "1e-07" in text
    assert "\x1b[2J" not in screen.raw
    assert "\u202e" not in screen.raw
