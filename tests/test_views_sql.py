"""Views in SQL: beside the tables, in logdirs and exported datasets, read when they are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Cli
from event_writing import EventFile
from memory_tables import Made, logs_of

import tbtools
from tbtools.tables.logdir import all_specs
from tbtools.tables.views import VIEWS


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    """Two runs of four points."""
    for run in ("a", "b"):
        file = EventFile(tmp_path / "logs" / run / "events.tfevents").version()
        for step, value in enumerate((4.0, 2.0, 1.0, 1.0)):
            file.scalar("loss", step, value)
    return tmp_path / "logs"


SMOOTHED = [4.0, 2.75, 1.456 / 0.784, 1.2736 / 0.8704]  # with weight 0.6
SMOOTHED_HALF = [4.0, 2.0 / 0.75, 1.5 / 0.875, 1.25 / 0.9375]  # with weight 0.5


def test_views_are_listed_beside_the_tables(cli: Cli, logdir: Path) -> None:
    listed = cli("query", "SHOW TABLES", logdir).stdout.split()[1:]
    assert {"scalars", "tags", "runs", "files", "stats", "smoothed", "hparams_wide"} <= {*listed}
    described = cli("query", "DESCRIBE stats", logdir).stdout
    assert "final_step,BIGINT" in described


def test_the_command_line_queries_views(cli: Cli, logdir: Path) -> None:
    sql = "SELECT run, n, first, last, min, max, mean FROM stats ORDER BY run"
    printed = cli("query", sql, logdir).stdout
    assert printed == "run,n,first,last,min,max,mean\na,4,4,1,1,4,2\nb,4,4,1,1,4,2\n"
    assert "run,group_name,status" in cli("query", "FROM hparams_wide", logdir).stdout


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("smoothed", SMOOTHED),
        ("smoothed(weight := 0.6)", SMOOTHED),
        ("smoothed(weight := .5)", SMOOTHED_HALF),
        ("SMOOTHED( WEIGHT => 5e-1 )", SMOOTHED_HALF),
        ("smoothed(0.50)", SMOOTHED_HALF),
        ("smoothed(weight := 0)", [4.0, 2.0, 1.0, 1.0]),
    ],
)
def test_the_weight_of_the_smoothing_is_a_parameter(
    logdir: Path, source: str, expected: list[float]
) -> None:
    with tbtools.open(logdir) as logs:
        rows = logs.query(f"SELECT smoothed FROM {source} WHERE run = 'b'").fetchall()
    assert [value for (value,) in rows] == pytest.approx(expected)


def test_several_weights_fit_into_one_statement(logdir: Path) -> None:
    sql = """SELECT a.smoothed, b.smoothed FROM smoothed(weight := 0.6) a
             JOIN smoothed(weight := 0.5) b USING (run, tag, step) WHERE run = 'a' ORDER BY step"""
    for _ in range(2):
        rows = tbtools.query(sql, logdir).fetchall()
        assert [each for each, _ in rows] == pytest.approx(SMOOTHED)
        assert [each for _, each in rows] == pytest.approx(SMOOTHED_HALF)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("FROM smoothed(weight := 1.5)", "1.5 is no weight to smooth with"),
        ("FROM smoothed(weight := 1 - 0.1)", "has to be a plain number: smoothed(weight := 0.9)"),
        ("FROM stat", "no table is called 'stat'; nearest: stats"),
        ("SELECT maen FROM stats", "no column is called 'maen'; nearest: mean"),
    ],
)
def test_mistakes_are_one_line(cli: Cli, logdir: Path, sql: str, message: str) -> None:
    (line,) = cli("query", sql, logdir, code=2).stderr.splitlines()
    assert message in line


def test_nothing_is_read_before_a_statement_names_it() -> None:
    read: list[str] = []

    def table(name: str) -> Made:
        return all_specs()[name].schema, lambda _: read.append(name) or []

    with logs_of(**{name: table(name) for name in all_specs()}) as logs:
        assert logs.query("SELECT 1").fetchall() == [(1,)]
        logs.query("SHOW TABLES").fetchall()
        logs.query("DESCRIBE stats").fetchall()
        assert read == []
        logs.query("FROM stats").fetchall()
        assert read == ["scalars"]


def test_an_exported_dataset_has_the_views_whose_tables_it_has(
    cli: Cli, logdir: Path, tmp_path: Path
) -> None:
    cli("export", logdir, "-o", tmp_path / "x")
    for sql in (
        "FROM stats ORDER BY run",
        "FROM smoothed ORDER BY run, step",
        "FROM smoothed(weight := 0.9) ORDER BY run, step",
    ):
        expected = tbtools.query(sql, logdir).fetchall()
        assert tbtools.query(sql, tmp_path / "x").fetchall() == expected
        assert len(expected) in (2, 8)
    listed = set(cli("query", "SHOW TABLES", tmp_path / "x").stdout.split())
    assert listed & set(VIEWS) == {"stats", "smoothed"}
    assert "nearest" in cli("query", "FROM hparams_wide", tmp_path / "x", code=2).stderr
    tbtools.export(logdir, tmp_path / "y", tables=["runs"])
    assert tbtools.query("SELECT count(*) FROM runs", tmp_path / "y").fetchall() == [(2,)]


def test_a_table_goes_before_a_view_of_its_name(logdir: Path) -> None:
    lazy = tbtools.open(logdir)["scalars"]
    scalars = (lazy.schema, lambda _: lazy.to_batches())
    with logs_of(scalars=scalars, stats=scalars) as logs:
        assert logs.query("SELECT count(*) FROM stats").fetchall() == [(8,)]


def test_a_selection_comes_before_the_views(cli: Cli, logdir: Path) -> None:
    printed = cli("query", "SELECT run, n, mean FROM stats", logdir, "--run", "a", "--steps", "2:")
    assert printed.stdout == "run,n,mean\na,2,1\n"
    printed = cli("query", "SELECT smoothed FROM smoothed", logdir, "--run", "a", "--steps", "2:")
    assert printed.stdout == "smoothed\n1\n1\n"
