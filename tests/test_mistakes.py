"""What people and their systems do wrong: one line that says what and where, and no traceback."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Cli
from event_writing import EventFile

import tbtools
from tbtools.cli import app
from tbtools.errors import NothingFoundError, TbtoolsError, UsageError, WriteError
from tbtools.files.storage import LocalStorage, read_each
from tbtools.output.wide import column_names, widen
from tbtools.schema import plain_schema
from tbtools.verbs.export import Format

FORMATS = ("parquet", "arrow", "csv", "jsonl", "duckdb")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with ``logs`` in it: two runs of a thousand points."""
    monkeypatch.chdir(tmp_path)
    for run in ("a", "b"):
        file = EventFile(Path("logs") / run / "events.tfevents").version()
        for step in range(1000):
            file.scalar("loss", step, step / 7)
    return tmp_path


def mistake(*arguments: object, code: int | None = None, lines: tuple[int, ...] = (1,)) -> str:
    """The message of a command that fails, in this process; it has to be one line.

    Of a statement that DuckDB cannot parse it has three: its line, and a caret below the place.
    """
    with pytest.raises(TbtoolsError) as caught:
        app([str(each) for each in arguments], prog_name="tbtools")
    message = str(caught.value)
    assert len(message.splitlines()) in lines, message
    assert caught.value.exit_code in ((1, 2, 4) if code is None else (code,))
    return message


# --- statements ----------------------------------------------------------------------------------


def test_a_file_of_sql_has_to_be_text(cli: Cli, here: Path) -> None:
    Path("q.sql").write_bytes(b"SELECT '\xff'")
    assert "'q.sql' is not UTF-8, which SQL has to be: byte 0xff at offset 8" in mistake(
        "query", "q.sql", "logs", code=2
    )
    Path("q.sql").write_bytes(b"\xef\xbb\xbfSELECT 1 AS one")  # as Windows writes it
    assert cli("query", "q.sql", "logs").stdout == "one\n1\n"
    Path("q.sql").write_text(" \n")
    assert "holds no statement" in mistake("query", "q.sql", "logs", code=2)
    assert "there is no file" in mistake("query", "gone.sql", "logs", code=2)


def test_a_folder_is_no_statement(here: Path) -> None:
    assert "'logs' is a folder" in mistake("query", "logs", code=2)


def test_a_file_of_sql_that_may_not_be_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("q.sql").write_text("SELECT 1")
    refuse(monkeypatch, Path, "read_bytes", errno.EACCES)
    assert "cannot read 'q.sql': Permission denied" in mistake("query", "q.sql", "logs", code=2)


