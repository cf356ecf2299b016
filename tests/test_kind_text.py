"""Text: a row per string of a tensor of any shape."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kind_events import events_of, refused_by, rows_in, rows_of
from tensor_building import string_tensor

import tbtools
from tbtools.kinds.text import KIND
from tbtools.proto.tfevents_pb2 import TensorProto


def test_the_columns_are_those_of_the_design() -> None:
    (spec,) = KIND.tables
    assert [(field.name, field.type) for field in spec.schema][4:] == [
        ("index", pa.int64()),
        ("shape", pa.list_(pa.int64())),
        ("value", pa.string()),
    ]


def test_no_events_are_no_rows() -> None:
    assert KIND.decode(events_of()).tables == {}


def test_a_string_is_a_row_of_no_shape() -> None:
    assert rows_of(KIND, events_of(string_tensor("# Größe 🙂", shape=[]))) == [
        {"event_index": 0, "index": 0, "shape": [], "value": "# Größe 🙂"}
    ]


def test_each_string_of_a_table_is_a_row() -> None:
    events = events_of(
        string_tensor("x"),
        string_tensor("a", "b", "c", "d", "", "f", shape=[3, 2]),
        string_tensor("y"),
    )
    assert [tuple(row.values()) for row in rows_of(KIND, events)] == [
        (0, 0, [1], "x"),
        (1, 0, [3, 2], "a"),
        (1, 1, [3, 2], "b"),
        (1, 2, [3, 2], "c"),
        (1, 3, [3, 2], "d"),
        (1, 4, [3, 2], ""),
        (1, 5, [3, 2], "f"),
        (2, 0, [1], "y"),
    ]


@pytest.mark.parametrize("shape", [[0], [0, 3], [2, 0, 2**40]])
def test_a_tensor_without_strings_has_no_rows(shape: list[int]) -> None:
    assert rows_of(KIND, events_of(string_tensor(shape=shape))) == []


def test_what_is_not_text_is_refused_in_plain_words() -> None:
    counts = "the tensor holds more or fewer values than its shape declares"
    assert refused_by(
        KIND,
        None,
        b"\xff",
        b"",
        TensorProto(dtype=2, double_val=[1]),
        TensorProto(dtype=7, tensor_content=b"text"),
        string_tensor("a", "b", shape=[]),
        string_tensor("a", shape=[2]),
        string_tensor("a", shape=[-1]),
        string_tensor("good", b"\xff", "good"),
        string_tensor(b"\xed\xa0\x80"),
    ) == [
        "metadata without a value",
        "not a tensor",
        "values that are not strings",
        "values that are not strings",
        counts,
        counts,
        counts,
        "the shape is not known",
        "text that is not UTF-8",
        "text that is not UTF-8",
    ]


@pytest.mark.parametrize("shape", [[10**10], [2**32, 2**32], [2**62, 3], [2**63 - 1, 2**63 - 1, 5]])
def test_strings_that_are_only_declared_are_refused(shape: list[int]) -> None:
    assert len(refused_by(KIND, string_tensor("a", shape=shape))) == 1


def test_a_text_that_is_refused_does_not_move_the_others() -> None:
    events = events_of(string_tensor("a", "b"), string_tensor("c", b"\x80"), string_tensor("d"))
    decoded = KIND.decode(events)
    rows = rows_in(KIND, events, decoded, "text")
    assert [(row["event_index"], row["value"]) for row in rows] == [(0, "a"), (0, "b"), (2, "d")]
    assert decoded.refused == [(1, "text that is not UTF-8")]


def decodable(string: bytes) -> bool:
    try:
        string.decode()
    except UnicodeDecodeError:
        return False
    return True


strings = st.one_of(st.text(max_size=8).map(str.encode), st.binary(max_size=5))


@given(st.lists(st.lists(strings, max_size=5)))
def test_text_is_what_python_decodes(tensors: list[list[bytes]]) -> None:
    events = events_of(*(string_tensor(*strings) for strings in tensors))
    decoded = KIND.decode(events)
    rows = rows_in(KIND, events, decoded, "text")
    good = [all(map(decodable, strings)) for strings in tensors]
    assert [(row["event_index"], row["index"], row["value"].encode()) for row in rows] == [
        (number, index, string)
        for number, strings in enumerate(tensors)
        for index, string in enumerate(strings)
        if good[number]
    ]
    assert [index for index, _ in decoded.refused] == [i for i, each in enumerate(good) if not each]


@given(st.lists(st.binary(max_size=48)))
def test_no_bytes_raise(payloads: list[bytes]) -> None:
    events = events_of(*payloads)
    rows_in(KIND, events, KIND.decode(events), "text")


def test_all_text_of_the_corpus_is_read(corpus: Path) -> None:
    table = tbtools.open(str(corpus / "logs"))["text"].to_table()
    assert table.num_rows == 9
    assert all(row["shape"] == [1] and row["value"] for row in table.to_pylist())
