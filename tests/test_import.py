"""``tbtools import``: files of other formats → event files."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from conftest import DATA, Cli
from test_round_trip import canonical
from test_write_round_trip import rows_of

import tbtools
from tbtools.output.event_rows import targets
from tbtools.verbs.export import FORMATS


def scalars(logdir: Path) -> list[tuple[object, ...]]:
    """run, tag, step, wall_time and value of all scalars, in the order in which they stand."""
    rows = tbtools.open(logdir).scalars.to_table().to_pylist()
    return [(*row.values(),) for row in rows]


@pytest.mark.parametrize("name", ["handmade", "tf2", "torch"])
@pytest.mark.parametrize("format", FORMATS)
def test_what_export_wrote_is_imported(format: str, name: str, tmp_path: Path) -> None:
    source = tmp_path / ("x.duckdb" if format == "duckdb" else "x")
    done = tbtools.export(DATA / name, source, format=format)  # type: ignore[arg-type]
    written = tbtools.import_files(source, output=tmp_path / "logs", exact=True)
    found, expected = tbtools.open(tmp_path / "logs"), tbtools.open(DATA / name)
    for table in done.rows.keys() & targets().keys():
        again, rows = (canonical(rows_of(logs, table)) for logs in (found, expected))
        assert again == rows, table
    assert written.rows.keys() == done.rows.keys() & targets().keys()
    assert {*written.left_out} == done.rows.keys() - targets().keys() - {"tags"}


def test_rows_are_written_in_the_order_of_their_time(tmp_path: Path) -> None:
    source = DATA / "torch_resumed"
    tbtools.export(source, tmp_path / "x", tables=["scalars"])  # by step, which restarts repeat
    tbtools.import_files(tmp_path / "x", output=tmp_path / "logs")
    times = [row[3] for row in scalars(tmp_path / "logs")]
    assert times == sorted(times)  # type: ignore[type-var]


WRITE: dict[str, Callable[[pa.Table, Path], object]] = {
    "x.parquet": pq.write_table,
    "x.arrow": lambda rows, path: feather.write_feather(rows, str(path)),
    "x.csv": lambda rows, path: path.write_text("tag,step,value\nloss,1,0.5\nloss,2,NaN\n"),
    "x.tsv": lambda rows, path: path.write_text("tag\tstep\tvalue\nloss\t1\t0.5\nloss\t2\tNaN\n"),
    "x.jsonl": lambda rows, path: path.write_text(
        '{"tag":"loss","step":1,"value":0.5}\n{"tag":"loss","step":2,"value":"NaN"}\n'
    ),
    "x.json": lambda rows, path: path.write_text(
        '[{"tag":"loss","step":1,"value":0.5},{"tag":"loss","step":2,"value":"NaN"}]'
    ),
}


@pytest.mark.parametrize("name", WRITE)
def test_single_files_are_imported(name: str, tmp_path: Path, cli: Cli) -> None:
    rows = pa.table({"tag": ["loss"] * 2, "step": [1, 2], "value": [0.5, float("nan")]})
    WRITE[name](rows, tmp_path / name)
    done = cli("import", tmp_path / name, "-o", tmp_path / "logs", "--run", "a/b")
    assert done.stdout == ""
    assert done.stderr == "scalars: 2 rows\n"
    found = scalars(tmp_path / "logs")
    assert [row[:3] for row in found] == [("a/b", "loss", 1), ("a/b", "loss", 2)]
    assert [repr(row[4]) for row in found] == ["0.5", "nan"]


def test_wide_tables_have_a_tag_per_column(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "x.csv").write_text("step,loss,acc\n1,0.5,\n2,,0.25\n")
    cli("import", tmp_path / "x.csv", "-o", tmp_path / "logs")
    assert [(row[1], row[2], row[4]) for row in scalars(tmp_path / "logs")] == [
        ("loss", 1, 0.5),
        ("acc", 2, 0.25),
    ]


def test_what_tensorboard_downloads_is_imported(tmp_path: Path, cli: Cli) -> None:
    text = "Wall time,Step,Value\n1700000000.5,1,0.5\n"
    for name in ("one", "other"):
        (tmp_path / f"{name}.csv").write_text(text)
    files = [tmp_path / "one.csv", f"named={tmp_path / 'other.csv'}"]
    cli("import", *files, "--tag", "loss", "-o", tmp_path / "logs")
    assert scalars(tmp_path / "logs") == [
        ("named", "loss", 1, 1700000000.5, 0.5),
        ("one", "loss", 1, 1700000000.5, 0.5),
    ]


def test_times_may_be_dates(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(
        "step,tag,value,wall_time\n1,a,1,2024-01-01T00:00:00Z\n2,a,1,2024-01-01 00:00:01.5\n"
    )
    tbtools.import_files(tmp_path / "x.csv", output=tmp_path / "logs")
    assert [row[3] for row in scalars(tmp_path / "logs")] == [1704067200.0, 1704067201.5]


def test_what_is_rounded_and_left_out_is_said(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "x.csv").write_text("step,tag,value\n1,a,0.1\n2,a,0.5\n")
    done = cli("import", tmp_path / "x.csv", "-o", tmp_path / "logs")
    assert "1 scalars were rounded to float32 (--exact keeps them)" in done.stderr
    done = cli("import", tmp_path / "x.csv", "-o", tmp_path / "logs", "--exact", "--force")
    assert "rounded" not in done.stderr
    tbtools.export(DATA / "iris", tmp_path / "x")
    done = cli("import", tmp_path / "x", "-o", tmp_path / "again")
    assert "left out: files" in done.stderr
    done = cli("import", tmp_path / "x", "-o", tmp_path / "some", "--table", "scalars")
    assert "left out" not in done.stderr
    done = cli("import", tmp_path / "x", "-o", tmp_path / "none", "--table", "files", code=2)
    assert "the table 'files' cannot be written" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "code", "message"),
    [
        ("x.csv", "step,loss\n1,b\n", 2, 'column "loss".*Could not convert string "b"'),
        ("x.csv", "", 4, "no rows"),
        ("x.csv", "step,tag,value\n", 4, "no rows"),
        ("x.parquet", "junk", 2, "cannot read .*x.parquet"),
        ("x.arrow", "junk", 2, "cannot read .*x.arrow"),
        ("x.duckdb", "junk", 2, "cannot read .*x.duckdb"),
        ("x.jsonl", '{"a":', 2, "cannot read .*x.jsonl"),
        ("x.txt", "", 2, "ends like none of .parquet"),
    ],
)
def test_mistakes_are_one_line(
    name: str, content: str, code: int, message: str, tmp_path: Path, cli: Cli
) -> None:
    (tmp_path / name).write_text(content)
    done = cli("import", tmp_path / name, "-o", tmp_path / "logs", code=code)
    assert done.stderr.count("\n") == 1
    assert re.search(message, done.stderr)
    assert not (tmp_path / "logs").exists()


def test_other_paths_are_refused(tmp_path: Path, cli: Cli) -> None:
    done = cli("import", tmp_path / "x.csv", "-o", tmp_path / "logs", code=4)
    assert "there is no file" in done.stderr
    done = cli("import", tmp_path, "-o", "logs", code=2)
    assert "no dataset that tbtools exported" in done.stderr
    tbtools.export(DATA / "iris", tmp_path / "x")
    done = cli("import", tmp_path / "x", "-o", tmp_path / "x" / "logs", code=2)
    assert "lies in the logdir" in done.stderr
