"""Where outputs may be written: never over an input, never over what tbtools did not write."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from event_writing import EventFile, bytes_field
from graph_building import log_of, small_model
from typer.testing import CliRunner

import tbtools
from tbtools.cli import app
from tbtools.errors import TargetExistsError, UsageError, WriteError
from tbtools.files.discovery import list_runs, named_paths
from tbtools.output import targets
from tbtools.output.targets import check_target, staged
from tbtools.tables.manifest import MANIFEST, write_manifest
from tbtools.verbs.media import media


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with ``logs/a`` and ``logs/b`` in it: scalars, images and a graph."""
    monkeypatch.chdir(tmp_path)
    for run in ("a", "b"):
        log(Path("logs") / run)
    return tmp_path


def log(folder: Path) -> Path:
    file = EventFile(folder / "events.out.tfevents.1").version()
    file.scalar("loss", 1, 0.5).value("x", 1, "image", bytes_field(4, b"\x89PNG\r\n\x1a\n"))
    log_of(file, small_model())
    return folder


def contents(folder: Path) -> dict[str, bytes | str | None]:
    """Every file, link and folder below a folder, and what it holds."""

    def held(path: Path) -> bytes | str | None:
        if path.is_symlink():
            return str(path.readlink())
        return path.read_bytes() if path.is_file() else None

    return {str(path.relative_to(folder)): held(path) for path in folder.rglob("*")}


def to_file(*paths: str, output: str) -> None:
    """Every way to write a file: ls, query and graph."""
    for command in (
        ["ls", *paths, "-f", "csv"],
        ["query", "FROM scalars", *paths, "-f", "csv"],
        ["graph", *paths, "-f", "json"],
        ["graph", *paths, "--nodes", "-f", "csv"],
    ):
        done = CliRunner().invoke(app, [*command, "-o", output, "--force"])
        assert isinstance(done.exception, UsageError), command
    raise done.exception


def to_folder(*paths: str, output: str) -> None:
    """Every way to write a folder: tables and media."""
    with pytest.raises(UsageError):
        media(tbtools.open(*paths), output, force=True)
    tbtools.export(paths, output, force=True)


def to_database(*paths: str, output: str) -> None:
    tbtools.export(paths, output, format="duckdb", force=True)


def to_single(*paths: str, output: str) -> None:
    tbtools.export(paths, output, tables=["scalars"], format="csv", force=True)


WAYS = (to_file, to_folder, to_database, to_single)


def link(path: str, to: str) -> None:
    Path(path).symlink_to(Path(to).absolute())


# --- inputs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("paths", "output"),
    [
        (["logs"], "logs"),
        (["logs"], "logs/out.csv"),
        (["logs"], "logs/a/deep/er/out.csv"),
        (["logs/a"], "logs/a/events.out.tfevents.1"),
        (["logs/a/events.out.tfevents.1"], "logs/a/events.out.tfevents.1"),
        (["logs/a/events.out.tfevents.1"], "logs/a"),
        (["logs/a"], "logs"),
        (["logs"], "."),
        (["logs"], "ABS"),
        (["ABS/logs"], "logs/x.csv"),
        (["logs"], "ABS/logs/x.csv"),
        (["x=logs"], "logs/x.csv"),
        (["x=logs"], "logs"),
        (["x=logs", "y=lr=0.1"], "lr=0.1/x.csv"),
        (["lr=0.1"], "lr=0.1/x.csv"),
        (["lr=0.1", "logs"], "lr=0.1"),
        (["logs"], "gone/../logs/x.csv"),
        (["logs"], "lr=0.1/../logs/x.csv"),
        (["logs/../logs/a"], "logs"),
        (["logs"], "to_logs/x.csv"),
        (["logs"], "to_logs"),
        (["to_logs"], "logs/x.csv"),
        (["to_logs"], "logs"),
        (["to_logs"], "to_logs"),
        (["to_logs"], "to_logs/a"),
        (["logs"], "to_a/../x.csv"),
        (["linked"], "elsewhere/x.csv"),
        (["linked"], "elsewhere/run/deep/x.csv"),
        (["linked"], "elsewhere/run"),
        (["linked"], "files/events.out.tfevents.1"),
        (["linked"], "files"),
        (["to_file.tfevents"], "files/events.out.tfevents.1"),
        (["to_file.tfevents"], "to_file.tfevents"),
    ],
)
def test_no_target_is_or_holds_or_lies_in_an_input(
    here: Path, way: Callable[..., None], paths: list[str], output: str
) -> None:
    log(Path("lr=0.1"))
    log(Path("elsewhere/run"))
    log(Path("files"))
    log(Path("linked/own"))
    link("to_logs", "logs")
    link("to_a", "logs/a")
    link("linked/folder", "elsewhere")
    link("linked/own/events.out.tfevents.2", "files/events.out.tfevents.1")
    link("to_file.tfevents", "files/events.out.tfevents.1")
    before = contents(here)
    absolute = [each.replace("ABS", str(here)) for each in [*paths, output]]
    with pytest.raises(UsageError, match=r"itself|lies in|holds|link|not a folder"):
        way(*absolute[:-1], output=absolute[-1])
    assert contents(here) == before


