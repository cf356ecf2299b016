"""Which folders are runs, and which files are theirs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from event_writing import EventFile

from tbtools.errors import NothingFoundError, UsageError
from tbtools.files.discovery import list_runs


def touch(path: Path) -> Path:
    """An event file with one record."""
    EventFile(path).version()
    return path


def runs(*logdirs: Path | str) -> dict[str, list[str]]:
    """The runs of logdirs, and the names of their files."""
    listing = list_runs([str(logdir) for logdir in logdirs])
    return {run.name: [file.name for file in run.files] for run in listing.runs}


def test_a_run_is_a_folder_with_an_event_file(tmp_path: Path) -> None:
    touch(tmp_path / "events.out.tfevents.2")
    touch(tmp_path / "events.out.tfevents.1")
    touch(tmp_path / "train" / "eval" / "x.tfevents.bak")
    (tmp_path / "train" / "notes.txt").write_text("no event file")
    assert runs(tmp_path) == {
        ".": ["events.out.tfevents.1", "events.out.tfevents.2"],
        "train/eval": ["x.tfevents.bak"],
    }


def test_empty_and_profile_files_make_runs_and_hidden_folders_count(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "tfevents").write_bytes(b"")
    touch(tmp_path / "p" / "events.out.tfevents.1.h.profile-empty")
    assert list(runs(tmp_path)) == [".hidden", "p"]


def test_a_folder_named_like_an_event_file_is_a_folder(tmp_path: Path) -> None:
    touch(tmp_path / "run.tfevents" / "events.tfevents")
    assert runs(tmp_path) == {"run.tfevents": ["events.tfevents"]}


def test_links_are_followed_once(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "tfevents")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "latest").symlink_to("a")
    (tmp_path / "dangling.tfevents").symlink_to("nowhere")
    assert runs(tmp_path) == {"a": ["tfevents"]}
    assert runs(tmp_path / "latest") == {".": ["tfevents"], "loop/a": ["tfevents"]} or runs(
        tmp_path / "latest"
    ) == {".": ["tfevents"]}


def test_a_file_that_is_linked_twice_is_read_once(tmp_path: Path) -> None:
    touch(tmp_path / "tfevents.1")
    (tmp_path / "tfevents.2").symlink_to("tfevents.1")
    assert runs(tmp_path) == {".": ["tfevents.1"]}


def test_a_single_event_file_is_a_run(tmp_path: Path) -> None:
    path = touch(tmp_path / "anything.at.all")
    assert runs(path) == {".": ["anything.at.all"]}


def test_several_logdirs_are_named_by_their_last_part_or_as_told(tmp_path: Path) -> None:
    touch(tmp_path / "x" / "one" / "tfevents")
    touch(tmp_path / "y" / "two" / "train" / "tfevents")
    assert list(runs(tmp_path / "x" / "one", f"b={tmp_path / 'y' / 'two'}")) == ["b/train", "one"]
    assert list(runs(f"only={tmp_path / 'x' / 'one'}")) == ["only"]


def test_logdirs_that_end_alike_are_named_by_their_paths(tmp_path: Path) -> None:
    one, other = tmp_path / "x" / "logs", tmp_path / "y" / "logs"
    touch(one / "tfevents")
    touch(other / "tfevents")
    assert list(runs(one, other)) == sorted([str(one), str(other)])


def test_two_logdirs_of_one_name_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "tfevents")
    with pytest.raises(UsageError, match="NAME=PATH"):
        runs(f"a={tmp_path}", f"a={tmp_path}")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NothingFoundError, match="no file or folder"):
        runs(tmp_path / "gone")
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(NothingFoundError, match="only 1 other file"):
        runs(tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_told_and_passed_over(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "tfevents")
    touch(tmp_path / "closed" / "tfevents")
    (tmp_path / "closed").chmod(0)
    listing = list_runs([str(tmp_path)])
    (tmp_path / "closed").chmod(0o700)
    assert [run.name for run in listing.runs] == ["a"]
    assert listing.unlistable[0][0].endswith("closed")
