"""Logs by real writers, against what TensorBoard's own loader reads of them, value by value."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import DATA

import tbtools
from tbtools.kinds import table_specs
from tbtools.tables.logdir import all_specs

NAMES = sorted(path.name.removesuffix(".truth.jsonl") for path in DATA.glob("*.truth.jsonl"))

Row = dict[str, Any]
Key = tuple[str, str, int, float]


def truth(name: str, plugin: str) -> list[Row]:
    """The values of a plugin."""
    lines = (DATA / f"{name}.truth.jsonl").read_text("utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    # The loader looks at one value at a time; a tag's plugin counts for those that name none.
    known = {(row["run"], row["tag"]): row["plugin"] for row in found if row["plugin"]}
    return [
        row for row in found if (row["plugin"] or known.get((row["run"], row["tag"]))) == plugin
    ]


def key_of(row: Row) -> Key:
    return row["run"], row["tag"], row["step"], row["wall_time"]


def numbers(values: list[Any]) -> list[str]:
    """Numbers so that NaN is equal to itself."""
    return [repr(float(value)) for value in values]


def rows(name: str, table: str) -> list[Row]:
    """The rows of a table, which may not exist yet."""
    if table not in all_specs():
        pytest.skip(f"there is no table {table} yet")
    found: list[Row] = tbtools.open(DATA / name)[table].to_table().to_pylist()
    return found


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def by_value(found: list[Row], column: str) -> dict[Key, list[Any]]:
    """A column's values, of all rows that come from one value."""
    result: dict[Key, list[Any]] = {}
    for row in found:
        result.setdefault(key_of(row), []).append(row[column])
    return result


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_golden_log_is_damaged_or_refused(name: str) -> None:
    logs = tbtools.open(DATA / name)
    found = logs.events.to_table().to_pylist()
    refused = [(row["tag"], row["reason"]) for row in found if row["reason"]]
    # float64 has no form for a complex number, so that the payload is kept instead.
    odd = [("raw/complex64", "complex64 values cannot be read as numbers")]
    assert refused == (odd if name == "tf2" else [])
    assert sum(health.undecoded for health in logs.health) == len(refused)
    assert not any(health.damaged_records for health in logs.health)


@pytest.mark.parametrize("name", NAMES)
def test_scalars_are_equal(name: str) -> None:
    expected = truth(name, "scalars")
    found = rows(name, "scalars")
    order = sorted(map(key_of, expected))
    assert sorted(map(key_of, found)) == order
    # The loader sees a legacy scalar as float32, which float64 holds exactly.
    values = {key: numbers(value) for key, value in by_value(found, "value").items()}
    merged: dict[Key, list[str]] = {}
    for row in expected:
        # TensorBoard cannot read bfloat16 at all; what was written is 1.
        merged.setdefault(key_of(row), []).extend(numbers(row["values"] or [1]))
    assert values == merged


@pytest.mark.parametrize("name", NAMES)
def test_histograms_are_equal(name: str) -> None:
    found = {key_of(row): row for row in rows(name, "histograms")}
    expected = truth(name, "histograms")
    assert sorted(found) == sorted(map(key_of, expected))
    for row in expected:
        mine = found[key_of(row)]
        flat = [
            number
            for each in mine["buckets"]
            for number in (each["left"], each["right"], each["count"])
        ]
        if mine["num"] is None:
            assert numbers(flat) == numbers(row["values"])
            continue
        # TensorBoard drops empty buckets at both ends of a legacy histogram, puts min and max
        # there, and rounds to float32; we give what was written.
        counts = [each["count"] for each in mine["buckets"]]
        filled = [index for index, count in enumerate(counts) if count]
        kept = counts[filled[0] : filled[-1] + 1] if filled else []
        assert kept == row["values"][2::3]
        assert mine["num"] == sum(counts)


@pytest.mark.parametrize("name", NAMES)
def test_images_are_byte_identical(name: str) -> None:
    found = by_value(rows(name, "images"), "data")
    expected = {key_of(row): row["strings"][2:] for row in truth(name, "images")}
    assert {key: [sha(each) for each in data] for key, data in found.items()} == expected


@pytest.mark.parametrize("name", NAMES)
def test_audio_is_byte_identical(name: str) -> None:
    found = by_value(rows(name, "audio"), "data")
    expected = {key_of(row): row["strings"] for row in truth(name, "audio")}
    assert sorted(found) == sorted(expected)
    for key, data in found.items():
        assert [sha(each) for each in data] == [each for each in expected[key] if each != sha(b"")]


