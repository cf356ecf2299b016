"""sync: a dataset that follows a logdir, whatever happens to either."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import duckdb
import purging_oracle
import pyarrow as pa
import pytest
from conftest import DATA
from event_writing import EventFile, summary_metadata, tensor
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import damaged_files
from syncing import assert_follows, leftovers

import tbtools
from tbtools.files.discovery import list_runs
from tbtools.files.storage import LOCAL, LocalStorage
from tbtools.output import growing, parts
from tbtools.runs.catalog import files_batch, runs_batch, tags_batch
from tbtools.runs.growing import read_new
from tbtools.runs.reading import RunReader
from tbtools.runs.states import packed, unpacked
from tbtools.tables.manifest import read_manifest
from tbtools.verbs.sync.verb import SELECTION


class Here:
    """A logdir, and the dataset that follows it."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder / "logs"
        self.dataset = folder / "dataset"

    def file(self, run: str, name: str = "events.tfevents") -> EventFile:
        """A new file of a run."""
        return EventFile(self.logs / run / name).version()

    def sync(self, **options: object) -> tbtools.verbs.sync.Synced:
        """Sync, and see that the dataset is what a fresh reading gives."""
        done = tbtools.sync(self.logs, self.dataset, **options)
        assert_follows(self.dataset, self.logs)
        assert leftovers(self.dataset) == []
        return done

    def steps(self) -> list[int]:
        """The steps of all scalars, sorted."""
        return sorted(tbtools.open(self.dataset).scalars.to_table()["step"].to_pylist())


@pytest.fixture
def here(tmp_path: Path) -> Here:
    """A logdir of two runs of three points."""
    made = Here(tmp_path)
    for run in ("a", "b"):
        file = made.file(run)
        for step in range(3):
            file.scalar("loss", step, step / 3)
    return made


def append(path: Path, file: EventFile) -> None:
    """What a writer does."""
    with path.open("ab") as out:
        out.write(file.bytes)


# --- growth --------------------------------------------------------------------------------------


def test_only_what_is_new_is_read(here: Here) -> None:
    first = here.sync()
    assert (first.rows, first.files, first.is_new) == ({"scalars": 6}, 2, True)
    more = EventFile().scalar("loss", 3, 1.0)
    append(here.logs / "b" / "events.tfevents", more)
    told: list[int] = []
    second = here.sync(progress=told.append)
    assert (second.rows, second.files) == ({"scalars": 1}, 1)
    assert sum(told) == second.bytes == len(more)
    assert second.anew == {}


def test_nothing_new_changes_nothing(here: Here) -> None:
    here.sync()
    before = (here.dataset / "manifest.json").read_bytes()
    done = here.sync()
    assert (done.is_new, done.rows, done.files) == (False, {}, 0)
    assert (here.dataset / "manifest.json").read_bytes() == before


def test_new_runs_and_files_appear(here: Here) -> None:
    here.sync()
    here.file("c/d").scalar("acc", 0, 0.5)
    here.file("a", "later.tfevents").scalar("loss", 2, 0.25)
    assert here.sync().rows == {"scalars": 2}
    assert tbtools.ls(here.dataset)["run"].to_pylist() == ["a", "b", "c/d"]


def test_half_a_record_waits_for_the_other_half(here: Here) -> None:
    here.sync()
    record = EventFile().scalar("loss", 3, 1.0).bytes
    path = here.logs / "a" / "events.tfevents"
    for at in range(len(record)):
        with path.open("ab") as file:
            file.write(record[at : at + 1])
        if at % 7 == 0 or at == len(record) - 1:
            done = here.sync()
            assert done.anew == {}
    assert here.steps() == [0, 0, 1, 1, 2, 2, 3]


