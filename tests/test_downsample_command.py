"""``tbtools downsample``: what it writes, says and refuses, and how it ends."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from conftest import DATA, Cli
from event_writing import EventFile

import tbtools
from tbtools.tables.views.thinning import METHODS


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    """Two runs of two tags of 500 and 50 points."""
    for run, count in (("a", 500), ("b", 50)):
        file = EventFile(tmp_path / "logs" / run / "events.tfevents").version()
        for step in range(count):
            file.scalars(step, {"loss": math.sin(step / 9), "lr": 1 / (step + 1)})
    return tmp_path / "logs"


def rows(path: Path) -> list[str]:
    """The scalars of a logdir or dataset, in a certain order."""
    return sorted(map(str, tbtools.open(path).scalars.to_table().to_pylist()))


def test_the_default_is_m4_with_a_thousand_points(cli: Cli, logdir: Path, tmp_path: Path) -> None:
    EventFile(logdir / "a" / "more.tfevents").version()
    file = EventFile(logdir / "c" / "events.tfevents").version()
    for step in range(3_000):
        file.scalar("loss", step, math.sin(step))
    done = cli("downsample", logdir, "-o", tmp_path / "out")
    assert done.stdout == ""
    made = tbtools.downsample(logdir, points=1000, method="m4")
    assert 1_100 + 900 < made.num_rows <= 1_100 + 1_000
    assert done.stderr == f"scalars: {made.num_rows:,} of 4,100 rows\n"
    assert rows(tmp_path / "out") == sorted(map(str, made.to_pylist()))


def test_a_dataset_is_written(cli: Cli, logdir: Path, tmp_path: Path) -> None:
    cli("downsample", logdir, "-o", tmp_path / "out", "--points", 100, "--parquet")
    made = tbtools.downsample(logdir, points=100)
    assert rows(tmp_path / "out") == sorted(map(str, made.to_pylist()))
    assert [*(tmp_path / "out" / "scalars").iterdir()] == [tmp_path / "out/scalars/part-0.parquet"]


def test_options_choose_what_is_read(cli: Cli, logdir: Path, tmp_path: Path) -> None:
    done = cli("downsample", logdir, "-o", tmp_path / "out", "--points", 20, "--run", "a",
               "--tag", "l*", "--exclude-tag", "lr", "--steps", "100:200", "--table", "scalars",
               "--method", "stride")  # fmt: skip
    assert done.stderr == "scalars: 20 of 100 rows\n"
    found = tbtools.open(tmp_path / "out").scalars.to_table().to_pylist()
    assert {(row["run"], row["tag"]) for row in found} == {("a", "loss")}
    assert [row["step"] for row in found] == [100 + 99 * number // 19 for number in range(20)]


@pytest.mark.parametrize("form", [[], ["--parquet"]])
def test_only_force_replaces_what_there_is(
    cli: Cli, logdir: Path, tmp_path: Path, form: list[str]
) -> None:
    out = tmp_path / "out"
    cli("downsample", logdir, "-o", out, "--points", 100, *form)
    before = rows(out)
    done = cli("downsample", logdir, "-o", out, "--points", 10, *form, code=2)
    assert "--force" in done.stderr
    assert rows(out) == before
    cli("downsample", logdir, "-o", out, "--points", 10, *form, "--force", "--method", "stride")
    assert len(rows(out)) == 40
    other = tmp_path / "mine"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    cli("downsample", logdir, "-o", other, "--points", 10, *form, "--force", code=2)
    assert (other / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("form", [[], ["--parquet"]])
@pytest.mark.parametrize("place", [".", "a", "below", "a/below"])
def test_nothing_is_written_into_what_is_read(
    cli: Cli, logdir: Path, place: str, form: list[str]
) -> None:
    before = sorted(logdir.rglob("*"))
    out = logdir / place
    done = cli("downsample", logdir, "-o", out, "--points", 10, "--force", *form, code=2)
    assert len(done.stderr.splitlines()) == 1
    assert sorted(logdir.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--points", "5"], 2, "5 points are too few"),
        (["--method", "ltb"], 2, "lttb"),
        (["--table", "scalrs"], 2, "nearest: scalars"),
        (["--table", "tags"], 2, "has no points"),
        (["--table", "node_stats"], 2, "cannot be written to event files"),
        (["--tag", "nothing"], 4, "nothing"),
    ],
)
def test_mistakes_end_with_a_code_and_write_nothing(
    cli: Cli, logdir: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = cli("downsample", logdir, "-o", tmp_path / "out", *arguments, code=code)
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_logs_that_are_not_there_and_a_missing_output(cli: Cli, tmp_path: Path) -> None:
    cli("downsample", tmp_path / "no", "-o", tmp_path / "out", code=4)
    cli("downsample", DATA / "torch", code=2)


def test_what_was_damaged_is_told(cli: Cli, logdir: Path, tmp_path: Path) -> None:
    file = EventFile(logdir / "c" / "events.tfevents").version()
    file.scalar("loss", 1, 0.5).scalar("loss", 2, 0.5)
    file.flip(file.offsets[1] + 15)
    done = cli("downsample", logdir, "-o", tmp_path / "out", "--points", 100, code=3)
    assert "1 damaged record" in done.stderr
    assert len(tbtools.open(tmp_path / "out", run="c").scalars.to_table()) == 1
    cli("downsample", logdir, "-o", tmp_path / "more", "--on-damage", "fail", code=1)
    assert not (tmp_path / "more").exists()


def test_odd_values_that_are_left_out_are_told(cli: Cli, logdir: Path, tmp_path: Path) -> None:
    file = EventFile(logdir / "c" / "events.tfevents").version()
    for step in range(100):
        file.scalar("loss", step, math.nan if step % 2 else 1.0)
    done = cli("downsample", logdir, "-o", tmp_path / "out", "--points", "20")
    assert "45 values that are NaN or infinite were left out\n" in done.stderr


def test_edges_are_written_with_their_graph(cli: Cli, tmp_path: Path) -> None:
    done = cli("downsample", DATA / "tf1", "-o", tmp_path / "out", "--points", "6")
    assert "graph_edges" not in done.stderr
    assert "left out: node_stats" in done.stderr
    edges = [tbtools.open(path).graph_edges.count_rows() for path in (DATA / "tf1", tmp_path)]
    assert edges[0] == edges[1] > 0


@pytest.mark.parametrize("method", METHODS)
def test_the_same_logs_give_the_same_bytes(
    cli: Cli, logdir: Path, tmp_path: Path, method: str
) -> None:
    outs = [tmp_path / name for name in ("one", "two")]
    for out in outs:
        cli.in_a_process("downsample", logdir, "-o", out, "--points", "30", "--method", method)
    written = [
        {path.relative_to(out): path.read_bytes() for path in out.rglob("*tfevents*")}
        for out in outs
    ]
    assert written[0] == written[1]
    assert len(written[0]) == 2


def test_sql_has_the_default_method_and_points(logdir: Path) -> None:
    file = EventFile(logdir / "c" / "events.tfevents").version()
    for step in range(3_000):
        file.scalar("long", step, math.sin(step * step))
    logs = tbtools.open(logdir)
    found = logs.query("FROM downsample('loss', 60) WHERE run = 'a'").to_arrow_table().to_pylist()
    expected = tbtools.downsample(logdir, points=60, method="m4", run="a", tag="loss").to_pylist()
    assert found == expected
    assert 40 < len(found) <= 60
    whole = logs.query("FROM downsample()").to_arrow_table().to_pylist()
    assert whole == tbtools.downsample(logdir, points=1000, method="m4").to_pylist()
    assert 1_100 + 900 < len(whole) <= 1_100 + 1_000