@pytest.mark.parametrize("name", NAMES)
def test_texts_are_equal(name: str) -> None:
    found = by_value(rows(name, "text"), "value")
    expected = {key_of(row): row["strings"] for row in truth(name, "text")}
    assert {key: [sha(each.encode()) for each in texts] for key, texts in found.items()} == expected


@pytest.mark.parametrize("name", NAMES)
def test_pr_curves_are_equal(name: str) -> None:
    found = rows(name, "pr_curves")
    columns = ["true_positives", "false_positives", "true_negatives", "false_negatives",
               "precision", "recall"]  # fmt: skip
    curves = {column: by_value(found, column) for column in columns}
    for row in truth(name, "pr_curves"):
        flat = [value for column in columns for value in curves[column][key_of(row)]]
        assert numbers(flat) == numbers(row["values"])
    assert len({key_of(row) for row in found}) == len(truth(name, "pr_curves"))


@pytest.mark.parametrize("name", NAMES)
def test_meshes_are_equal(name: str) -> None:
    found = {key_of(row): row for row in rows(name, "meshes")}
    expected = truth(name, "mesh")
    assert sorted(found) == sorted(map(key_of, expected))
    for row in expected:
        assert found[key_of(row)]["shape"] == row["shape"]
        assert numbers(found[key_of(row)]["values"]) == numbers(row["values"])


def test_the_curve_of_a_resumed_run_is_whole() -> None:
    logs = tbtools.open(DATA / "torch_resumed", restarts="latest", tag="loss")
    steps = logs.scalars.to_table()["step"].to_pylist()
    assert steps == list(range(200))


def test_odd_numbers_survive() -> None:
    found = [row["value"] for row in rows("torch", "scalars") if row["tag"] == "odd"]
    assert math.isnan(found[0])
    assert found[1:] == [math.inf, -math.inf, 0.0]
    doubles = [row["value"] for row in rows("torch", "scalars") if row["tag"] == "double"]
    assert doubles == [0.0, 1 / 3, 2 / 3]


def test_hparams_are_those_of_the_sessions() -> None:
    found = {(row["run"], row["name"]): row["text"] for row in rows("tf2", "hparams")}
    assert found["hparams/session_0", "units"] == "16"
    assert found["hparams/session_1", "units"] == "32"
    assert found["hparams/session_1", "fast"] == "true"
    torch = Counter(row["name"] for row in rows("torch", "hparams"))
    assert torch == {"lr": 2, "opt": 2, "nesterov": 2}


def test_every_malformed_value_is_an_event_with_its_reason() -> None:
    logs = tbtools.open(DATA / "malformed")
    events = logs.events.to_table().to_pylist()
    assert len(events) == 17
    assert all(event["reason"] and event["payload"] for event in events)
    assert logs.health[0].undecoded == 17
    assert all(logs[name].count_rows() == 0 for name in table_specs() if name != "events")


def test_a_description_and_a_late_plugin_are_found() -> None:
    tags = {(row["tag"], row["table"]): row for row in rows("handmade", "tags")}
    assert tags["described", "scalars"]["display_name"] == "Loss"
    assert tags["described", "scalars"]["description"] == "of *training*"
    assert tags["late", "scalars"]["points"] == 2
    assert {table for tag, table in tags if tag == "changes"} == {"scalars", "text"}
    messages = rows("handmade", "messages")
    assert [row["type"] for row in messages] == ["log_message", "session_log"]
    edges = rows("handmade", "graph_edges")
    assert ("old/x", "old/d") in {(row["source"], row["target"]) for row in edges}
    assert [(row["source"], row["control"]) for row in edges if row["target"] == "b"] == [
        ("a", False),
        ("a", True),
    ]


def test_golden_logs_name_no_machine() -> None:
    for path in DATA.rglob("*"):
        if path.is_file() and path.suffix != ".py":
            data = path.read_bytes()
            assert not [word for word in (b"/tmp/", b"/root/", b"/home/") if word in data], path


def test_there_are_golden_logs() -> None:
    assert len(NAMES) >= 6
    assert all((DATA / name).is_dir() for name in NAMES)
    assert Path(DATA / "make_data.py").is_file()