def test_what_a_torn_record_holds_is_there_only_as_long_as_it_is_torn(here: Here) -> None:
    inner = EventFile().scalar("inner", 7, 1.0).bytes
    outer = EventFile().value("blob", 1, "tensor", tensor("string", [inner * 2 + b"x" * 200])).bytes
    path = here.logs / "a" / "events.tfevents"
    whole = path.read_bytes() + outer
    path.write_bytes(whole[:-150])
    here.sync()
    tags = tbtools.open(here.dataset).scalars.to_table()["tag"].to_pylist()
    assert tags.count("inner") == 2
    here.file("b", "other.tfevents").scalar("loss", 9, 1.0)  # the torn one is as it was
    here.sync()
    with path.open("ab") as file:
        file.write(whole[-150:])
    assert here.sync().anew == {}
    tags = tbtools.open(here.dataset).scalars.to_table()["tag"].to_pylist()
    assert "inner" not in tags


def test_metadata_that_comes_later_moves_rows_to_their_table(here: Here) -> None:
    number = tensor("float32", [0.5], [])
    file = here.file("late")
    file.value("x", 1, "tensor", number)
    here.sync()
    assert "tensors" in tbtools.open(here.dataset)
    more = EventFile().value("x", 2, "tensor", number, metadata=summary_metadata("scalars"))
    append(here.logs / "late" / "events.tfevents", more)
    here.sync()
    assert "tensors" not in read_manifest(str(here.dataset)).tables
    assert here.steps().count(2) == 3
    # In another file of the run.
    here.file("two", "a.tfevents").value("x", 1, "tensor", number)
    here.sync()
    metadata = summary_metadata("scalars")
    here.file("two", "b.tfevents").value("x", 2, "tensor", number, metadata=metadata)
    here.sync()
    assert "tensors" not in read_manifest(str(here.dataset)).tables


def test_metadata_without_a_plugin_does_not_hide_that_of_the_run(here: Here) -> None:
    number = tensor("float32", [0.5], [])
    named = summary_metadata(display_name="X")
    for cut in (False, True):
        file = here.file(f"odd{cut}", "a.tfevents")
        file.value("x", 1, "tensor", number, metadata=named).value("x", 2, "tensor", number)
        if cut:
            here.sync()
        with_plugin = summary_metadata("scalars")
        here.file(f"odd{cut}", "b.tfevents").value("x", 3, "tensor", number, metadata=with_plugin)
        here.sync()
    assert here.steps().count(3) == 2
    assert tbtools.open(here.logs).tensors.count_rows() == 0


def test_state_of_declared_tags_survives(here: Here) -> None:
    number = tensor("float32", [0.5], [])
    file = here.file("tf2")
    file.value("x", 0, "tensor", number, metadata=summary_metadata("scalars"))
    here.sync()
    append(here.logs / "tf2" / "events.tfevents", EventFile().value("x", 1, "tensor", number))
    assert here.sync().rows == {"scalars": 1}


# --- files that are others -----------------------------------------------------------------------


def replaced(path: Path, data: bytes) -> None:
    """Another file in the place of one."""
    beside = path.with_name("beside")
    beside.write_bytes(data)
    beside.replace(path)


def test_a_file_that_is_replaced_begins_anew(here: Here) -> None:
    here.sync()
    other = EventFile().version().scalar("other", 5, 1.0).scalar("other", 6, 1.0)
    replaced(here.logs / "a" / "events.tfevents", other.bytes)
    done = here.sync()
    assert list(done.anew) == ["a"]
    assert here.steps() == [0, 1, 2, 5, 6]


def test_a_file_that_is_cut_short_begins_anew(here: Here) -> None:
    here.sync()
    path = here.logs / "a" / "events.tfevents"
    os.truncate(path, path.stat().st_size - 10)
    assert "shorter" in here.sync().anew["a"]


def test_a_file_that_is_written_anew_and_longer_begins_anew(here: Here) -> None:
    here.sync()
    path = here.logs / "a" / "events.tfevents"
    file = EventFile().version()
    for step in range(10, 30):
        file.scalar("anew", step, 1.0)
    path.write_bytes(file.bytes)  # the same inode
    assert list(here.sync().anew) == ["a"]


def test_a_change_in_the_middle_of_a_copy_is_seen(here: Here) -> None:
    for step in range(200):
        append(here.logs / "a" / "events.tfevents", EventFile().scalar("loss", step, 1.0))
    here.sync()
    path = here.logs / "a" / "events.tfevents"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    replaced(path, bytes(data) + EventFile().scalar("loss", 200, 1.0).bytes)
    assert list(here.sync().anew) == ["a"]


