"""Logs by real writers, against what TensorBoard's own loader reads of them, value by value."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import DATA

import tbtools
from tbtools.kinds import table_specs
from tbtools.proto.tfevents_pb2 import TensorProto

NAMES = sorted(path.name.removesuffix(".truth.jsonl") for path in DATA.glob("*.truth.jsonl"))

Row = dict[str, Any]
Key = tuple[str, str, int, float]

#: What TensorBoard calls a type → our name, and what packs its elements.
DTYPES = {
    "float": ("float32", "f"),
    "double": ("float64", "d"),
    "half": ("float16", "e"),
    "int8": ("int8", "b"),
    "int64": ("int64", "q"),
    "uint16": ("uint16", "H"),
    "bool": ("bool", "?"),
}

#: Plugins of graphs → the column ``source`` of our table.
GRAPHS = {
    "graphs": "graph_def",
    "meta_graph_def": "meta_graph_def",
    "graph_keras_model": "keras_model",
    "graph_run_metadata_graph": "run_metadata",
    "graph_tagged_run_metadata": "run_metadata",
}

#: All whose values are compared here.
COMPARED = {None, "scalars", "histograms", "images", "audio", "text", "pr_curves", "mesh", "tensor",
            "hparams", "custom_scalars", *GRAPHS}  # fmt: skip


def lines(file: str) -> list[Row]:
    """The rows of a file beside the logs."""
    return [json.loads(line) for line in (DATA / file).read_text("utf-8").splitlines()]


def truth(name: str, plugin: str | None) -> list[Row]:
    """The values of a plugin; None: of no plugin."""
    found = lines(f"{name}.truth.jsonl")
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
    """The rows of a table."""
    found: list[Row] = tbtools.open(DATA / name)[table].to_table().to_pylist()
    return found


def pairs(name: str, table: str, plugin: str | None) -> Iterator[tuple[Row, Row]]:
    """What TensorBoard reads of each value, and the row of a table that is made of it."""
    found = {key_of(row): row for row in rows(name, table)}
    expected = truth(name, plugin)
    assert sorted(found) == sorted(map(key_of, expected))
    return ((row, found[key_of(row)]) for row in expected)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha_of_numbers(dtype: str, values: list[Any]) -> str:
    """The SHA-256 of numbers as the bytes of TensorBoard's type."""
    kind, code = DTYPES[dtype]
    exact = values if kind.startswith("float") else map(int, values)
    return sha(struct.pack(f"<{len(values)}{code}", *exact))


def sha_of_strings(strings: Iterable[bytes]) -> str:
    """The SHA-256 of strings, each with its length before it."""
    return sha(b"".join(len(each).to_bytes(8, "little") + each for each in strings))


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
    for row, mine in pairs(name, "histograms", "histograms"):
        flat = [
            number
            for each in mine["buckets"]
            for number in (each["left"], each["right"], each["count"])
        ]
        if mine["num"] is None:
            assert numbers(flat) == numbers(row["values"])
            assert row["shape"] == [len(mine["buckets"]), 3]
            assert sha_of_numbers(row["dtype"], flat) == row["sha256"]
            continue
        # TensorBoard drops empty buckets at both ends of a legacy histogram, puts min and max
        # there, and rounds to float32; we give what was written.
        counts = [each["count"] for each in mine["buckets"]]
        filled = [index for index, count in enumerate(counts) if count]
        kept = counts[filled[0] : filled[-1] + 1] if filled else []
        assert kept == row["values"][2::3]
        assert row["shape"] == [len(kept), 3]
        assert mine["num"] == sum(counts)


@pytest.mark.parametrize("name", NAMES)
def test_images_are_byte_identical(name: str) -> None:
    found = by_value(rows(name, "images"), "data")
    expected = {key_of(row): row["strings"][2:] for row in truth(name, "images")}
    assert {key: [sha(each) for each in data] for key, data in found.items()} == expected


@pytest.mark.parametrize("name", NAMES)
def test_images_have_the_size_that_was_written(name: str) -> None:
    sizes = {key_of(row): [row["width"], row["height"]] for row in rows(name, "images")}
    found = by_value(rows(name, "images"), "data")
    for row in truth(name, "images"):
        key = key_of(row)
        strings = [*(str(size).encode() for size in sizes[key]), *found[key]]
        assert row["shape"] == [len(strings)]
        assert sha_of_strings(strings) == row["sha256"]


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
    shapes = {key_of(row): row["shape"] for row in rows(name, "text")}
    for row in truth(name, "text"):
        assert sha_of_strings(map(str.encode, found[key_of(row)])) == row["sha256"]
        assert shapes[key_of(row)] == row["shape"]


