"""What is left of killed processes: never half an output, and nothing after the next call."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from event_writing import EventFile

import tbtools
from tbtools.output import staging, targets
from tbtools.output.staging import remove_leftovers, scratch
from tbtools.output.targets import staged

SCRIPT = ROOT / "tests" / "kill_verbs.py"


def killed(*arguments: object) -> str:
    """Runs the script, which says what it found."""
    command = [sys.executable, "-W", "error", str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    return done.stdout


def test_killed_at_any_instant_the_old_output_or_the_new_one_is_there() -> None:
    """A few; the script kills as often as one likes."""
    assert " kills of 14 ways to write" in killed(14, 5)


def test_killed_at_each_call_in_turn() -> None:
    """Where folders cannot be exchanged in one step, the next call puts the old one back."""
    assert "nothing 1," in killed("every", 1, "recover_moved")


def test_killed_in_place_each_file_is_an_old_or_a_new_one() -> None:
    assert "some old, some new" in killed(10, 2, "in_place_copied")


# --- what counts as left behind ------------------------------------------------------------------


def leave(parent: Path, target: str = "out") -> Path:
    """The folder that a process leaves behind which is killed while it writes to ``target``."""
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from tbtools.output.targets import staged\n"
        "with staged(Path(sys.argv[1]), force=True, folder=True) as beside:\n"
        "    beside.mkdir()\n"
        "    (beside / 'events.tfevents').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    before = set(parent.iterdir())
    done = subprocess.run([sys.executable, "-c", script, str(parent / target)], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = set(parent.iterdir()) - before
    return left


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_the_dead_left_is_removed_by_the_next_call(tmp_path: Path) -> None:
    left = leave(tmp_path)
    assert names(tmp_path) == [left.name]
    leave(tmp_path, "other")  # of another target, too
    assert not left.exists()
    with staged(tmp_path / "out") as beside:
        beside.write_text("whole")
    assert names(tmp_path) == ["out"]


def test_what_the_living_write_stays(tmp_path: Path) -> None:
    with staged(tmp_path / "one") as one:
        one.write_text("1")
        with staged(tmp_path / "two") as two:
            two.write_text("2")
            assert one.exists()
        assert one.exists()
    assert names(tmp_path) == ["one", "two"]


def test_another_process_that_lives_is_left_alone(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tbtools.output.targets import staged\n"
        "with staged(Path(sys.argv[1])) as beside:\n"
        "    beside.write_text('theirs')\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "theirs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        assert it.stdout.readline() == "ready\n"
        with staged(tmp_path / "ours") as beside:
            beside.write_text("ours")
        assert len(names(tmp_path)) == 2
        it.communicate("")
    assert it.returncode == 0
    assert names(tmp_path) == ["ours", "theirs"]


@pytest.mark.parametrize(
    "change",
    ["other name", "no lock", "no note", "other host", "elsewhere", "a link", "somebody's file"],
)
def test_what_may_be_of_somebody_else_stays(tmp_path: Path, change: str) -> None:
    place = tmp_path / "here"
    place.mkdir()
    left = leave(place)
    lock = left / "lock"
    note = json.loads(lock.read_text())
    if change == "other name":
        left = left.rename(place / ".tbtools-mine.partial")
    elif change == "no lock":
        lock.unlink()
    elif change == "no note":
        lock.write_text("")
    elif change == "other host":
        lock.write_text(json.dumps(note | {"host": "elsewhere"}))
    elif change == "elsewhere":
        lock.write_text(json.dumps(note | {"target": "../out"}))
    elif change == "a link":
        left = left.rename(tmp_path / left.name)
        (place / left.name).symlink_to(left)
    else:
        (left / "new").rename(left / "old")
    before = names(left)
    assert not remove_leftovers(place)
    assert names(left) == before
    assert len(names(place)) == 1


@pytest.mark.skipif(not os.geteuid(), reason="root may open everything")
def test_what_may_not_be_looked_at_stays(tmp_path: Path) -> None:
    left = leave(tmp_path)
    (left / "lock").chmod(0)
    remove_leftovers(tmp_path)
    assert left.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give away files")
def test_what_another_user_left_stays(tmp_path: Path) -> None:
    left = leave(tmp_path)
    os.chown(left, 1, -1)
    remove_leftovers(tmp_path)
    assert left.exists()


def test_a_process_that_came_no_further_than_its_folder(tmp_path: Path) -> None:
    for name in ("0123abcd", "0123abce"):
        (tmp_path / f".tbtools-{name}.partial").mkdir()
    (tmp_path / ".tbtools-0123abce.partial" / "lock").write_text("")
    remove_leftovers(tmp_path)
    assert names(tmp_path) == []


def test_a_folder_that_is_taken_for_left_behind_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may come between the folder and its lock."""
    opening, locking = os.open, staging._lock
    done = []

    def first(path: Path, *arguments: int) -> int:
        if not done:
            done.append("removed")
            remove_leftovers(tmp_path)
        return opening(path, *arguments)

    def second(file: int) -> bool | None:
        if len(done) == 1:
            done.append("locked")
            return False
        if len(done) == 2:
            done.append("replaced")
            Path(f"/proc/self/fd/{file}").readlink().unlink()
        return locking(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", first)
        patch.setattr(staging, "_lock", second)
        with staged(tmp_path / "out") as beside:
            beside.write_text("whole")
    assert done == ["removed", "locked", "replaced"]
    remove_leftovers(tmp_path)
    assert names(tmp_path) == ["out"]


def test_where_files_cannot_be_locked_nothing_is_taken_for_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    left = leave(tmp_path)
    with staged(tmp_path / "out") as beside:
        beside.write_text("whole")
    assert names(tmp_path) == sorted([left.name, "out"])


def test_an_old_output_that_was_moved_away_is_put_back(tmp_path: Path) -> None:
    EventFile(tmp_path / "logs" / "events.tfevents").scalar("x", 1, 1.0)
    tbtools.export(tmp_path / "logs", tmp_path / "out")
    left = leave(tmp_path)
    (tmp_path / "out").rename(left / "old")
    with pytest.raises(tbtools.TargetExistsError, match="--force"):
        tbtools.recover(tmp_path / "logs", tmp_path / "out")
    assert tbtools.open(tmp_path / "out").scalars.count_rows() == 1
    assert names(tmp_path) == ["logs", "out"]


def test_an_old_output_to_which_somebody_added_a_file_stays(tmp_path: Path) -> None:
    """The process died after it had exchanged the folders, and before it looked at the old one."""
    EventFile(tmp_path / "logs" / "events.tfevents").scalar("x", 1, 1.0)
    tbtools.export(tmp_path / "logs", tmp_path / "out")
    left = leave(tmp_path)
    staging._remove(left / "new")
    tbtools.export(tmp_path / "logs", left / "old")
    remove_leftovers(tmp_path)
    assert names(tmp_path) == ["logs", "out"]
    left = leave(tmp_path)
    staging._remove(left / "new")
    tbtools.export(tmp_path / "logs", left / "old")
    (left / "old" / "thesis.tex").write_text("years of work")
    tbtools.export(tmp_path / "logs", tmp_path / "out", force=True)
    assert (left / "old" / "thesis.tex").read_text() == "years of work"


def test_a_failed_move_loses_neither_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    EventFile(tmp_path / "logs" / "events.tfevents").scalar("x", 1, 1.0)
    tbtools.export(tmp_path / "logs", tmp_path / "out")

    def refuse(*_: object) -> bool:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(targets, "_rename", refuse)
    with pytest.raises(tbtools.WriteError, match="Input/output error"):
        tbtools.export(tmp_path / "logs", tmp_path / "out", force=True, tables=["tags"])
    assert tbtools.open(tmp_path / "out").scalars.count_rows() == 1
    assert names(tmp_path) == ["logs", "out"]


def test_temporary_files_of_the_dead_vanish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    leave(tmp_path, "scratch")
    with scratch() as folder:
        assert names(tmp_path) == [folder.name]
    assert names(tmp_path) == []


def test_a_leftover_is_no_run(tmp_path: Path) -> None:
    EventFile(tmp_path / "logs" / "events.tfevents").scalar("x", 1, 1.0)
    leave(tmp_path / "logs")
    assert tbtools.open(tmp_path / "logs")["runs"].to_table()["run"].to_pylist() == ["."]