def test_a_copy_of_what_was_read_goes_on(here: Here) -> None:
    """As rsync makes it: another inode, the same beginning."""
    here.sync()
    path = here.logs / "a" / "events.tfevents"
    replaced(path, path.read_bytes() + EventFile().scalar("loss", 3, 1.0).bytes)
    done = here.sync()
    assert (done.rows, done.anew) == ({"scalars": 1}, {})
    os.utime(path)
    done = here.sync()
    assert (done.rows, done.anew) == ({}, {})


def test_what_is_gone_is_gone(here: Here) -> None:
    here.file("a", "second.tfevents").scalar("loss", 9, 1.0)
    here.sync()
    (here.logs / "a" / "events.tfevents").unlink()
    assert list(here.sync().anew) == ["a"]
    shutil.rmtree(here.logs / "a")
    assert here.sync().gone == ["a"]
    shutil.rmtree(here.logs / "b")
    before = here.steps()
    with pytest.raises(tbtools.NothingFoundError):
        tbtools.sync(here.logs, here.dataset)
    assert here.steps() == before


def test_a_folder_that_cannot_be_listed_keeps_its_rows(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.sync()
    entries = LocalStorage.entries

    def refusing(self: LocalStorage, path: str) -> object:
        if path.endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return entries(self, path)

    monkeypatch.setattr(LocalStorage, "entries", refusing)
    append(here.logs / "b" / "events.tfevents", EventFile().scalar("loss", 3, 1.0))
    done = tbtools.sync(here.logs, here.dataset)
    assert (done.rows, done.gone) == ({"scalars": 1}, [])
    assert done.health[0].unreadable == "Permission denied"
    assert len(here.steps()) == 7


def test_a_file_that_cannot_be_read_for_a_while_keeps_its_rows(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.sync()
    path = here.logs / "a" / "events.tfevents"
    append(path, EventFile().scalar("loss", 3, 1.0))
    opened = LocalStorage.open

    def refusing(self: LocalStorage, name: str) -> object:
        if name == str(path):
            raise PermissionError(13, "Permission denied")
        return opened(self, name)

    monkeypatch.setattr(LocalStorage, "open", refusing)
    done = tbtools.sync(here.logs, here.dataset)
    assert (done.rows, done.anew) == ({}, {})
    assert [health.unreadable for health in done.health] == ["Permission denied"]
    assert len(here.steps()) == 6
    status = dict(
        tbtools.query("SELECT run, status FROM files", here.dataset).fetchall()  # as it is now
    )
    assert status == {"a": "unreadable", "b": "ok"}
    monkeypatch.setattr(LocalStorage, "open", opened)
    assert here.sync().rows == {"scalars": 1}


# --- all of it, at random ------------------------------------------------------------------------


@settings(max_examples=15)
@given(
    files=st.lists(damaged_files(), min_size=1, max_size=3),
    cuts=st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), max_size=3),
)
def test_a_log_that_grows_is_what_it_is_when_it_is_read_once(
    files: list[EventFile], cuts: list[list[float]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        here = Here(Path(name))
        whole = [file.bytes for file in files]
        (here.logs / "run").mkdir(parents=True)
        sizes = [0] * len(whole)
        for cut in [*cuts, [1.0, 1.0, 1.0]]:
            for number, data in enumerate(whole):
                sizes[number] = max(sizes[number], round(cut[number] * len(data)))
                path = here.logs / "run" / f"{number}.tfevents"
                with path.open("ab") as out:
                    out.write(data[path.stat().st_size : sizes[number]])
            done = tbtools.sync(here.logs, here.dataset)
            # Files grow side by side: of equal keys, what came first is first.
            assert_follows(here.dataset, here.logs, whole_order=False)
            assert leftovers(here.dataset) == []
            if cut == [1.0, 1.0, 1.0]:
                assert not tbtools.sync(here.logs, here.dataset).is_new
            del done


@given(st.randoms(use_true_random=False))
def test_restarts_are_counted_piece_by_piece(random: Random) -> None:
    """What is told of a run, by states that go through bytes, is what one survey tells."""
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name) / "source", Path(name) / "logs"
        purging_oracle.write(purging_oracle.random_run(random), source / "run")
        (target / "run").mkdir(parents=True)
        states: dict[str, bytes] = {}
        read = None
        for path in sorted((source / "run").iterdir()):
            data, done = path.read_bytes(), 0
            while done < len(data) or not done:
                done += random.randint(1, len(data) + 1)
                (target / "run" / path.name).write_bytes(data[:done])
                (run,) = list_runs([str(target)]).runs
                stamps = [LOCAL.stamp(file.path) for file in run.files]
                known = {name: unpacked(state, "run", name) for name, state in states.items()}
                *_, read = read_new(run, stamps, known, SELECTION)
                assert read.anew is None
                files = zip(run.files, read.states, strict=True)
                states = {file.name: packed(state) for file, state in files}
        if read is not None:
            told, fresh = RunReader(read.run, "skip"), RunReader(read.run, "skip")
            for number, file in enumerate(read.run.files):
                told.note_survey(number, unpacked(states[file.name], "run", file.path).survey)
            for batch in (tags_batch, runs_batch, files_batch):
                assert repr(batch([told]).to_pylist()) == repr(batch([fresh]).to_pylist())


def test_every_kind_follows(tmp_path: Path) -> None:
    """The golden logs, written in four strokes; other files of a run as they are, at the end."""
    here = Here(tmp_path)
    data = {path.relative_to(DATA): path.read_bytes() for path in DATA.rglob("*") if path.is_file()}
    for stroke in range(1, 5):
        for name, content in data.items():
            path = here.logs / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if "tfevents" in path.name or stroke == 4:
                path.write_bytes(content[: len(content) * stroke // 4])
        tbtools.sync(here.logs, here.dataset)
        assert_follows(here.dataset, here.logs, whole_order=False)
    assert {"hparams", "images", "graphs", "text"} <= set(tbtools.open(here.dataset))


# --- embeddings ----------------------------------------------------------------------------------


def test_embeddings_follow_their_files(here: Here) -> None:
    config = here.logs / "a" / "projector_config.pbtxt"
    config.write_text('embeddings { tensor_name: "e" tensor_path: "e.tsv" }')
    here.sync()  # there is no e.tsv yet
    tensors = here.logs / "a" / "e.tsv"
    tensors.write_text("1\t2\n3\t4\n")
    here.sync()
    assert tbtools.open(here.dataset)["embeddings"].count_rows() == 2
    assert not here.sync().is_new
    append(here.logs / "a" / "events.tfevents", EventFile().scalar("loss", 3, 1.0))
    here.sync()
    tensors.write_text("1\t2\n3\t4\n5\t6\n")
    here.sync()
    assert tbtools.open(here.dataset)["embeddings"].count_rows() == 3
    config.unlink()
    here.sync()
    assert "embeddings" not in tbtools.open(here.dataset)
    assert not here.sync().is_new


# --- the dataset ---------------------------------------------------------------------------------


def test_small_parts_become_large_ones(here: Here) -> None:
    for step in range(3, 3 + 3 * parts.FAN):
        append(here.logs / "a" / "events.tfevents", EventFile().scalar("loss", step, 1.0))
        here.sync()
    manifest = read_manifest(str(here.dataset))
    assert manifest is not None
    assert all(len(names) < parts.FAN for names in manifest.tables.values())
    found = duckdb.sql(f"SELECT count(*) FROM '{here.dataset}/scalars/*.parquet'").fetchall()
    assert found == [(6 + 3 * parts.FAN,)]  # other readers see each row once, too


def test_parts_stay_for_readers_that_have_opened_them(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.sync()
    before = tbtools.open(here.dataset)
    schema = before.scalars.schema
    here.file("a", "x.tfevents").scalar("loss", 9, 1.0)
    os.truncate(here.logs / "b" / "events.tfevents", 0)
    here.sync()
    assert before.scalars.to_table()["step"].to_pylist() == [0, 1, 2, 0, 1, 2]
    assert before.query("SELECT count(*) FROM scalars").fetchall() == [(6,)]
    assert before.scalars.schema == schema
    assert before.refresh()
    assert before.scalars.count_rows() == 4
    assert [*(here.dataset / "sync" / "retired").iterdir()]
    monkeypatch.setattr(growing, "GRACE", 0.0)
    here.file("a", "y.tfevents").scalar("loss", 9, 1.0)
    with growing.growing_dataset(here.dataset, [], grace=0.0):
        pass
    assert not [*(here.dataset / "sync" / "retired").iterdir()]


def test_two_at_a_time_are_refused(here: Here) -> None:
    here.sync()
    with (
        growing.growing_dataset(here.dataset, []),
        pytest.raises(tbtools.WriteError, match=f"another sync \\(process {os.getpid()} on "),
    ):
        tbtools.sync(here.logs, here.dataset)
    here.sync()  # that one is done


def test_who_is_refused_leaves_a_dataset_that_is_coming_into_being_alone(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = here.dataset / "sync" / "new" / "1.parquet"

    @contextmanager
    def taken(lock: Path, what: str) -> Iterator[None]:
        part.parent.mkdir()  # another process was quicker
        part.touch()
        raise tbtools.WriteError("another sync")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(growing, "held", taken)
        with pytest.raises(tbtools.WriteError):
            tbtools.sync(here.logs, here.dataset)
    assert part.exists()
    (here.dataset / "sync" / "lock").touch()
    here.sync()


def test_a_lock_that_nobody_holds_is_no_obstacle(here: Here) -> None:
    here.sync()
    (here.dataset / "sync" / "lock").write_bytes(b"process 1 on moon".ljust(256))
    append(here.logs / "a" / "events.tfevents", EventFile().scalar("loss", 3, 1.0))
    here.sync()


def test_what_sync_has_not_made_is_not_touched(here: Here, tmp_path: Path) -> None:
    tbtools.export(here.logs, tmp_path / "exported")
    with pytest.raises(tbtools.TargetExistsError, match="was not made by sync"):
        tbtools.sync(here.logs, tmp_path / "exported")
    tbtools.sync(here.logs, tmp_path / "exported", force=True)
    assert_follows(tmp_path / "exported", here.logs)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    for force in (False, True):
        with pytest.raises(tbtools.TargetExistsError, match="holds what sync has not made"):
            tbtools.sync(here.logs, tmp_path / "mine", force=force)
    for target in (here.logs, here.logs / "a" / "dataset"):
        with pytest.raises(tbtools.UsageError):
            tbtools.sync(here.logs, target)


def test_a_dataset_follows_the_logdirs_that_it_was_made_of(here: Here, tmp_path: Path) -> None:
    here.sync()
    other = tmp_path / "other"
    EventFile(other / "c" / "tfevents").version().scalar("loss", 0, 1.0)
    with pytest.raises(tbtools.UsageError, match="follows"):
        tbtools.sync(other, here.dataset)
    tbtools.sync(other, here.dataset, force=True)
    assert_follows(here.dataset, other)


def test_another_spelling_is_the_same_logdir(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.sync()
    monkeypatch.chdir(tmp_path)
    append(here.logs / "a" / "events.tfevents", EventFile().scalar("loss", 3, 1.0))
    done = tbtools.sync("logs", here.dataset)
    assert (done.rows, done.anew) == ({"scalars": 1}, {})
    assert_follows(here.dataset, Path("logs"))


def test_logdirs_may_be_named(here: Here, tmp_path: Path) -> None:
    EventFile(tmp_path / "other" / "tfevents").version().scalar("x", 1, 1.0)
    named = [f"one={here.logs}", f"two={tmp_path / 'other'}"]
    tbtools.sync(named, here.dataset)
    assert_follows(here.dataset, *named)
    append(tmp_path / "other" / "tfevents", EventFile().scalar("x", 2, 1.0))
    assert tbtools.sync(named, here.dataset).rows == {"scalars": 1}
    assert_follows(here.dataset, *named)
    tbtools.sync(here.logs / "a" / "events.tfevents", tmp_path / "of one file")
    assert_follows(tmp_path / "of one file", here.logs / "a" / "events.tfevents")


@pytest.mark.skipif(os.name != "posix", reason="paths are text there")
def test_paths_may_be_no_text(here: Here) -> None:
    path = here.logs / os.fsdecode(b"\xff/\xfe.tfevents")
    path.parent.mkdir()
    path.write_bytes(EventFile().version().scalar("x", 1, 1.0).bytes)
    here.sync()
    append(path, EventFile().scalar("x", 2, 1.0))
    done = here.sync()
    assert (done.rows, done.anew) == ({"scalars": 1}, {})


@pytest.mark.parametrize("stroke", [7, 1000])
def test_compressed_copies_grow(here: Here, stroke: int) -> None:
    path = here.logs / "packed" / "tfevents.gz"
    path.parent.mkdir()
    first = gzip.compress(EventFile().version().scalar("x", 1, 1.0).bytes)
    second = gzip.compress(EventFile().scalar("x", 2, 1.0).scalar("x", 3, 1.0).bytes)
    whole = first + second
    for size in [*range(len(first) - stroke, len(whole), stroke), len(whole)]:
        path.write_bytes(whole[: max(size, 0)])
        here.sync()
    assert here.steps().count(3) == 1


def test_a_reader_of_long_ago_is_told(here: Here) -> None:
    here.sync()
    before = tbtools.open(here.dataset)
    os.truncate(here.logs / "b" / "events.tfevents", 0)
    here.sync()
    with growing.growing_dataset(here.dataset, [], grace=0.0):
        pass
    with pytest.raises(tbtools.UsageError, match="another since it was opened"):
        before.scalars.to_table()
    before.refresh()
    assert before.scalars.count_rows() == 3


def test_notes_that_are_broken_are_told(here: Here) -> None:
    here.sync()
    path = here.dataset / "manifest.json"
    content = json.loads(path.read_text())
    noted = content["sync"]
    for broken in (
        {"number": 1},
        {**noted, "version": 99},
        {**noted, "number": "x"},
        {**noted, "retired": ["../../x"]},
        {**noted, "rows": {}},
        {**noted, "state": {"scalars/../../x": 1}},
    ):
        path.write_text(json.dumps({**content, "sync": broken}))
        with pytest.raises(tbtools.UsageError, match="--force"):
            tbtools.sync(here.logs, here.dataset)
    path.write_text(json.dumps(content))
    (state,) = (here.dataset / "sync" / "state").iterdir()
    append(here.logs / "a" / "events.tfevents", EventFile().scalar("loss", 3, 1.0))
    data = state.read_bytes()
    state.write_bytes(bytes(len(data)))
    with pytest.raises(tbtools.UsageError, match="--force"):
        tbtools.sync(here.logs, here.dataset)
    state.unlink()
    with pytest.raises(tbtools.UsageError, match="--force"):
        tbtools.sync(here.logs, here.dataset)
    tbtools.sync(here.logs, here.dataset, force=True)
    assert_follows(here.dataset, here.logs)


def test_nothing_stays_of_a_dataset_that_did_not_come_into_being(here: Here) -> None:
    (here.logs.parent / "empty").mkdir()
    with pytest.raises(tbtools.NothingFoundError):
        tbtools.sync(here.logs.parent / "empty", here.dataset)
    assert not here.dataset.exists()


def test_values_that_could_not_be_decoded_are_told_once(here: Here) -> None:
    odd = tensor("string", [b"no number"], [])
    file = here.file("odd").value("x", 1, "tensor", odd, metadata=summary_metadata("scalars"))
    file.flip(-1)
    assert any(health.is_lossy for health in here.sync().health)
    append(here.logs / "a" / "events.tfevents", EventFile().scalar("loss", 3, 1.0))
    assert not any(health.is_lossy for health in here.sync().health)


def test_a_schema_is_that_of_the_table(here: Here) -> None:
    here.sync()
    expected = tbtools.open(here.logs).scalars.schema
    found = tbtools.open(here.dataset).scalars.schema
    assert [(each.name, each.type) for each in found] == [
        (each.name, each.type) for each in expected
    ]
    assert isinstance(found, pa.Schema)