@pytest.mark.parametrize("data", [b"SELECT '\xff'", b"", b"\n"])
def test_stdin_has_to_be_text(here: Path, data: bytes) -> None:
    done = process("query", "-", "logs", input=data)
    assert done.returncode == 2
    assert done.stderr.startswith(b"tbtools: stdin ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("sql", ["x" * 5000, "SELECT '" + "x" * 5000, "a\0b", "SELECT\0", "\ud800"])
def test_a_statement_may_be_anything(here: Path, sql: str) -> None:
    message = mistake("query", sql, "logs", lines=(1, 3)).splitlines()
    assert len(message) == 1 or message[2].strip(" ") == "^" * len(message[2].strip(" "))


def test_times_need_no_pandas(cli: Cli, here: Path) -> None:
    sql = "SELECT to_timestamp(0) AS t, TIMESTAMP_NS '2020-01-01 00:00:00.123456789' AS n, [t] AS l"
    (row,) = json.loads(cli.in_a_process("query", sql, "logs", "-f", "json").stdout)
    assert row["n"] == "2020-01-01 00:00:00.123456789"
    shown = cli.in_a_process("query", "SELECT to_timestamp(0) AS t", "logs", "-f", "table")
    assert "1970-01-01" in shown.stdout


def test_what_a_format_cannot_hold(here: Path) -> None:
    for ending in ("parquet", "csv"):
        message = mistake("query", "SELECT INTERVAL 1 DAY AS d", "logs", "-o", f"d.{ending}")
        assert "CAST" in message
        assert not list(here.glob("*d.*"))


# --- where logs are ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000, "x/" * 2500, "", "\ud800", "a=\0"])
@pytest.mark.parametrize("command", ["ls", "export", "query", "graph"])
def test_a_logdir_may_be_called_anything(here: Path, path: str, command: str) -> None:
    sql = ["SELECT 1"] if command == "query" else []
    to = ["-o", "out"] if command == "export" else []
    with pytest.raises(NothingFoundError, match="no file or folder"):
        app([command, *sql, path, *to], prog_name="tbtools")
    assert not Path("out").exists()


def test_a_run_may_have_a_name_that_is_no_text(here: Path) -> None:
    odd = os.fsdecode(b"odd/r\xff")
    EventFile(Path(odd) / "events.tfevents").version().scalar("x", 1, 2.0)
    logs = tbtools.open("odd")
    assert logs.query("SELECT run, value FROM scalars").fetchall() == [("r\\xff", 2.0)]
    assert logs.query("SELECT path FROM runs").fetchall() == [("odd/r\\xff",)]
    assert logs.query("SELECT path FROM files").fetchall() == [("odd/r\\xff/events.tfevents",)]
    tbtools.export("odd", "out")


def test_two_runs_of_one_name_are_not_made_one(here: Path) -> None:
    EventFile(Path("first/b/tfevents")).version().scalar("x", 1, 1.0)
    EventFile(Path("second/tfevents")).version().scalar("x", 1, 2.0)
    with pytest.raises(UsageError, match="'a/b': 'first/b' and 'second'; name"):
        tbtools.open("a=first", "a/b=second")


def test_a_file_that_vanishes_is_told(here: Path) -> None:
    logs = tbtools.open("logs")
    Path("logs/a/events.tfevents").unlink()
    assert logs.scalars.count_rows() == 1000
    assert [health.unreadable for health in logs.health] == ["No such file or directory", None]
    strict = tbtools.open("logs", on_damage="fail")
    Path("logs/b/events.tfevents").unlink()
    with pytest.raises(tbtools.DamageError, match=r"logs/b/events\.tfevents: No such file"):
        strict.scalars.count_rows()


def test_a_file_that_may_not_be_read_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    refuse(monkeypatch, LocalStorage, "open", errno.EACCES)
    monkeypatch.setattr(LocalStorage, "read_many", read_each)
    with pytest.raises(SystemExit) as end:
        app(["ls", "logs"], prog_name="tbtools")
    assert end.value.code == 3
    said = capfd.readouterr().err
    assert "2 files could not be read" in said
    assert "logs/a/events.tfevents: Permission denied" in said


def test_a_folder_that_may_not_be_listed_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    entries = LocalStorage.entries

    def some(self: LocalStorage, path: str) -> Any:
        if path.endswith("b"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return entries(self, path)

    monkeypatch.setattr(LocalStorage, "entries", some)
    with pytest.raises(SystemExit) as end:
        app(["ls", "logs", "-f", "csv"], prog_name="tbtools")
    assert end.value.code == 3
    said = capfd.readouterr()
    assert "could not be read; first: logs/b: Permission denied" in said.err
    assert said.out.splitlines()[1].startswith("a,")
    assert "logs/b cannot be listed: Permission denied" in mistake("ls", "logs/b", code=4)


# --- datasets ------------------------------------------------------------------------------------

SMALL = '{"tbtools": "9", "layout": 1, "format": "parquet", "tables": {}, "files": {}}'


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ('{"tbtools": "0.1.0", "layout": 1, "form', "not JSON, or only a part of it"),
        ('{"tbtools": ' + "[" * 100_000, "not JSON"),
        ('{"tbtools": "0.1.0"}', "does not say what it should"),
        (SMALL.replace("1", '"1"'), "does not say what it should"),
        (SMALL.replace("1", "0"), "does not say what it should"),
        (SMALL.replace('"tables": {}', '"tables": []'), "does not say what it should"),
        (SMALL.replace('"tables": {}', '"tables": {"x": 1}'), "does not say what it should"),
        (SMALL.replace('"tables": {}', '"tables": {"x": {"files": ["x"]}}'), "what it should"),
        (SMALL.replace('"files": {}', '"files": {"../x": 1}'), "does not say what it should"),
        (SMALL.replace('"files": {}', '"files": {"/etc/passwd": 1}'), "does not say"),
        (SMALL.replace('"files": {}', '"files": {"x": null}'), "does not say what it should"),
        (SMALL.replace('"parquet"', "null"), "does not say what it should"),
        (SMALL.replace("1", "2"), "written by tbtools 9, in a layout that this version"),
        (SMALL.replace("parquet", "orc"), "a dataset of orc files; only Parquet and Arrow"),
        ('{"name": "an application"}', "no event file"),
        ("{", "no event file"),
        ("", "no event file"),
    ],
)
def test_a_manifest_may_hold_anything(here: Path, manifest: str, message: str) -> None:
    Path("ds").mkdir()
    Path("ds/manifest.json").write_text(manifest)
    for command in (["ls"], ["query", "FROM scalars"], ["graph"], ["export", "-o", "out"]):
        assert message in mistake(*command, "--logdir", "ds")


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_a_part_may_be_missing_truncated_or_garbled(here: Path, form: Format) -> None:
    tbtools.export("logs", "ds", format=form)
    (part,) = Path("ds/scalars").iterdir()
    data = part.read_bytes()
    part.write_bytes(data[:-1])
    assert f"{len(data) - 1:,} bytes, and {len(data):,} were written" in mistake("ls", "ds")
    part.write_bytes(bytes(len(data)))
    assert "the dataset 'ds' is damaged" in mistake("ls", "ds")
    part.write_bytes(data[:200] + bytes(len(data) - 1200) + data[-1000:])
    for command in (["query", "SELECT sum(value) FROM scalars", "-f", "csv"],
                    ["export", "-o", "out"], ["export", "-o", "w.csv", "--wide"]):  # fmt: skip
        assert "damaged" in mistake(*command, "--logdir", "ds")
    part.unlink()
    assert "part-0" in mistake("ls", "ds", code=2)
    part.mkdir()
    assert "part-0" in mistake("ls", "ds", code=2)
    assert sorted(path.name for path in here.iterdir()) == ["ds", "logs"]


