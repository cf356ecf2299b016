"""What ``import`` tells while it reads: bytes, all of them at the end, and a bar for people."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from conftest import DATA
from test_import import WRITE
from test_terminal import Screen

import tbtools
from tbtools.verbs.export import FORMATS
from tbtools.verbs.imports import imported_bytes


def told(source: Path, out: Path, **options: object) -> list[int]:
    """The bytes that are told of."""
    found: list[int] = []
    tbtools.import_files(source, output=out, progress=found.append, **options)  # type: ignore[arg-type]
    assert min(found) >= 0
    return found


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("tables", [None, ["scalars"]])
def test_all_bytes_of_a_dataset_are_told(
    format: str, tables: list[str] | None, tmp_path: Path
) -> None:
    source = tmp_path / ("x.duckdb" if format == "duckdb" else "x")
    tbtools.export(DATA / "torch", source, format=format)  # type: ignore[arg-type]
    files = [source] if source.is_file() else [*source.rglob("*.*")]
    size = sum(path.stat().st_size for path in files if path.name != "manifest.json")
    assert imported_bytes(source) == size
    assert sum(told(source, tmp_path / "logs", tables=tables)) == size


@pytest.mark.parametrize("name", WRITE)
def test_all_bytes_of_a_file_are_told(name: str, tmp_path: Path) -> None:
    rows = pa.table({"tag": ["loss"] * 2, "step": [1, 2], "value": [0.5, 1.0]})
    WRITE[name](rows, tmp_path / name)
    size = (tmp_path / name).stat().st_size
    assert imported_bytes(tmp_path / name) == size
    assert sum(told(tmp_path / name, tmp_path / "logs")) == size


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_bytes_are_told_while_rows_are_read(format: str, tmp_path: Path) -> None:
    count = 200_000
    rows = {"tag": ["loss"] * count, "step": range(count), "value": [0.5] * count}
    tbtools.write(rows | {"wall_time": [1.0] * count}, tmp_path / "rows", table="scalars")
    source = tmp_path / f"x.{format}"
    tbtools.export(tmp_path / "rows", source, format=format, tables=["scalars"])  # type: ignore[arg-type]
    found = told(source, tmp_path / "logs")
    assert len([part for part in found if part]) > 3
    assert max(found) < sum(found) / 2


def test_what_is_not_there_has_no_bytes(tmp_path: Path) -> None:
    assert imported_bytes(tmp_path / "none.csv", tmp_path) == 0


def test_a_terminal_shows_a_bar_which_is_gone_at_the_end(tmp_path: Path) -> None:
    tbtools.export(DATA / "torch", tmp_path / "x")
    before = "import tbtools.cli.progress as p; p.PATIENCE = p.PAUSE = 0"
    out = tmp_path / "logs"
    screen = Screen("import", tmp_path / "x", "-o", out, columns=80, before=before)
    assert screen.code == 0
    assert "━" in screen.raw
    assert "━" not in screen.raw[screen.raw.index("scalars: ") :]
