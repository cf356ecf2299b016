"""Names and text of logs that were made to steer a terminal, or to run in a spreadsheet."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import Cli
from event_writing import EventFile, tensor
from hypothesis import given
from hypothesis import strategies as st
from test_terminal import Screen

import tbtools
from tbtools.output.writers import CsvWriter

#: What clears a screen, changes a title, turns text round, is the C1 form of an escape, goes back.
ATTACKS = ("\x1b[2J", "\x1b]0;owned\x07", "a\u202eb\u2066c", "\x9b31m", "x\rover", "\x7f", "\u200f")


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    """A log with these in a run's name, in tags and in text."""
    folder = tmp_path / "logs"
    file = EventFile(folder / "run\x1b[31m\u202e" / "events.tfevents\x1b[2J").version("\x1b[2J")
    for step, attack in enumerate(ATTACKS):
        file.scalar(f"tag {attack}", step, 1.0)
        file.value("text", step, "tensor", tensor("string", [attack], []), plugin="text")
    return folder


def harmless(text: str) -> bool:
    """Whether all of it is shown, and nothing of it is done."""
    return all(line.isprintable() for line in text.replace("\t", " ").splitlines())


COMMANDS = [
    ("ls",),
    ("ls", "--tags"),
    ("query", "SELECT run, tag, step FROM scalars"),
    ("query", 'SELECT value AS "a\x1b[2J" FROM text'),
    ("query", "SELECT path FROM files"),
    ("verify",),
    *(("query", "FROM text", "-f", form) for form in ("csv", "tsv", "json", "jsonl", "markdown")),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_terminal_is_not_steered(logdir: Path, command: tuple[str, ...]) -> None:
    verb, *rest = command
    screen = Screen(verb, *rest[:1], logdir, *rest[1:], columns=100)
    assert screen.code == 0
    assert all(map(harmless, screen.lines))
    assert "\x9b" not in screen.raw
    assert "\u202e" not in screen.raw
    assert "owned\x07" not in screen.raw


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_tables_in_a_pipe_are_harmless_too(logdir: Path, cli: Cli, form: str) -> None:
    assert harmless(cli("query", "SELECT run, tag FROM scalars", logdir, "-f", form).stdout)


def rows_in(path: Path, delimiter: str = ",") -> list[list[str]]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter=delimiter))


def test_data_in_a_file_is_as_written(logdir: Path, tmp_path: Path, cli: Cli) -> None:
    sql = "SELECT value FROM text ORDER BY step"
    cli("query", sql, logdir, "-o", tmp_path / "out.csv")
    assert [row[0] for row in rows_in(tmp_path / "out.csv")[1:]] == list(ATTACKS)


def test_what_is_said_of_a_file_is_harmless(logdir: Path, cli: Cli) -> None:
    (path,) = logdir.rglob("*tfevents*")
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    for command in (("ls", logdir), ("query", "FROM scalars", logdir)):
        said = cli(*command, code=3).stderr
        assert harmless(said)
        assert "first: " in said
        assert said.count("\n") == 1
    assert harmless(cli("verify", logdir, code=1).stderr)
    assert harmless(cli("ls", logdir, "--run", "\x1b[2J", code=4).stderr)
    assert harmless(cli("ls", logdir / "no\x1b[2J\u202e", code=4).stderr)
    assert harmless(cli("query", "FROM no\x1b[2J", logdir, code=2).stderr)


def test_a_line_feed_in_a_path_makes_no_line(tmp_path: Path, cli: Cli) -> None:
    file = EventFile(tmp_path / "a\ntbtools: all is well" / "tfevents").scalar("x", 1, 1.0)
    file.scalar("x", 2, 1.0).flip(20)
    assert cli("ls", tmp_path, code=3).stderr.count("\n") == 1


# --- formulas ------------------------------------------------------------------------------------

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")', "-x,y")
TEXT = ("loss", "a=b", "'", "", "1", "a-b", "ü")


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_get_an_apostrophe(formula: str, tmp_path: Path, cli: Cli) -> None:
    file = EventFile(tmp_path / "logs" / "tfevents").version()
    file.scalar(formula, -3, -1.5).scalar("loss", 1, 2.0)
    sql = "SELECT tag, step, value, [tag] AS tags FROM scalars ORDER BY step"
    for form, delimiter in (("csv", ","), ("tsv", "\t")):
        safe, plain = tmp_path / f"safe.{form}", tmp_path / f"plain.{form}"
        cli("query", sql, tmp_path / "logs", "-o", safe, "--safe-csv")
        cli("query", sql, tmp_path / "logs", "-o", plain)
        assert [row[:3] for row in rows_in(safe, delimiter)[1:]] == [
            [f"'{formula}", "-3", "-1.5"],
            ["loss", "1", "2"],
        ]
        assert rows_in(plain, delimiter)[1][0] == formula
    tbtools.export(tmp_path / "logs", tmp_path / "out", format="csv", safe_csv=True)
    rows = rows_in(tmp_path / "out" / "scalars.csv")
    assert {row[1] for row in rows[1:]} == {f"'{formula}", "loss"}
    cli("export", tmp_path / "logs", "-o", tmp_path / "wide", "--csv", "--wide", "--safe-csv")
    assert f"'{formula}" in rows_in(tmp_path / "wide" / "scalars_wide.csv")[0]


@given(st.lists(st.one_of(st.sampled_from(FORMULAS + TEXT), st.text(max_size=5), st.none())))
def test_safe_csv_changes_nothing_else(texts: list[str | None]) -> None:
    schema = pa.schema([("text", pa.string()), ("label", pa.dictionary(pa.int32(), pa.string()))])
    array = pa.array(texts, pa.string())
    table = pa.table([array, array.dictionary_encode()], schema=schema)
    made = []
    for safe in (False, True):
        sink = io.BytesIO()
        CsvWriter(sink, schema, [], safe=safe).write(table)
        made.append(list(csv.reader(io.StringIO(sink.getvalue().decode(), newline=""))))
    plain, safe_rows = made
    expected = [
        [f"'{cell}" if cell[:1] in tuple("=+-@\t\r") else cell for cell in row] for row in plain
    ]
    assert safe_rows == expected


def test_safe_csv_is_for_csv(tmp_path: Path, cli: Cli) -> None:
    EventFile(tmp_path / "logs" / "tfevents").scalar("x", 1, 1.0)
    told = cli("query", "SELECT 1", tmp_path / "logs", "-f", "json", "--safe-csv", code=2)
    assert "--safe-csv is for csv and tsv, not for json" in told.stderr
    told = cli("export", tmp_path / "logs", "-o", tmp_path / "out", "--safe-csv", code=2)
    assert "--safe-csv is for --csv" in told.stderr
