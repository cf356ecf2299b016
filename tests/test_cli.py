"""The command line: what it prints, how it ends, and what it does as a process."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from conftest import Cli
from event_writing import EventFile
from test_terminal import Screen

import tbtools


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    """Runs a and b with loss and lr."""
    for run in ("a", "b"):
        file = EventFile(tmp_path / "logs" / run / "events.tfevents").version()
        for step in range(50):
            file.scalar("loss", step, 1 / (step + 1)).scalar("lr", step, 0.5)
    return tmp_path / "logs"


def damage(logdir: Path) -> None:
    """Flip one bit of run b."""
    path = logdir / "b" / "events.tfevents"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


def test_version(cli: Cli) -> None:
    assert cli("--version").stdout == f"tbtools {tbtools.__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom tbtools.cli import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        "bad = {'pyarrow', 'duckdb', 'polars', 'google'} & set(sys.modules)\nassert not bad, bad"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_commands_import_neither_pandas_nor_numpy(logdir: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom tbtools.cli import main\n"
        "try: main()\nexcept SystemExit as end: assert not end.code, end\n"
        "names = [name for name, module in sys.modules.items() if module is not None]\n"
        "bad = {'pandas', 'numpy'} & {name.partition('.')[0] for name in names}\n"
        "assert 'pyarrow' in names and not bad, bad\nprint('checked', file=sys.stderr)"
    )
    for arguments in (
        ["ls", str(logdir)],
        ["query", "SELECT avg(value) FROM scalars", str(logdir)],
        ["export", str(logdir), "-o", str(tmp_path / "x")],
    ):
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr.splitlines()[-1] == "checked"
        assert "Error" not in done.stderr


def test_it_is_a_program(cli: Cli, logdir: Path, tmp_path: Path) -> None:
    sql = "SELECT run, count(*) AS n FROM scalars GROUP BY run ORDER BY run"
    assert cli.in_a_process("query", sql, logdir).stdout == "run,n\na,100\nb,100\n"
    assert cli.in_a_process("ls", logdir).stdout == cli("ls", logdir).stdout
    damage(logdir)
    done = cli.in_a_process("export", logdir, "-o", tmp_path / "x", code=3)
    assert "1 damaged record" in done.stderr
    (line,) = cli.in_a_process("ls", tmp_path / "gone", code=4).stderr.splitlines()
    assert line.startswith("tbtools: there is no file or folder")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown(cli: Cli, shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert "tbtools" in cli("--show-completion", shell).stdout


def test_ls_lists_runs_and_tags(cli: Cli, logdir: Path) -> None:
    runs = cli("ls", logdir, "-f", "json").stdout
    assert [(run["run"], run["points"], run["tables"]) for run in json.loads(runs)] == [
        ("a", 100, ["scalars"]),
        ("b", 100, ["scalars"]),
    ]
    tags = cli("ls", logdir, "--tags", "--run", "a").stdout.splitlines()
    assert tags[0].startswith("run,tag,table,plugin")
    assert [line.split(",")[:3] for line in tags[1:]] == [
        ["a", "loss", "scalars"],
        ["a", "lr", "scalars"],
    ]
    brief = cli("ls", logdir, "-f", "table").stdout.splitlines()
    assert brief[0].split() == [
        "run", "tags", "points", "steps", "last_time", "tables", "restarts", "damaged",
    ]  # fmt: skip
    assert "0..49" in brief[2]


def test_ls_tells_of_restarts(cli: Cli, logdir: Path) -> None:
    EventFile(logdir / "a" / "events.tfevents.2").version().scalar("loss", 45, 0.0)
    out = cli("ls", logdir, "-f", "markdown").stdout
    assert "2 segments; latest drops 5, tensorboard 0" in out


def test_query_prints_every_format(cli: Cli, logdir: Path, tmp_path: Path) -> None:
    sql = "SELECT run, count(*) AS n, 'a|b' AS odd FROM scalars GROUP BY run ORDER BY run"
    out = {
        form: cli("query", sql, logdir, "-f", form).stdout
        for form in ("csv", "tsv", "json", "jsonl", "markdown", "table")
    }
    assert out["csv"] == "run,n,odd\na,100,a|b\nb,100,a|b\n"
    assert out["tsv"] == "run\tn\todd\na\t100\ta|b\nb\t100\ta|b\n"
    expected = [{"run": run, "n": 100, "odd": "a|b"} for run in "ab"]
    assert json.loads(out["json"]) == expected
    assert [json.loads(line) for line in out["jsonl"].splitlines()] == expected
    assert out["markdown"].splitlines()[2] == "| a | 100 | a\\|b |"
    assert out["table"].splitlines()[2].split() == ["a", "100", "a|b"]
    cli("query", sql, logdir, "-o", tmp_path / "x.parquet")
    assert duckdb.read_parquet(str(tmp_path / "x.parquet")).fetchall() == [
        ("a", 100, "a|b"),
        ("b", 100, "a|b"),
    ]
    cli("query", sql, logdir, "-o", tmp_path / "x.parquet", code=2)
    cli("query", sql, logdir, "-o", tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == out["csv"]


def test_no_rows_are_valid_json(cli: Cli, logdir: Path) -> None:
    sql = "SELECT * FROM scalars WHERE step < 0"
    assert json.loads(cli("query", sql, logdir, "-f", "json").stdout) == []
    assert cli("query", sql, logdir).stdout == "run,tag,step,wall_time,value\n"


def test_a_real_pipe_into_pandas_and_arrow(logdir: Path) -> None:
    query = f"{sys.executable} -P -m tbtools query 'SELECT tag, max(value) AS m FROM scalars GROUP BY tag ORDER BY tag' {logdir}"  # noqa: E501
    pandas = "\"import pandas, sys; print(pandas.read_csv(sys.stdin).to_dict('list'))\""
    arrow = (
        '"import pyarrow as pa, sys; '
        'print(pa.ipc.open_stream(sys.stdin.buffer).read_all().to_pydict())"'
    )
    for command in (
        f"{query} | {sys.executable} -c {pandas}",
        f"{query} -f arrow | {sys.executable} -c {arrow}",
    ):
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "{'tag': ['loss', 'lr'], 'm': [1.0, 0.5]}"
        assert done.stderr == ""


def test_a_reader_that_goes_away_is_no_failure(logdir: Path) -> None:
    command = f"set -o pipefail; {sys.executable} -P -m tbtools query 'FROM scalars a, scalars b' {logdir} | head -1"  # noqa: E501
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("run,tag,step")


def test_sql_may_come_from_stdin_or_a_file(cli: Cli, logdir: Path, tmp_path: Path) -> None:
    sql = "SELECT count(*) AS n FROM scalars"
    (tmp_path / "q.sql").write_text(sql)
    assert cli("query", "-", logdir, stdin=sql).stdout == "n\n200\n"
    assert cli("query", tmp_path / "q.sql", logdir).stdout == "n\n200\n"
    assert "no file" in cli("query", "gone.sql", logdir, code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["query", "SELECT * FROM scalrs"], 2, "no table is called 'scalrs'; nearest: scalars"),
        (["query", "SELECT setp FROM scalars"], 2, "nearest: step"),
        (["query", "SELECT 1", "--steps", "x"], 2, "A:B"),
        (["query", "SELECT 1/0::INT, error('no')"], 2, "no"),
        (["ls", "--run", "c"], 4, "no run matches 'c'; there are 2 runs"),
        (["ls", "--tag", "nope"], 4, "no tag matches"),
        (["export", "-o", "OUT", "--table", "scalar"], 2, "nearest: scalars"),
        (["export", "-o", "OUT", "--csv", "--arrow"], 2, "give one format"),
        (["export", "-o", "OUT.csv"], 2, "--table"),
        (["query", "SELECT 1", "-o", "OUT.xyz"], 2, "--format"),
    ],
)
def test_mistakes_are_one_line(
    cli: Cli, logdir: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    filled = [each.replace("OUT", str(tmp_path / "out")) for each in arguments]
    done = cli(*filled, "--logdir", logdir, code=code)
    (line,) = done.stderr.splitlines()
    assert line.startswith("tbtools: ")
    assert message in line
    assert not list(tmp_path.glob("out*"))


def test_nothing_found_is_4(cli: Cli, tmp_path: Path) -> None:
    assert "no file or folder" in cli("ls", tmp_path / "gone", code=4).stderr
    assert "no event file" in cli("ls", tmp_path, code=4).stderr


def test_damage_is_one_line_and_3(cli: Cli, logdir: Path, tmp_path: Path) -> None:
    damage(logdir)
    done = cli("query", "SELECT count(*) AS n FROM scalars", logdir, code=3)
    assert done.stdout == "n\n199\n"
    (line,) = done.stderr.splitlines()
    assert "1 damaged record in 1 of 2 files" in line
    assert "events.tfevents: wrong data CRC at offset" in line
    cli("ls", logdir, code=3)
    cli("export", logdir, "-o", tmp_path / "x", code=3)
    failed = cli("query", "FROM scalars", logdir, "--on-damage", "fail", code=1)
    (line,) = failed.stderr.splitlines()
    assert "wrong data CRC at offset" in line
    stopped = cli("query", "SELECT count(*) FROM scalars", logdir, "--on-damage", "stop", code=3)
    assert int(stopped.stdout.splitlines()[1]) < 150


def test_a_torn_tail_is_told_and_0(cli: Cli, logdir: Path) -> None:
    path = logdir / "a" / "events.tfevents"
    path.write_bytes(path.read_bytes()[:-5])
    done = cli("query", "SELECT count(*) AS n FROM scalars", logdir)
    assert done.stdout == "n\n199\n"
    assert done.stderr == "tbtools: 1 file ending inside a record\n"


def test_the_logdir_may_come_from_the_environment(
    cli: Cli, logdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("query", "SELECT count(*) AS n FROM scalars", cwd=logdir).stdout == "n\n200\n"
    monkeypatch.setenv("TBTOOLS_LOGDIR", str(logdir / "a"))
    assert cli("query", "SELECT count(*) AS n FROM scalars").stdout == "n\n100\n"


def test_all_three_open_an_exported_dataset(cli: Cli, logdir: Path, tmp_path: Path) -> None:
    out = tmp_path / "x"
    done = cli("export", logdir, "--parquet", "-o", out)
    assert "scalars: 200 rows" in done.stderr
    assert cli("ls", out).stdout == cli("ls", logdir).stdout
    assert cli("query", "SELECT count(*) AS n FROM scalars", out).stdout == "n\n200\n"
    cli("export", out, "--csv", "-o", tmp_path / "y.csv", "--table", "scalars", "--tag", "l?")
    assert len((tmp_path / "y.csv").read_text().splitlines()) == 101
    cli("export", logdir, "--wide", "-o", tmp_path / "w.csv")
    assert (tmp_path / "w.csv").read_text().splitlines()[0] == "run,step,wall_time,loss,lr"


def on_a_terminal(*arguments: object) -> str:
    """What a command prints to a terminal of 80 columns, stdout and stderr together."""
    screen = Screen(*arguments, columns=80)
    assert screen.code == 0
    return screen.raw


def test_a_terminal_gets_a_table_that_fits(logdir: Path) -> None:
    printed = on_a_terminal("query", "SELECT run, tag, step FROM scalars", logdir)
    # On a machine that is busy there was a progress bar, which is taken away again.
    lines = printed.rpartition("\x1b[2K")[2].splitlines()
    assert "181 more rows (-f csv or -o FILE gives all)" in lines[-1]
    assert len(lines) <= 24
    assert max(len(re.sub("\x1b\\[[0-9;]*m", "", line)) for line in lines) <= 80


def test_text_from_a_log_does_not_steer_the_terminal(tmp_path: Path) -> None:
    EventFile(tmp_path / "tfevents").scalar("red \x1b[31m[bold]alert\x07", 1, 1.0)
    printed = on_a_terminal("query", "SELECT tag FROM scalars", tmp_path)
    assert "\x1b[31m" not in printed
    assert "\x07" not in printed
    assert "red \\x1b[31m[bold]alert\\x07" in printed