@pytest.mark.parametrize("name", NAMES)
def test_pr_curves_are_equal(name: str) -> None:
    found = rows(name, "pr_curves")
    columns = ["true_positives", "false_positives", "true_negatives", "false_negatives",
               "precision", "recall"]  # fmt: skip
    curves = {column: by_value(found, column) for column in columns}
    for row in truth(name, "pr_curves"):
        flat = [value for column in columns for value in curves[column][key_of(row)]]
        assert numbers(flat) == numbers(row["values"])
        assert sha_of_numbers(row["dtype"], flat) == row["sha256"]
        assert row["shape"] == [len(columns), len(flat) // len(columns)]
    assert len({key_of(row) for row in found}) == len(truth(name, "pr_curves"))


@pytest.mark.parametrize("name", NAMES)
def test_meshes_are_equal(name: str) -> None:
    for row, mine in pairs(name, "meshes", "mesh"):
        assert mine["shape"] == row["shape"]
        assert numbers(mine["values"]) == numbers(row["values"])
        assert sha_of_numbers(row["dtype"], mine["values"]) == row["sha256"]


#: Tensors that TensorBoard cannot build, and what was written: their type and their numbers.
NOT_BUILT = {
    "raw/bfloat16": ("bfloat16", [1, 0, 1]),
    "half_tensor": ("float16", [0.5, 1.5]),
}


@pytest.mark.parametrize("name", NAMES)
def test_tensors_are_equal(name: str) -> None:
    found = {key_of(row): row for row in rows(name, "tensors")}
    expected = [row for row in (*truth(name, None), *truth(name, "tensor")) if "dtype" in row]
    complex_ = [row for row in expected if "complex" in row]
    numeric = [row for row in expected if row not in complex_]
    assert sorted(found) == sorted(map(key_of, numeric))
    for row in numeric:
        mine = found[key_of(row)]
        assert mine["shape"] == row["shape"]
        assert mine["plugin"] == (row["plugin"] or None)
        if "strings" in row:
            assert mine["dtype"] == row["dtype"] == "string"
            assert [sha(each) for each in mine["strings"]] == row["strings"]
            assert sha_of_strings(mine["strings"]) == row["sha256"]
        elif row["values"] is None:
            assert (mine["dtype"], mine["values"]) == NOT_BUILT[row["tag"]]
        else:
            assert mine["dtype"] == DTYPES[row["dtype"]][0]
            assert numbers(mine["values"]) == numbers(row["values"])
            assert sha_of_numbers(row["dtype"], mine["values"]) == row["sha256"]


def test_complex_numbers_are_kept_as_they_are() -> None:
    (row,) = [row for row in truth("tf2", None) if "complex" in row]
    events = {key_of(each): each for each in rows("tf2", "events")}
    payload = TensorProto.FromString(events[key_of(row)]["payload"])
    assert [dim.size for dim in payload.tensor_shape.dim] == row["shape"]
    content = struct.pack("<6f", *(part for pair in row["complex"] for part in pair))
    assert sha(content) == row["sha256"]
    assert payload.tensor_content == content


def test_all_that_tensorboard_reads_is_compared() -> None:
    found = {row["plugin"] or None for name in NAMES for row in lines(f"{name}.truth.jsonl")}
    assert found <= COMPARED


@pytest.mark.parametrize("name", NAMES)
def test_layouts_are_found(name: str) -> None:
    expected = {row["run"] for row in truth(name, "custom_scalars")}
    assert {row["run"] for row in rows(name, "custom_scalars")} == expected


# --- hyperparameters -----------------------------------------------------------------------------


def said(name: str, kind: str) -> list[tuple[str, Row]]:
    """Run and content of what the hparams plugin reads."""
    found = [(row["run"], row["hparams"]) for row in truth(name, "hparams")]
    return [(run, content) for run, content in found if content["kind"] == kind]


@pytest.mark.parametrize("name", NAMES)
def test_hparams_are_equal(name: str) -> None:
    columns = ("run", "name", "type", "number", "text")
    found = sorted(tuple(row[each] for each in columns) for row in rows(name, "hparams"))
    expected = []
    for run, start in said(name, "session_start_info"):
        for key, value in start["hparams"].items():
            if isinstance(value, bool):
                told = ("bool", float(value), str(value).lower())
            elif isinstance(value, str):
                told = ("string", None, value)
            else:
                told = ("float64", value, repr(value).removesuffix(".0"))
            expected.append((run, key, *told))
    assert found == sorted(expected)


@pytest.mark.parametrize("name", NAMES)
def test_sessions_are_equal(name: str) -> None:
    columns = ("run", "event", "group_name", "start_time", "status", "end_time", "model_uri",
               "monitor_url")  # fmt: skip
    found = [tuple(row[each] for each in columns) for row in rows(name, "hparam_sessions")]
    expected: list[tuple[Any, ...]] = [
        (run, "start", start.get("group_name"), start.get("start_time_secs"), None, None,
         start.get("model_uri"), start.get("monitor_url"))
        for run, start in said(name, "session_start_info")
    ]  # fmt: skip
    for run, end in said(name, "session_end_info"):
        status = end["status"].removeprefix("STATUS_").lower() if "status" in end else None
        expected.append((run, "end", None, None, status, end.get("end_time_secs"), None, None))
    assert Counter(found) == Counter(expected)


@pytest.mark.parametrize("name", NAMES)
def test_experiments_are_equal(name: str) -> None:
    expected = []
    for run, experiment in said(name, "experiment"):
        assert experiment.keys() <= {"kind", "hparam_infos", "metric_infos"}
        for info in experiment.get("metric_infos", []):
            expected.append({
                "run": run,
                "kind": "metric",
                "name": info["name"]["tag"],
                "metric_group": info["name"].get("group", ""),
                "display_name": info.get("display_name"),
            })  # fmt: skip
        for info in experiment.get("hparam_infos", []):
            interval = info.get("domain_interval")
            values = info.get("domain_discrete")
            expected.append({
                "run": run,
                "kind": "hparam",
                "name": info["name"],
                "display_name": info.get("display_name"),
                "type": info["type"].removeprefix("DATA_TYPE_").lower(),
                "domain_min": None if interval is None else interval.get("min_value", 0),
                "domain_max": None if interval is None else interval.get("max_value", 0),
                "domain_values": values
                and [each if isinstance(each, str) else f"{each:g}" for each in values],
            })  # fmt: skip
    found = [
        {key: value for key, value in row.items() if value is not None}
        for row in rows(name, "hparam_metrics")
    ]
    assert found == [
        {key: value for key, value in row.items() if value is not None} for row in expected
    ]


# --- graphs --------------------------------------------------------------------------------------


def size_of(name: str, about: Row) -> Row:
    """The size of a graph by its tables, in the words of the truth."""
    ours = [
        [row for row in rows(name, table) if (row["run"], row["graph"]) == about]
        for table in ("graph_nodes", "graph_edges")
    ]
    nodes, edges = ours
    main = [row for row in nodes if row["function"] is None]
    inputs = [row for row in edges if row["function"] is None]
    # Arguments and results of functions are nodes of ours, for which no node was written.
    results = {(row["function"], row["name"]) for row in nodes if row["op"] == "_Retval"}
    bodies = [row for row in nodes if row not in main and row["op"] not in ("_Arg", "_Retval")]
    inside = [row for row in edges if row["function"] is not None]
    return {
        "nodes": len(main),
        "edges": len(inputs),
        "control": sum(row["control"] for row in inputs),
        "ops": dict(sorted(Counter(row["op"] or "" for row in main).items())),
        "functions": len({row["function"] for row in nodes} - {None}),
        "function_nodes": len(bodies),
        "function_edges": sum((row["function"], row["target"]) not in results for row in inside),
    }


@pytest.mark.parametrize("name", NAMES)
def test_graphs_are_as_large_as_they_were_written(name: str) -> None:
    found = {
        (row["run"], row["step"], row["wall_time"], row["source"]): row
        for row in rows(name, "graphs")
        if row["stage"] is None
    }
    expected = {
        (row["run"], row["step"], row["wall_time"], source): row
        for plugin, source in GRAPHS.items()
        for row in truth(name, plugin)
    }
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        if "graph" not in row:  # run metadata without a graph
            assert (found[key]["nodes"], found[key]["edges"]) == (0, 0)
            continue
        size = size_of(name, (found[key]["run"], found[key]["graph"]))
        if name == "handmade" and row["plugin"] == "graph_keras_model":
            # TensorBoard does not find the inputs of a layer where Keras 2 wrote them.
            assert (size["edges"], row["graph"]["edges"]) == (1, 0)
            size["edges"] = 0
        assert size == row["graph"]
        assert found[key]["functions"] == row["graph"]["functions"]


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
    refused = sorted(map(key_of, lines("malformed.refused.jsonl")))
    named = [row | {"tag": row["tag"] or "__run_graph__"} for row in events]
    assert sorted(map(key_of, named)) == refused
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