# --- outputs -------------------------------------------------------------------------------------


def refuse(monkeypatch: pytest.MonkeyPatch, where: type, name: str, number: int) -> None:
    """Let a method raise what the system would."""

    def raising(*arguments: object, **_: object) -> None:
        raise OSError(number, os.strerror(number), *map(str, arguments[1:2]))

    monkeypatch.setattr(where, name, raising)


WRITING: list[Callable[[str], list[str]]] = [
    lambda to: ["ls", "logs", "-f", "csv", "-o", to],
    lambda to: ["query", "FROM scalars", "logs", "-f", "parquet", "-o", to],
    lambda to: ["export", "logs", "-o", to],
    lambda to: ["export", "logs", "-o", to, "--duckdb"],
    lambda to: ["export", "logs", "-o", to, "--wide", "--csv"],
]


@pytest.mark.parametrize("command", WRITING)
@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("/proc/x", "cannot write /proc/x: "),
        ("/proc/x/y", "cannot write /proc/x/y: "),
        ("logs/a/events.tfevents/x", "lies in the logdir"),
        ("file/x", "file is not a folder"),
        ("file/x/y/z", "file is not a folder"),
        ("x" * 256, "File name too long"),
        ("x" * 256 + "/y", "File name too long"),
        ("loop/x", "cannot write loop/x: "),
    ],
)
def test_places_that_cannot_be_written_to(
    here: Path, command: Callable[[str], list[str]], to: str, message: str
) -> None:
    Path("file").write_text("")
    Path("loop").symlink_to("loop")
    before = sorted(here.rglob("*"))
    assert message in mistake(*command(to))
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize("command", WRITING)
@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT])
def test_a_parent_that_may_not_be_written_to(
    here: Path, command: Callable[[str], list[str]], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, Path, "mkdir", number)
    before = sorted(here.rglob("*"))
    for to in ("x", "new/deep/x"):
        assert os.strerror(number) in mistake(*command(to), code=1)
    assert sorted(here.rglob("*")) == before


def process(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own, which has to end without a traceback."""
    options.setdefault("stderr", subprocess.PIPE)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tbtools", *map(str, arguments)], check=False, **options
    )
    assert b"Traceback" not in (done.stderr or b"")
    assert b"Exception ignored" not in (done.stderr or b"")
    return done


def small_files() -> None:
    """The nearest to a full disk that anybody may have: no file may grow over 1 KB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))