def test_a_dataset_that_holds_a_logdir_is_not_replaced(here: Path) -> None:
    tbtools.export("logs", "ds")
    shutil.move("logs", "ds/mylogs")
    before = contents(here)
    for paths in (["ds/mylogs"], ["x=ds/mylogs"], ["ds/mylogs/a/events.out.tfevents.1"]):
        with pytest.raises(UsageError, match="ds holds the"):
            to_folder(*paths, output="ds")
    assert contents(here) == before
    log(Path("other"))
    with pytest.raises(TargetExistsError, match="mylogs/"):
        tbtools.export("other", "ds", force=True)
    assert contents(here / "ds") == {
        name.removeprefix("ds/"): held for name, held in before.items() if name.startswith("ds/")
    }


@pytest.mark.parametrize("output", ["ds", "ds/more", "ds/scalars", "parts", "parts/x", "/"])
def test_an_exported_dataset_is_an_input_like_any_other(here: Path, output: str) -> None:
    tbtools.export("logs", "ds")
    shutil.move("ds/scalars", "parts")
    link("ds/scalars", "parts")
    before = contents(here)
    with pytest.raises(UsageError, match=r"itself|lies in|holds"):
        tbtools.export("ds", output, force=True)
    assert contents(here) == before
    assert tbtools.open("ds").scalars.count_rows() == 2


def test_projector_files_are_inputs(here: Path) -> None:
    Path("logs/a/projector_config.pbtxt").write_text(
        'embeddings { tensor_name: "e" tensor_path: "e.tsv" }'
    )
    Path("logs/a/e.tsv").write_text("1\t2\n")
    log(Path("there"))
    Path("logs/a/plugins").symlink_to(here / "there")
    for output in ("logs/a/e.tsv", "there/x.csv"):
        with pytest.raises(UsageError, match="lies in"):
            to_file("logs", output=output)


def test_the_file_of_a_statement_is_an_input(here: Path) -> None:
    Path("q.csv").write_text("SELECT 1 AS one")
    done = CliRunner().invoke(app, ["query", "q.csv", "logs", "-o", "./q.csv", "--force"])
    assert "is the input q.csv itself" in str(done.exception)
    assert Path("q.csv").read_text() == "SELECT 1 AS one"


def test_both_sides_of_a_comparison_are_inputs(here: Path) -> None:
    shutil.copytree("logs", "other")
    for output in ("logs/x.csv", "other/x.csv"):
        arguments = ["graph", "diff", "logs", "other", "-o", output, "--force"]
        done = CliRunner().invoke(app, arguments)
        assert "lies in the logdir" in str(done.exception)


def test_a_file_beside_a_single_event_file_may_be_written(here: Path) -> None:
    tbtools.export("logs/a/events.out.tfevents.1", "logs/a.csv", tables=["scalars"], format="csv")
    assert Path("logs/a.csv").read_text().startswith("run,tag")


def test_the_current_folder_is_not_replaced(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tbtools.export("logs", "ds")
    monkeypatch.chdir("ds/scalars")
    for output in ("..", here / "ds", "../../ds"):
        with pytest.raises(UsageError, match="holds the current folder"):
            tbtools.export(here / "logs", output, force=True)


def test_folders_that_look_like_names_are_split_in_one_place(here: Path) -> None:
    log(Path("lr=0.1"))
    log(Path("a=b=c"))
    assert named_paths(["lr=0.1"]) == [("", "lr=0.1")]
    assert named_paths(["lr=0.2"]) == [("lr", "0.2")]
    assert named_paths(["x=lr=0.1", "a=b=c"]) == [("x", "lr=0.1"), ("a=b=c", "a=b=c")]
    with pytest.raises(tbtools.NothingFoundError, match=r"'0\.2', nor 'lr=0\.2'"):
        list_runs(["lr=0.2"])
    assert tbtools.open("x=lr=0.1").inputs[0] == "lr=0.1"
    assert {*tbtools.open("y=logs", "lr=0.1").inputs} == {"logs", "lr=0.1"}
    tbtools.export("logs", "ds")
    with pytest.raises(UsageError, match="under no name"):
        tbtools.open("x=ds")


# --- what is there already -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "foreign",
    ["notes.txt", "scalars/notes.txt", "scalars/part-1.parquet", "deep/er/x", ".hidden", "link",
     "scalars/link", "fifo"],
)  # fmt: skip
def test_a_folder_with_a_foreign_file_stays(here: Path, foreign: str) -> None:
    tbtools.export("logs", "ds")
    path = here / "ds" / foreign
    path.parent.mkdir(parents=True, exist_ok=True)
    if foreign.endswith("link"):
        path.symlink_to(here / "logs")
    elif foreign == "fifo":
        os.mkfifo(path)
    else:
        path.write_text("years of work")
    for way in (lambda: tbtools.export("logs/a", "ds", force=True),
                lambda: media(tbtools.open("logs/a"), "ds", force=True)):  # fmt: skip
        with pytest.raises(TargetExistsError, match=re.escape(repr(foreign))):
            way()
    assert path.is_symlink() or path.is_fifo() or path.read_text() == "years of work"
    path.unlink()
    (here / "ds" / "empty" / "folder").mkdir(parents=True)
    tbtools.export("logs/a", "ds", force=True)
    assert sorted(path.name for path in here.iterdir()) == ["ds", "logs"]


