"""What the core hands to Arrow: valid, owned by whoever holds it, and freed exactly once."""

from __future__ import annotations

import gc
import threading

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from event_writing import EventFile
from hypothesis import given
from process_memory import is_told, resident
from strategies import files

from tbtools import _core

TAG = pa.dictionary(pa.int32(), pa.string())
METADATA = pa.dictionary(pa.int32(), pa.binary())
FIELD = pa.dictionary(pa.int8(), pa.string())
POINTS = pa.schema(
    [
        pa.field("tag", TAG, nullable=False),
        pa.field("step", pa.int64(), nullable=False),
        pa.field("wall_time", pa.float64(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
    ]
)
ROWS = pa.schema(
    [
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("tag", TAG),
        pa.field("step", pa.int64(), nullable=False),
        pa.field("wall_time", pa.float64(), nullable=False),
        pa.field("field", FIELD, nullable=False),
        pa.field("metadata", METADATA),
        pa.field("value", pa.float64()),
        pa.field("payload", pa.binary()),
        pa.field("points_before", pa.int64(), nullable=False),
    ]
)
TAGS = pa.schema([pa.field("tag", TAG, nullable=False), pa.field("metadata", METADATA)])
PARTS = {"points": POINTS, "rows": ROWS, "tags": TAGS}


def scanned(file: EventFile | None = None) -> _core.Scan:
    """A scan with points, rows, nulls of every kind and two metadata."""
    if file is None:
        file = EventFile().version().scalar("a", 1, 0.5).scalar("b", 2, 1.5, metadata=b"m")
        file.value("b", 3, "image", b"payload", plugin="images").session_start(4)
        file.tensor_scalar("c", 5, 0.25, plugin="").value("d", 6, plugin="hparams")
    return _core.scan(file.bytes, offsets=True)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("file", [None, EventFile()], ids=["full", "empty"])
def test_every_part_is_valid_and_has_its_schema(part: str, file: EventFile | None) -> None:
    table = getattr(scanned(file), part)
    batch = pa.record_batch(table)
    batch.validate(full=True)
    assert batch.schema == PARTS[part]
    counts = {"points": 2, "rows": 5, "tags": 4}
    assert batch.num_rows == len(table) == (counts[part] if file is None else 0)


@given(files())
def test_every_part_of_any_file_is_valid(file: EventFile) -> None:
    at = 0
    while at < len(file):
        scan = _core.scan(file.bytes, at, offsets=True, at_end=True)
        for part, schema in PARTS.items():
            batch = pa.record_batch(getattr(scan, part))
            batch.validate(full=True)
            assert batch.schema == schema
        at = scan.skip_to


def test_a_part_may_be_exported_again_and_again() -> None:
    points = scanned().points
    first, second = pa.record_batch(points), pa.record_batch(points)
    assert first == second
    assert first["step"].buffers()[1].address == second["step"].buffers()[1].address


def test_a_capsule_can_be_consumed_once() -> None:
    capsules = scanned().rows.__arrow_c_array__()
    assert pa.RecordBatch._import_from_c_capsule(*capsules).num_rows == 5
    with pytest.raises(ValueError, match="released"):
        pa.RecordBatch._import_from_c_capsule(*capsules)


def test_a_requested_schema_may_be_ignored() -> None:
    requested = pa.schema([pa.field("other", pa.int8())]).__arrow_c_schema__()
    schema, array = scanned().tags.__arrow_c_array__(requested)
    assert pa.RecordBatch._import_from_c_capsule(schema, array).schema == TAGS


@pytest.mark.parametrize("part", PARTS)
def test_an_export_outlives_its_scan(part: str) -> None:
    scan = scanned()
    batch = pa.record_batch(getattr(scan, part))
    before = batch.to_pylist()
    column = batch["tag"]
    del scan, batch
    gc.collect()
    assert column.to_pylist() == [row["tag"] for row in before]


def test_an_export_may_be_released_by_another_thread() -> None:
    batches = [pa.record_batch(scanned().rows) for _ in range(100)]
    expected = batches[0].to_pylist()
    kept = batches[50]
    thread = threading.Thread(target=batches.clear)
    thread.start()
    thread.join()
    assert kept.to_pylist() == expected


def test_memory_of_a_released_batch_is_used_again_and_that_of_a_kept_one_is_not() -> None:
    kept: list[tuple[int, int, pa.RecordBatch]] = []
    for turn in range(40):
        rows = (8_000, 9_000, 20_000, 40_000, 100_000)[turn % 5]
        window = EventFile().scalar("a", turn, turn / 2).bytes * rows
        kept.append((turn, rows, pa.record_batch(_core.scan(window).points)))
        if len(kept) > 7:
            del kept[turn * 5 % 7]
    for turn, rows, batch in kept:
        assert batch.num_rows == rows
        assert set(batch["step"].to_numpy()) == {turn}
        assert set(batch["value"].to_numpy()) == {turn / 2}


@pytest.mark.skipif(not is_told, reason="only Linux tells the memory in use so simply")
@pytest.mark.parametrize("use", ["nothing", "capsules", "import", "import twice"])
@pytest.mark.parametrize(
    ("payload", "rounds"), [(1 << 20, 100), (1, 20_000)], ids=["large batches", "small structs"]
)
def test_nothing_leaks_whether_capsules_are_consumed_or_not(
    use: str, payload: int, rounds: int
) -> None:
    window = EventFile().value("a", 1, "image", bytes(payload), plugin="images").bytes

    def once() -> None:
        capsules = _core.scan(window).rows.__arrow_c_array__() if use != "nothing" else None
        if use.startswith("import"):
            pa.RecordBatch._import_from_c_capsule(*capsules)
        if use == "import twice":
            with pytest.raises(ValueError, match="released"):
                pa.RecordBatch._import_from_c_capsule(*capsules)

    for _ in range(rounds // 10):
        once()
    before = resident()
    for _ in range(rounds):
        once()
    assert resident() - before < 15 << 20  # a leak would be of 40 MB and more


def test_polars_takes_a_part_as_it_is() -> None:
    frame = pl.DataFrame(scanned().points)
    assert frame["tag"].to_list() == ["a", "b"]
    assert frame["value"].to_list() == [0.5, 1.5]
    rows = pl.DataFrame(scanned().rows)
    assert rows["field"].to_list() == ["file_version", "image", "session_log", "tensor", "metadata"]
    assert rows["payload"].null_count() == 1
    assert pl.DataFrame(scanned(EventFile()).rows).height == 0


def test_duckdb_takes_a_part_as_it_is() -> None:
    points = scanned().points
    found = duckdb.sql("SELECT tag, sum(value) FROM points GROUP BY tag ORDER BY tag").fetchall()
    assert len(points) == 2
    assert found == [("a", 0.5), ("b", 1.5)]