@pytest.mark.parametrize(
    "arguments",
    [
        *(["query", "FROM scalars", "logs", "-f", form, "-o", "new/x"]
          for form in ("csv", "tsv", "json", "jsonl", "markdown", "table", "arrow", "parquet")),
        *(["export", "logs", "-o", "new/x", f"--{form}"] for form in FORMATS),
        *(["export", "logs", "-o", "new/x", "--wide", f"--{form}"] for form in FORMATS),
        ["export", "logs", "--media", "new/x"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_full_disk_is_one_line_and_leaves_nothing(here: Path, arguments: list[str]) -> None:
    file = EventFile(Path("logs/c/events.tfevents")).version()
    file.value("big", 1, "image", b"\x22\x80\x80\x04" + os.urandom(1 << 16))
    before = sorted(here.rglob("*"))
    done = process(*arguments, preexec_fn=small_files)
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("tbtools: cannot write new/x: ")
    assert sorted(here.rglob("*")) == before


def test_a_bug_of_ours_is_not_hidden(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> None:
        raise pa.ArrowInvalid("a bug")

    monkeypatch.setattr("tbtools.output.writers.CsvWriter.write", wrong)
    with pytest.raises(pa.ArrowInvalid, match="a bug"):
        tbtools.export("logs", "x", format="csv")
    assert [path.name for path in here.iterdir()] == ["logs"]


def test_an_ending_that_says_nothing(here: Path) -> None:
    for name in ("x", "x.xyz", ".csv"):
        assert "--format" in mistake("query", "SELECT 1", "logs", "-o", name, code=2)


# --- streams -------------------------------------------------------------------------------------

PRINTING = [
    ["--help"],
    ["export", "--help"],
    ["--version"],
    ["ls", "logs"],
    ["ls", "logs", "--tags", "-f", "table"],
    ["graph", "graphs", "-f", "pbtxt"],
    ["graph", "graphs", "--nodes"],
    *(["query", "FROM scalars a, scalars b LIMIT 100000", "logs", "-f", form]
      for form in ("csv", "tsv", "json", "jsonl", "markdown", "table", "arrow", "parquet")),
]  # fmt: skip


@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_readers_may_go_away_and_disks_be_full(here: Path, arguments: list[str]) -> None:
    from graph_building import log_of, small_model

    log_of(EventFile(Path("graphs/events.tfevents")).version(), small_model())
    reading, writing = os.pipe()
    os.close(reading)
    done = process(*arguments, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
    if Path("/dev/full").exists():
        with Path("/dev/full").open("wb") as full:
            done = process(*arguments, stdout=full)
        assert done.returncode == 1
        assert done.stderr == b"tbtools: cannot write stdout: No space left on device\n"


def test_nobody_has_to_read_what_is_said(here: Path) -> None:
    for arguments, code in ((["export", "logs", "-o", "x"], 0), (["ls", "gone"], 4),
                            (["ls", "--nope"], 2)):  # fmt: skip
        reading, writing = os.pipe()
        os.close(reading)
        assert process(*arguments, stderr=writing).returncode == code
        os.close(writing)
    assert tbtools.open("x").scalars.count_rows() == 2000


def test_streams_may_be_closed(here: Path) -> None:
    run = f"{sys.executable} -P -m tbtools"
    for command, code in ((f"{run} ls logs >&-", 0), (f"{run} ls logs -f csv 2>&-", 0),
                          (f"{run} query - logs <&-", 2), (f"{run} --help >&-", 0),
                          (f"{run} query 'FROM scalars' logs -o y.csv >&- 2>&-", 0)):  # fmt: skip
        done = subprocess.run(command, shell=True, capture_output=True, check=False)
        assert done.returncode == code, command
        assert b"Traceback" not in done.stderr
    assert Path("y.csv").read_text().count("\n") == 2001


@pytest.mark.parametrize(
    "arguments",
    [
        ["query", "SELECT count(*) FROM scalars a, scalars b, scalars c, scalars d", "logs"],
        ["query", "FROM scalars a, scalars b, scalars c", "logs", "-o", "x.csv"],
        ["query", "FROM scalars a, scalars b, scalars c", "logs", "-f", "jsonl"],
    ],
    ids=["waiting", "to a file", "printing"],
)
def test_interruption_is_quiet(here: Path, arguments: list[str]) -> None:
    working = subprocess.Popen(
        [sys.executable, "-P", "-m", "tbtools", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    time.sleep(3)
    working.send_signal(signal.SIGINT)
    _, said = working.communicate(timeout=60)
    assert said == b""
    assert working.returncode in (130, -signal.SIGINT)  # a shell makes 130 of the latter as well
    assert [path.name for path in here.iterdir()] == ["logs"]


# --- wide ----------------------------------------------------------------------------------------

ODD = ["", "step", "Step", "STEP", "step (tag)", "step (tag) (2)", "run", "wall_time", "Loss",
       "loss", "a\0b", "a\0c", "a\\0b", "a\nb", 'q"x', "é", "É", "(tag)", " ",
       "x" * 3000]  # fmt: skip


def test_names_of_columns_never_collide() -> None:
    names = column_names(sorted(ODD))
    by_tag = dict(zip(sorted(ODD), names, strict=True))
    lower = [name.lower() for name in names]
    assert len({*lower, "run", "step", "wall_time"}) == len(ODD) + 3
    assert not [name for name in names if not name or "\0" in name]
    kept = {"step (tag)", "step (tag) (2)", "Loss", "a\\0c", "a\nb", 'q"x', "(tag)", " "}
    assert {tag for tag in ODD if by_tag[tag] == tag} >= kept - {"a\\0c"}
    assert by_tag["loss"] == "loss (tag)"
    assert by_tag["STEP"] == "STEP (tag) (3)"
    assert by_tag[""] == "(tag) (2)"
    assert by_tag["a\0c"] == "a\\0c"


@pytest.mark.parametrize("form", FORMATS)
def test_wide_takes_any_tag(here: Path, form: Format) -> None:
    file = EventFile(Path("odd/events.tfevents")).version()
    for number, tag in enumerate(ODD):
        file.scalar(tag, 1, float(number))
    tbtools.export("odd", f"x.{form}", format=form, wide=True)
    if form == "duckdb":
        with duckdb.connect("x.duckdb", read_only=True) as connection:
            (row,) = connection.execute("FROM scalars_wide").fetchall()
    elif form == "arrow":
        with pa.ipc.open_file("x.arrow") as file_:
            (row,) = zip(*file_.read_all().to_pydict().values(), strict=True)
    else:
        (row,) = duckdb.sql(f"FROM read_{form.removesuffix('l')}('x.{form}')".replace(
            "read_csv('x.csv')", "read_csv('x.csv', header = true, delim = ',', quote = '\"')"
        )).fetchall()  # fmt: skip
    assert [float(value) for value in row[3:]] == [float(ODD.index(tag)) for tag in sorted(ODD)]


def test_wide_has_thousands_of_columns_in_bounded_pieces(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tbtools.output.wide.MOST_CELLS", 3 * 2200)
    for run in ("b", "a"):
        file = EventFile(Path("many") / run / "tfevents").version()
        for step in (5, 3, 4, 2, 1):
            for number in range(step, 3000, 7):
                file.scalar(f"t{number:04}", step, number + step / 8)
    logs = tbtools.open("many")
    with widen(logs.scalars) as wide:
        pieces = list(wide.pieces)
    assert [piece.num_rows for piece in pieces] == [3, 3, 3, 1]
    table = pa.concat_tables(pieces)
    assert table.schema == wide.schema
    assert table.schema.names[3:] == sorted(table.schema.names[3:])
    keys = list(zip(table["run"].to_pylist(), table["step"].to_pylist(), strict=True))
    assert keys == [(run, step) for run in "ab" for step in range(1, 6)]
    for (_, step), row in zip(keys, table.to_pylist(), strict=True):
        found = {name: value for name, value in row.items() if name[0] == "t" and value is not None}
        assert found == {f"t{n:04}": n + step / 8 for n in range(step, 3000, 7)}
    tbtools.export(logs, "wide.parquet", wide=True)
    assert pq.read_table("wide.parquet") == table.cast(pq.read_schema("wide.parquet"))


def test_damage_is_told_of_wide_tables_too(here: Path) -> None:
    path = Path("logs/a/events.tfevents")
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(tbtools.DamageError, match="wrong data CRC"):
        tbtools.export("logs", "w.csv", format="csv", wide=True, on_damage="fail")


def test_wide_writes_nothing_into_the_current_folder(here: Path) -> None:
    tbtools.export("logs", "out/w.csv", format="csv", wide=True)
    assert sorted(path.name for path in here.iterdir()) == ["logs", "out"]


def test_dictionaries_are_stripped_in_one_place() -> None:
    schema = pa.schema([("a", pa.dictionary(pa.int32(), pa.string())), ("b", pa.int64())])
    assert plain_schema(schema) == pa.schema([("a", pa.string()), ("b", pa.int64())])


def test_errors_of_the_system_are_of_one_kind() -> None:
    assert issubclass(WriteError, TbtoolsError)
    assert WriteError.exit_code == 1