@pytest.mark.parametrize("form", ["parquet", "csv", "media"])
def test_a_file_that_somebody_changed_is_foreign(here: Path, form: str) -> None:
    def write() -> None:
        if form == "media":
            media(tbtools.open("logs"), "out", force=True)
        else:
            tbtools.export("logs", "out", format=form, force=True)  # type: ignore[arg-type]

    write()
    write()
    changed = next(
        path for path in sorted(Path("out").rglob("*")) if path.is_file() and path.name != MANIFEST
    )
    changed.write_bytes(changed.read_bytes() + b"my notes")
    with pytest.raises(TargetExistsError, match=re.escape(changed.name)):
        write()


@pytest.mark.parametrize(
    "manifest",
    ["", "{}", "[]", '{"tbtools": "0.1.0"}', '{"tbtools": "0.1.0", "files": null}',
     '{"tbtools": "0.1.0", "layout": 1, "format": "csv", "tables": {}, "files": {"../logs": 1}}',
     '{"name": "a web application"}'],
)  # fmt: skip
def test_a_manifest_that_lists_nothing_is_no_licence(here: Path, manifest: str) -> None:
    Path("home").mkdir()
    Path("home/manifest.json").write_text(manifest)
    Path("home/thesis.tex").write_text("years of work")
    before = contents(here)
    with pytest.raises(TargetExistsError, match="did not write"):
        tbtools.export("logs", "home", force=True)
    assert contents(here) == before


def test_media_list_their_files(here: Path) -> None:
    media(tbtools.open("logs"), "media")
    manifest = json.loads(Path("media/manifest.json").read_text())
    assert manifest["files"].keys() == {"index.csv", "a/x/1.png", "b/x/1.png"}
    assert manifest["tables"] == {"images": {"rows": 2, "files": []}}


@pytest.mark.parametrize("folder", [False, True])
def test_a_link_is_neither_followed_nor_replaced(here: Path, folder: bool) -> None:
    tbtools.export("logs", "theirs")
    tbtools.export("logs", "theirs.csv", tables=["scalars"], format="csv")
    link("ours", "theirs" if folder else "theirs.csv")
    link("dangling", "nowhere")
    before = contents(here)
    for name in ("ours", "dangling"):
        for force in (False, True):
            with pytest.raises(TargetExistsError, match="is a link"):
                tbtools.export("logs", name, force=force, format="parquet" if folder else "duckdb")
    assert contents(here) == before


def test_a_file_replaces_files_and_a_folder_folders(here: Path) -> None:
    tbtools.export("logs", "ds")
    tbtools.export("logs", "x.csv", tables=["scalars"], format="csv")
    before = contents(here)
    with pytest.raises(UsageError, match="is a folder; give a file"):
        to_file("logs", output="ds")
    with pytest.raises(UsageError, match="is a folder; give a file"):
        to_database("logs", output="ds")
    with pytest.raises(UsageError, match="is a file; give a folder"):
        to_folder("logs", output="x.csv")
    os.mkfifo("fifo")
    with pytest.raises(UsageError, match="no regular file"):
        to_file("logs", output="fifo")
    with pytest.raises(UsageError, match="no regular file"):
        to_file("logs", output="/dev/null")
    Path("fifo").unlink()
    assert contents(here) == before


def test_an_event_file_is_not_replaced_even_if_it_is_no_input(here: Path) -> None:
    log(Path("other"))
    before = contents(here)
    with pytest.raises(UsageError, match="name of an event file"):
        to_file("logs", output="other/events.out.tfevents.1")
    assert contents(here) == before


