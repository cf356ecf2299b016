"""Folders are listed alike by the core and by Python, which does it where the core cannot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tbtools import _core
from tbtools.files import storage
from tbtools.files.discovery import list_runs
from tbtools.files.storage import LOCAL, Entry


def listed(path: Path, native: bool, monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    """What a folder holds, by one of the two ways."""
    monkeypatch.setattr(storage._core, "reads_files", native)
    return LOCAL.entries(os.fspath(path))


def test_both_ways_list_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "logs"
    (folder / "sub").mkdir(parents=True)
    (folder / "ü\N{SNOWMAN}").write_bytes(b"12345")
    (folder / "empty").write_bytes(b"")
    (tmp_path / "elsewhere").mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "file_link").symlink_to(folder / "ü\N{SNOWMAN}")
    (folder / "dangling").symlink_to(tmp_path / "nothing")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / os.fsdecode(b"\xff")).write_bytes(b"x")  # no UTF-8, which Linux allows
    native = listed(folder, True, monkeypatch)
    assert native == listed(folder, False, monkeypatch)
    assert [(each.name, each.is_folder, each.is_link, each.size) for each in native if each.size < 9
            and not each.is_folder] == [
        ("empty", False, False, 0), ("file_link", False, True, 5),
        ("ü\N{SNOWMAN}", False, False, 5), ("\udcff", False, False, 1),
    ]  # fmt: skip
    by_name = {each.name: each for each in native}
    assert by_name["link"].identity == LOCAL.entry(os.fspath(tmp_path / "elsewhere")).identity
    assert by_name["sub"].path == os.fspath(folder / "sub")


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("name", ["missing", "file"])
def test_what_cannot_be_listed_says_why(
    tmp_path: Path, native: bool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="No such file" if name == "missing" else "Not a directory"):
        listed(tmp_path / name, native, monkeypatch)


def test_a_path_with_a_nul_is_no_folder() -> None:
    with pytest.raises(FileNotFoundError):
        _core.list_folder(b"a\0b")


def test_a_run_is_bare_if_its_folder_holds_nothing_but_event_files(tmp_path: Path) -> None:
    for run in "ab":
        (tmp_path / run).mkdir()
        (tmp_path / run / "tfevents.1").write_bytes(b"")
    (tmp_path / "b" / "projector_config.pbtxt").write_bytes(b"")
    assert [run.is_bare for run in list_runs([os.fspath(tmp_path)]).runs] == [True, False]
