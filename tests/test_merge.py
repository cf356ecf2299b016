"""Parts of a training become one run, logdirs one; compared with the files in one folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import DATA, Cli
from event_writing import EventFile
from hypothesis import given
from hypothesis import strategies as st

import tbtools
from tbtools.errors import NothingFoundError, TargetExistsError, UnknownNameError, UsageError
from tbtools.selection import RestartPolicy

NAME = "events.out.tfevents.1"


def part(folder: Path, steps: range, begin: float, name: str = NAME, tag: str = "loss") -> Path:
    """A run that logs one tag, a value a second."""
    file = EventFile(folder / name).version()
    for second, step in enumerate(steps):
        file.scalar(tag, step, step / 2, wall_time=begin + second)
    return folder


def points(logdir: Path, **options: Any) -> list[tuple[str, str, int, float]]:
    """Run, tag, step and wall_time of the scalars."""
    rows = tbtools.open(logdir, **options).scalars.to_table()
    names = ("run", "tag", "step", "wall_time")
    return [*zip(*(rows[name].to_pylist() for name in names), strict=True)]


def steps(logdir: Path, **options: Any) -> list[int]:
    """The steps of the scalars."""
    return [step for _, _, step, _ in points(logdir, **options)]


# --- which runs, and in which order --------------------------------------------------------------


def test_arguments_that_are_runs_become_one_in_the_order_of_their_time(tmp_path: Path) -> None:
    late = part(tmp_path / "a", range(10, 20), 2000.0)
    early = part(tmp_path / "b", range(10), 1000.0)
    done = tbtools.merge([late, early], tmp_path / "out")
    assert points(tmp_path / "out") == [
        (".", "loss", step, 1000.0 + step if step < 10 else 1990.0 + step) for step in range(20)
    ]
    assert done.parts == {".": [str(early), str(late)]}
    tbtools.merge([late, early], tmp_path / "given", order="given")
    assert steps(tmp_path / "given") == [*range(10, 20), *range(10)]


def test_a_part_without_values_stays_where_it_was_given(tmp_path: Path) -> None:
    paths = [part(tmp_path / "c", range(2), 3000.0), part(tmp_path / "b", range(0), 0.0)]
    paths.append(part(tmp_path / "a", range(2), 1000.0))
    done = tbtools.merge(paths, tmp_path / "out")
    assert done.parts["."] == [str(paths[2]), str(paths[1]), str(paths[0])]


def test_logdirs_are_put_into_one(tmp_path: Path) -> None:
    part(tmp_path / "monday" / "one", range(2), 0.0)
    part(tmp_path / "tuesday" / "two" / "deep", range(3), 0.0)
    part(tmp_path / "tuesday", range(4), 0.0)
    done = tbtools.merge([tmp_path / "monday", tmp_path / "tuesday"], tmp_path / "out")
    assert sorted(done.parts) == [".", "one", "two/deep"]
    counts = tbtools.open(tmp_path / "out").runs.to_table(columns=["run", "points"]).to_pylist()
    assert {row["run"]: row["points"] for row in counts} == {".": 4, "one": 2, "two/deep": 3}


def test_runs_of_one_name_are_an_error_that_names_them(tmp_path: Path) -> None:
    for day in "ab":
        for run in ("train", "val"):
            part(tmp_path / day / run, range(2), 0.0)
    with pytest.raises(UsageError) as error:
        tbtools.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    for words in ("'train' is in", "'val' is in", str(tmp_path / "b" / "val"), "NAME=PATH", "--stitch"):  # fmt: skip  # noqa: E501
        assert words in str(error.value)
    assert not (tmp_path / "out").exists()


def test_named_logdirs_are_kept_apart(tmp_path: Path) -> None:
    for day in "ab":
        part(tmp_path / day / "train", range(2), 0.0)
    tbtools.merge([f"mon={tmp_path / 'a'}", f"tue/x={tmp_path / 'b'}"], tmp_path / "out")
    runs = tbtools.open(tmp_path / "out").runs.to_table()["run"].to_pylist()
    assert runs == ["mon/train", "tue/x/train"]
    tbtools.merge([f"mon={tmp_path / 'a'}", tmp_path / "b"], tmp_path / "mixed")
    runs = tbtools.open(tmp_path / "mixed").runs.to_table()["run"].to_pylist()
    assert runs == ["mon/train", "train"]


def test_stitch_puts_runs_of_one_name_together(tmp_path: Path) -> None:
    for day, begin in (("a", 1000.0), ("b", 0.0)):
        part(tmp_path / day / "train", range(int(begin) // 100, int(begin) // 100 + 3), begin)
    part(tmp_path / "b" / "val", range(3), 0.0)
    done = tbtools.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "out", stitch=True)
    assert steps(tmp_path / "out", run="train") == [0, 1, 2, 10, 11, 12]
    assert list(map(len, done.parts.values())) == [2, 1]


def test_into_makes_one_run_of_all(tmp_path: Path) -> None:
    for number in range(3):
        first = 3 * number
        part(tmp_path / "logs" / f"try_{number}", range(first, first + 3), 1000.0 * number)
    part(tmp_path / "logs" / "other", range(5), 0.0)
    logs = tbtools.open(tmp_path / "logs", run="try_*")
    tbtools.merge(logs, tmp_path / "out", into="whole")
    assert {run for run, *_ in points(tmp_path / "out")} == {"whole"}
    assert steps(tmp_path / "out") == [*range(9)]


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", ""])
def test_a_run_that_can_be_no_folder_is_refused(name: str, tmp_path: Path) -> None:
    part(tmp_path / "a", range(2), 0.0)
    with pytest.raises(UsageError, match="cannot be a folder"):
        tbtools.merge(tmp_path / "a", tmp_path / "out", into=name)


# --- restarts ------------------------------------------------------------------------------------

pieces = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("ab"), st.integers(0, 9)),
        st.tuples(st.just("START"), st.integers(0, 9)),
    ),
    max_size=8,
)


@given(
    parts=st.lists(st.lists(pieces, min_size=1, max_size=2), min_size=1, max_size=3),
    policy=st.sampled_from(["keep", "latest", "tensorboard"]),
    version=st.sampled_from([1, 2]),
)
def test_a_merged_run_is_what_its_files_in_one_folder_are(
    parts: list[list[list[tuple[str, int]]]],
    policy: RestartPolicy,
    version: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    time = 0.0
    paths = []
    for number, files in enumerate(parts):
        paths.append(folder / f"part_{number}")
        for index, events in enumerate(files):
            name = f"events.out.tfevents.{number}.{index}"
            file = EventFile(paths[-1] / name).version(f"brain.Event:{version}")
            for tag, step in events:
                time += 1
                if tag == "START":
                    file.session_start(step, wall_time=time)
                else:
                    file.scalar(tag, step, time, wall_time=time)
            (folder / "one").mkdir(exist_ok=True)
            shutil.copy(paths[-1] / name, folder / "one" / name)
    logs = tbtools.open(*paths, restarts=policy)
    done = tbtools.merge(logs, folder / "out", order="given")
    assert points(folder / "out") == points(folder / "one", restarts=policy)
    count = len([*(folder / "out").glob("*tfevents*")])
    assert count == done.runs["."].files_after
    assert 1 <= count <= (1 if policy != "keep" else sum(map(len, parts)))
    # TensorBoard has nothing left to drop, and what later parts wrote again can still be told.
    assert points(folder / "out", restarts="tensorboard") == points(folder / "out")
    inside = any(
        tag == "START" and place
        for files in parts
        for events in files
        for place, (tag, _) in enumerate(events)
    )
    if policy == "keep" and not inside:
        assert points(folder / "out", restarts="latest") == points(
            folder / "one", restarts="latest"
        )
    shutil.rmtree(folder)


@pytest.mark.parametrize("policy", ["keep", "latest", "tensorboard"])
def test_one_resumed_run_is_merged(policy: RestartPolicy, tmp_path: Path) -> None:
    logs = tbtools.open(DATA / "torch_resumed", restarts=policy)
    done = tbtools.merge(logs, tmp_path / "out")
    rows = tbtools.open(tmp_path / "out").scalars.to_table().to_pylist()
    assert rows == logs.scalars.to_table().to_pylist()
    assert done.overwritten == (90 if policy == "keep" else 0)
    assert done.runs["."].dropped_values == (90 if policy == "latest" else 0)


def test_golden_logs_keep_all_their_tables(tmp_path: Path) -> None:
    for name in ("iris", "torch", "tensorboardx", "tf1", "tf2", "handmade", "malformed"):
        before = tbtools.open(DATA / name)
        tbtools.merge(before, tmp_path / name)
        after = tbtools.open(tmp_path / name)
        for table in before.tables:
            if table not in ("runs", "files", "embeddings"):
                assert repr(after[table].to_table().to_pylist()) == repr(
                    before[table].to_table().to_pylist()
                ), (name, table)


# --- steps and times -----------------------------------------------------------------------------


def test_steps_of_parts_that_began_anew_go_on(tmp_path: Path) -> None:
    paths = [
        part(tmp_path / "a", range(0, 1000, 100), 0.0),
        part(tmp_path / "b", range(0, 500, 100), 1000.0),
        part(tmp_path / "c", range(1, 4), 2000.0),
    ]
    tbtools.merge(paths, tmp_path / "out", offset_steps=True)
    assert steps(tmp_path / "out") == [*range(0, 1500, 100), 1500, 1501, 1502]


def test_parts_that_are_moved_overwrite_only_their_own_values(tmp_path: Path) -> None:
    part(tmp_path / "a", range(10), 0.0)
    part(tmp_path / "a", range(5, 8), 100.0, f"{NAME}.2")
    part(tmp_path / "b", range(3), 1000.0)
    logs = tbtools.open(tmp_path / "a", tmp_path / "b", restarts="latest")
    tbtools.merge(logs, tmp_path / "out", offset_steps=True)
    assert steps(tmp_path / "out") == [*range(11)]


def test_a_step_that_would_not_fit_is_said(tmp_path: Path) -> None:
    part(tmp_path / "a", range(2**63 - 3, 2**63 - 1), 0.0)
    part(tmp_path / "b", range(5), 1000.0)
    with pytest.raises(UsageError, match="64 bits"):
        tbtools.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "out", offset_steps=True)


def test_pauses_are_taken_out_of_the_times(tmp_path: Path) -> None:
    part(tmp_path / "a", range(3), 1000.0)
    part(tmp_path / "a", range(3, 6), 2000.0, f"{NAME}.2")  # a restart in the same folder
    part(tmp_path / "b", range(6, 9), 5000.0)
    part(tmp_path / "c", range(9, 12), 5001.0)  # two writers at a time: no pause
    paths = [tmp_path / name for name in "abc"]
    done = tbtools.merge(paths, tmp_path / "out", close_gaps=True)
    times = [time - 1000 for *_, time in points(tmp_path / "out")]
    assert times == [0, 1, 2, 2, 3, 4, 4, 5, 6, 5, 6, 7]
    assert done.pauses == {".": 998 + 2998}


# --- what is of the run as a whole ---------------------------------------------------------------


def test_equal_graphs_are_kept_once_and_starts_are_left_out(tmp_path: Path) -> None:
    for number, graph in enumerate([b"\n\3\n\1x", b"\n\3\n\1x", b"\n\3\n\1y"]):
        file = EventFile(tmp_path / str(number) / NAME).version(writer=f"writer {number}")
        file.session_start(number).what("graph_def", graph)
        file.tensor_scalar("t", number, 0.5, plugin="scalars" if not number else "")
    paths = [tmp_path / str(number) for number in range(3)]
    done = tbtools.merge(tbtools.open(*paths, restarts="latest"), tmp_path / "out")
    assert (done.equal_graphs, done.starts) == (1, 2)
    logs = tbtools.open(tmp_path / "out")
    assert logs.graph_nodes.to_table()["name"].to_pylist() == ["x", "y"]
    assert logs.messages.count_rows() == 1
    assert steps(tmp_path / "out") == [0, 1, 2]
    files = logs["files"].to_table().to_pylist()
    assert [(file["writer"], file["file_version"]) for file in files] == [
        ("tbtools", "brain.Event:2")
    ]


def test_metadata_of_a_value_that_goes_is_told_by_the_next(tmp_path: Path) -> None:
    EventFile(tmp_path / "a" / NAME).version().tensor_scalar("t", 5, 0.5)
    file = EventFile(tmp_path / "b" / NAME).version()
    file.tensor_scalar("t", 3, 1.5, plugin="", wall_time=2e9)
    logs = tbtools.open(tmp_path / "a", tmp_path / "b", restarts="latest")
    tbtools.merge(logs, tmp_path / "out")
    assert steps(tmp_path / "out") == [3]


# --- where it goes -------------------------------------------------------------------------------


def test_a_dataset_can_be_made(tmp_path: Path) -> None:
    paths = [part(tmp_path / "a", range(10), 0.0), part(tmp_path / "b", range(5, 15), 100.0)]
    logs = tbtools.open(*paths, restarts="latest")
    tbtools.merge(logs, tmp_path / "set", format="parquet")
    assert steps(tmp_path / "set") == [*range(15)]
    assert (tmp_path / "set" / "scalars").is_dir()


def test_nothing_is_written_where_it_may_not_be(tmp_path: Path) -> None:
    paths = [part(tmp_path / "a", range(2), 0.0), part(tmp_path / "b", range(2), 0.0)]
    for output in (tmp_path / "a", tmp_path / "a" / "out", tmp_path):
        with pytest.raises(UsageError):
            tbtools.merge(paths, output, force=True)
    tbtools.merge(paths, tmp_path / "out")
    with pytest.raises(TargetExistsError):
        tbtools.merge(paths, tmp_path / "out")
    tbtools.merge(paths, tmp_path / "out", force=True)


def test_what_makes_no_sense_is_said(tmp_path: Path) -> None:
    paths = [part(tmp_path / "a", range(2), 0.0), part(tmp_path / "b", range(2), 0.0)]
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="leave some out with rewrite"):
        tbtools.merge(tbtools.open(*paths, tag="loss"), out)
    with pytest.raises(UsageError, match="leave some out with rewrite"):
        tbtools.merge(tbtools.open(*paths, steps=":5"), out)
    with pytest.raises(UnknownNameError, match="nearest: time"):
        tbtools.merge(paths, out, order="times")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="nearest: parquet"):
        tbtools.merge(paths, out, format="parket")  # type: ignore[arg-type]
    with pytest.raises(NothingFoundError):
        tbtools.merge([tmp_path / "a", tmp_path / "none"], out)
    tbtools.export(tmp_path / "a", tmp_path / "set")
    with pytest.raises(UsageError, match="no event files"):
        tbtools.merge([tmp_path / "set"], out)


def test_the_command_tells_what_it_did(cli: Cli, tmp_path: Path) -> None:
    part(tmp_path / "a", range(10), 0.0)
    part(tmp_path / "b", range(5, 15), 100.0)
    done = cli("merge", "a", "b", "-o", "out", "--close-gaps", cwd=tmp_path)
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        ".: a, b",
        ".: pauses of 91.0 s were taken out",
        "5 values were written again by a later part (--restarts latest leaves them out)",
        "2 runs in 1: 20 events, 0 values left out",
    ]
    done = cli("merge", "a", "-o", "one", cwd=tmp_path)
    assert done.stderr == "1 run: 10 events, 0 values left out\n"
    cli("merge", "a", "b", "-o", "latest", "--restarts", "latest", "--into", "x", cwd=tmp_path)
    assert steps(tmp_path / "latest", run="x") == [*range(15)]
    cli("merge", "a", "b", "-o", "out", code=2, cwd=tmp_path)
    cli("merge", "a", "c", "-o", "out2", code=4, cwd=tmp_path)
    cli("merge", "-o", "out2", code=2, cwd=tmp_path)


def test_damage_is_told_and_ends_with_3(cli: Cli, tmp_path: Path) -> None:
    part(tmp_path / "a", range(10), 0.0)
    file = EventFile(tmp_path / "b" / NAME).version().scalar("loss", 20, 1.0, wall_time=100.0)
    file.scalar("loss", 21, 1.0, wall_time=101.0).flip(file.offsets[1] + 20)
    done = cli("merge", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "out", code=3)
    assert "1 damaged record in 1 of 2 files" in done.stderr
    assert steps(tmp_path / "out") == [*range(10), 21]