# --- on the way ----------------------------------------------------------------------------------


def test_what_is_left_of_a_killed_process_is_taken_for_nothing(here: Path) -> None:
    for folder in (False, True):
        with staged(here / "events.out.tfevents.parquet", folder=folder) as beside:
            assert "tfevents" not in str(beside.relative_to(here))
            if folder:
                beside.mkdir()
            else:
                beside.write_text("half")
            shutil.copytree(beside.parent, here / "left" / beside.parent.name)
        Path("events.out.tfevents.parquet").rename(f"done-{folder}")
    with pytest.raises(tbtools.NothingFoundError):
        tbtools.open("left")
    assert [run.name for run in list_runs(["."]).runs] == ["logs/a", "logs/b"]


def test_the_longest_name_can_be_written(here: Path) -> None:
    name = "x" * 251 + ".csv"
    tbtools.export("logs", name, tables=["scalars"], format="csv")
    tbtools.export("logs", name, tables=["scalars"], format="csv", force=True)
    with pytest.raises(WriteError, match="File name too long"):
        tbtools.export("logs", f"x{name}", tables=["scalars"], format="csv")


def test_parents_are_made_and_vanish_with_a_failure(here: Path) -> None:
    with staged(here / "some" / "what" / "deep") as beside:
        beside.write_text("done")
    assert Path("some/what/deep").read_text() == "done"
    with pytest.raises(tbtools.NothingFoundError):
        tbtools.export("logs", "some/other/place", tables=["audio"])
    assert [path.name for path in Path("some").iterdir()] == ["what"]


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("moment", ["while", "last"])
def test_what_comes_while_it_is_written_is_seen(
    here: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool, moment: str
) -> None:
    if not exchange:
        monkeypatch.setattr(targets, "_rename", lambda *_: False)
    tbtools.export("logs", "ds")
    put = targets._put

    def late(*arguments: Path) -> None:
        Path("ds/late.txt").write_text("years of work")
        put(*arguments)

    if moment == "last":
        monkeypatch.setattr(targets, "_put", late)

    def write(beside: Path) -> None:
        beside.mkdir()
        if moment == "while":
            Path("ds/late.txt").write_text("years of work")

    with (
        pytest.raises(TargetExistsError, match="late"),
        staged(Path("ds"), force=True, folder=True) as beside,
    ):
        write(beside)
    assert Path("ds/late.txt").read_text() == "years of work"
    assert tbtools.open("ds").scalars.count_rows() == 2
    assert sorted(path.name for path in here.iterdir()) == ["ds", "logs"]


@pytest.mark.parametrize("exchange", [True, False])
def test_a_folder_is_replaced_with_and_without_an_exchange(
    here: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool
) -> None:
    if not exchange:
        monkeypatch.setattr(targets, "_rename", lambda *_: False)
    tbtools.export("logs", "ds")
    tbtools.export("logs", "ds", tables=["tags"], force=True)
    assert tbtools.open("ds").tables == ("tags",)
    assert sorted(path.name for path in here.iterdir()) == ["ds", "logs"]


def test_a_target_that_appears_meanwhile_stays(here: Path) -> None:
    def write(beside: Path) -> None:
        beside.write_text("ours")
        Path("x").write_text("theirs")

    with pytest.raises(TargetExistsError), staged(Path("x")) as beside:
        write(beside)
    assert Path("x").read_text() == "theirs"


def test_a_parent_that_leads_into_an_input_meanwhile_is_seen(here: Path) -> None:
    def write(beside: Path) -> None:
        beside.write_text("ours")
        Path("out").rename("away")
        link("out", "logs")

    Path("out").mkdir()
    with pytest.raises(UsageError), staged(Path("out/x"), ["logs"]) as beside:
        write(beside)
    assert not Path("logs/x").exists()


def test_one_function_decides(here: Path) -> None:
    check_target(Path("free"), ["logs"], force=False)
    check_target(Path("free"), ["logs", "gone", "s3://bucket/logs"], force=True, folder=True)
    Path("ds").mkdir()
    check_target(Path("ds"), [], force=True, folder=True)
    write_manifest(Path("ds"), "csv", {}, {})
    check_target(Path("ds"), [], force=True, folder=True)
    with pytest.raises(UsageError, match="no path"):
        check_target(Path("a\0b"), [], force=True)


def test_output_and_media_do_not_hold_each_other(here: Path) -> None:
    done = CliRunner().invoke(app, ["export", "logs", "-o", "m/x", "--media", "m"])
    assert "cannot lie in the folder of media" in str(done.exception)
    assert not Path("m").exists()
