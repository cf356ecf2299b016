"""Arbitrary projector files, manifests and Parquet files: read, or refused in one line."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from event_writing import EventFile
from hypothesis import given, settings
from hypothesis import strategies as st

import tbtools
from tbtools.files.discovery import list_runs
from tbtools.runs.projector import EMBEDDINGS, read_embeddings
from tbtools.tables.manifest import MANIFEST, foreign_file, read_manifest

#: In the suite a few; FUZZ_EXAMPLES=20000 for a long run.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))

# --- the projector -------------------------------------------------------------------------------

CONFIG = 'embeddings { tensor_name: "e" tensor_path: "e.tsv" metadata_path: "m.tsv" }\n'
SHAPED = CONFIG.replace("}", "tensor_shape: 2 tensor_shape: 3 }")

PATHS = st.sampled_from(
    ["e.tsv", "m.tsv", "../e.tsv", "/etc/passwd", "a/../e.tsv", "", ".", "..", "\\..\\x", "a\\b",
     "plugins", "e.tsv/x", "~/x", "\x01", "ü.tsv", "C:\\x", "//x", "e" * 300]
)  # fmt: skip
configs = st.one_of(
    st.builds(
        lambda name, tensor, metadata, shape: (
            f"embeddings {{ tensor_name: {json.dumps(name)} tensor_path: {json.dumps(tensor)} "
            f"metadata_path: {json.dumps(metadata)} "
            + " ".join(f"tensor_shape: {each}" for each in shape)
            + " }\n"
        ),
        st.text(max_size=5),
        PATHS,
        PATHS,
        st.lists(st.integers(-1, 4) | st.integers(0, 2**65), max_size=3),
    ).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.builds(
        lambda text, at, end, other: text[:at] + other + text[at + end :],
        st.sampled_from([CONFIG.encode(), SHAPED.encode()]),
        st.integers(0, len(SHAPED)),
        st.integers(0, 20),
        st.binary(max_size=6) | st.sampled_from([b"{", b"}", b'"', b"embeddings {" * 50, b"\xff"]),
    ),
    st.integers(0, 5000).map(lambda depth: b"a {" * depth + b"}" * depth),
    st.binary(max_size=60),
)
cells = st.sampled_from(
    [b"1", b"2.5", b"nan", b"-inf", b"1e999", b"", b" ", b"x", b"1_0", b"\xff", b"\x00", b"9" * 400,
     "\u0661".encode()]
)  # fmt: skip
tables = st.one_of(
    st.lists(st.lists(cells, max_size=4).map(b"\t".join), max_size=6).map(b"\n".join),
    st.lists(st.lists(cells, max_size=4).map(b"\t".join), max_size=6).map(b"\r\n".join),
    st.binary(max_size=48),
)


@settings(max_examples=EXAMPLES)
@given(configs, tables, tables)
def test_whatever_the_projectors_files_are_rows_are_whole_and_the_rest_is_told(
    config: bytes, vectors: bytes, metadata: bytes
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        EventFile(top / "tfevents").version()
        (top / "projector_config.pbtxt").write_bytes(config)
        (top / "e.tsv").write_bytes(vectors)
        (top / "m.tsv").write_bytes(metadata)
        problems: list[tuple[str, str]] = []
        for batch in read_embeddings(list_runs([folder]).runs[0], problems):
            assert batch.schema == EMBEDDINGS.schema
            assert batch.num_rows
            batch.validate(full=True)
        assert all(path.startswith(folder) and reason for path, reason in problems)


# --- manifests -----------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["scalars/part-0.parquet", "tags/part-0.parquet", "other.parquet", "../out", "/etc/passwd",
     "a/../../b",
     "", ".", "..", "a\\b", "a\0b", "scalars", "manifest.json", "x" * 300, "\ud800"]
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-2, 2),
    st.integers(),
    st.sampled_from([2**63, 10**30, 1e308, float("nan"), float("inf"), -float("inf"), 1.5]),
)
values = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5) | NAMES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | NAMES, inner, max_size=3)
    ),
    max_leaves=8,
)
ENTRY_NAMES = ("tbtools", "layout", "format", "tables", "files", "rows", "scalars", "tags")


def entries_in(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in some JSON."""
    found = [path]
    if isinstance(content, dict):
        for key, value in content.items():
            found += entries_in(value, (*path, key))
    elif isinstance(content, list):
        for index, value in enumerate(content):
            found += entries_in(value, (*path, index))
    return found


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of two tables."""
    folder = tmp_path_factory.mktemp("dataset")
    file = EventFile(folder / "logs" / "run" / "tfevents").version()
    for step in range(5):
        file.scalar("x", step, 1.0)
    tbtools.export(folder / "logs", folder / "out", tables=["scalars", "tags"])
    return folder / "out"


def assert_read_or_refused(path: Path) -> None:
    """Nothing but an error of tbtools, in one line, comes of a dataset."""
    for use in (
        lambda: read_manifest(str(path)),
        lambda: foreign_file(path),
        lambda: [logs[name].to_table() for logs in [tbtools.open(path)] for name in logs],
        lambda: tbtools.open(path).query("FROM scalars").fetchall(),
        lambda: tbtools.open(path, tag="x", steps=(1, 3))["scalars"].count_rows(),
        lambda: tbtools.open(path)["tags"].count_rows(),
    ):
        said = None
        try:
            use()
        except tbtools.TbtoolsError as error:
            said = str(error)
        except duckdb.Error as error:  # of a relation, which is DuckDB's own
            assert "is damaged" in str(error)  # noqa: PT017
        assert said is None or len(said.splitlines()) == 1, said


@st.composite
def changed_manifests(draw: st.DrawFn, content: Any) -> bytes:
    """A manifest in which something is something else."""
    content = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(entries_in(content)))
        inner = content
        for key in path[:-1]:
            inner = inner[key]
        change = draw(st.integers(0, 2))
        if not path:
            content = draw(values) if change == 0 else content
        elif change == 0:
            inner[path[-1]] = draw(values)
        elif change == 1:
            del inner[path[-1]]
        elif isinstance(inner, dict):
            inner[draw(NAMES | st.sampled_from(ENTRY_NAMES))] = inner[path[-1]]
    data = json.dumps(content).encode()
    if not draw(st.integers(0, 4)):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=4) | st.just(b"[" * 5000)) + data[at:]
    return data


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_whatever_a_manifest_says(dataset: Path, data: st.DataObject) -> None:
    manifest = dataset / MANIFEST
    before = manifest.read_bytes()
    try:
        manifest.write_bytes(
            data.draw(
                changed_manifests(json.loads(before))
                | values.map(lambda value: json.dumps(value).encode())
                | st.binary(max_size=30)
            )
        )
        assert_read_or_refused(dataset)
    finally:
        manifest.write_bytes(before)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1.5, -1, True, "5", None, [5]])
@pytest.mark.parametrize("where", ["rows", "files"])
def test_a_number_that_is_none_is_said(dataset: Path, where: str, value: Any) -> None:
    """Infinity was an OverflowError."""
    manifest = dataset / MANIFEST
    before = manifest.read_bytes()
    content = json.loads(before)
    if where == "rows":
        content["tables"]["scalars"]["rows"] = value
    else:
        content["files"]["scalars/part-0.parquet"] = value
    try:
        manifest.write_text(json.dumps(content))
        with pytest.raises(tbtools.UsageError, match="does not say what it should"):
            tbtools.open(dataset)
    finally:
        manifest.write_bytes(before)


# --- files that are not what the manifest says ---------------------------------------------------


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_whatever_a_parquet_file_holds(dataset: Path, data: st.DataObject) -> None:
    path = dataset / "scalars" / "part-0.parquet"
    before = path.read_bytes()
    changed = bytearray(before)
    for _ in range(data.draw(st.integers(1, 3))):
        last = len(changed) - 1
        at = data.draw(st.integers(0, last) | st.integers(last - 600, last))  # the footer, too
        changed[at] = data.draw(st.integers(0, 255))
    try:
        path.write_bytes(bytes(changed))
        assert_read_or_refused(dataset)
    finally:
        path.write_bytes(before)


def test_a_column_of_another_type_than_the_schema_has_ends_no_process(dataset: Path) -> None:
    path = dataset / "scalars" / "part-0.parquet"
    before = path.read_bytes()
    changed = bytearray(before)
    # In Thrift, the type of a column (2 is INT64, of step), its encodings, and its path.
    at = before.rindex(b"\x18\x04step")
    kind = before.rindex(b"\x15\x04", 0, at)
    changed[kind + 1] = 0x28
    try:
        path.write_bytes(bytes(changed))
        assert_read_or_refused(dataset)
    finally:
        path.write_bytes(before)


# In Thrift, a string of one letter: the least and greatest tag; and the name of a column.
@pytest.mark.parametrize("text", [b"\x18\x01x", b"\x18\x03tag"])
def test_statistics_that_are_no_text_say_nothing(dataset: Path, text: bytes) -> None:
    path = dataset / "scalars" / "part-0.parquet"
    before = path.read_bytes()
    try:
        at = before.rindex(text) + 2
        path.write_bytes(before[:at] + b"\x80" + before[at + 1 :])
        assert_read_or_refused(dataset)
    finally:
        path.write_bytes(before)


COLUMNS = ("run", "tag", "step", "wall_time", "value")


def table_of(*columns: Any) -> pa.Table:
    """One of the columns of scalars."""
    return pa.table(dict(zip(COLUMNS, columns, strict=True)))


OTHERS = {
    "no columns": pa.table({}),
    "other columns": pa.table({"a": [1, 2, 3]}),
    "some columns": pa.table({"run": ["r"], "step": [1]}),
    "other types": table_of([1], [2.5], ["x"], [b"y"], [[1]]),
    "text for numbers": table_of(["r"], ["x"], ["1"], [1.0], [1.0]),
    "nulls": table_of(*[pa.nulls(3)] * 5),
    "a column twice": pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["run", "run"]),
    "lists": table_of([["r"]], [["x"]], [[1]], [[1.0]], [[1.0]]),
}


@pytest.mark.parametrize("table", ["scalars", "tags"])
@pytest.mark.parametrize("other", OTHERS)
def test_a_parquet_file_with_other_columns(dataset: Path, other: str, table: str) -> None:
    path, manifest = dataset / table / "part-0.parquet", dataset / MANIFEST
    before, said = path.read_bytes(), manifest.read_bytes()
    try:
        pq.write_table(OTHERS[other], path)
        content = json.loads(said)
        content["files"][f"{table}/part-0.parquet"] = path.stat().st_size
        manifest.write_text(json.dumps(content))
        assert_read_or_refused(dataset)
    finally:
        path.write_bytes(before)
        manifest.write_bytes(said)


def test_a_column_whose_name_is_no_text(dataset: Path) -> None:
    """It was a UnicodeDecodeError."""
    path, manifest = dataset / "tags" / "part-0.parquet", dataset / MANIFEST
    before, said = path.read_bytes(), manifest.read_bytes()
    try:
        table = pa.table({"NNNN": [1]})
        pq.write_table(table, path, store_schema=False)
        path.write_bytes(path.read_bytes().replace(b"NNNN", b"N\x80NN"))
        content = json.loads(said)
        content["files"]["tags/part-0.parquet"] = path.stat().st_size
        manifest.write_text(json.dumps(content))
        with pytest.raises(tbtools.UsageError, match="is damaged: tags: "):
            tbtools.open(dataset)
    finally:
        path.write_bytes(before)
        manifest.write_bytes(said)
