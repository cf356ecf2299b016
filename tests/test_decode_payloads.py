"""What the core's decoders of payloads take, and how they hand over what they made."""

from __future__ import annotations

import gc
import sys
import threading

import polars as pl
import pyarrow as pa
import pytest
from tensor_building import string_tensor

from tbtools import _core
from tbtools.proto.tfevents_pb2 import HistogramProto

REASON = pa.dictionary(pa.int8(), pa.string())
BUCKETS = pa.list_(
    pa.struct([("left", pa.float64()), ("right", pa.float64()), ("count", pa.float64())])
)


def histogram(*counts: float) -> bytes:
    limits = [float(index) for index in range(len(counts))]
    return HistogramProto(bucket_limit=limits, bucket=counts, num=sum(counts)).SerializeToString()


def strings(*values: bytes) -> bytes:
    return string_tensor(*values).SerializeToString()


def columns(*fields: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in fields])


def batch(table: _core.Table) -> pa.RecordBatch:
    made = pa.record_batch(table)
    made.validate(full=True)
    return made


@pytest.mark.parametrize("payloads", [[], [None], [b""], [b"\xff", None, histogram(1, 2)]])
def test_columns_and_their_types_are_the_same_whatever_there_is(payloads: list[bytes]) -> None:
    array = pa.array(payloads, pa.binary())
    number = pa.float64()
    statistics = [(name, number) for name in ("min", "max", "num", "sum", "sum_squares")]
    basic = (("refused", REASON), ("buckets", BUCKETS))
    assert batch(_core.decode_histograms(array, False)).schema == columns(*basic)
    assert batch(_core.decode_histograms(array, True)).schema == columns(*basic, *statistics)
    for text, kind in ((False, pa.binary()), (True, pa.string())):
        made = batch(_core.decode_strings(array, text))
        lists = (("shape", pa.list_(pa.int64())), ("strings", pa.list_(kind)))
        assert made.schema == columns(("refused", REASON), *lists)
        assert made.num_rows == len(payloads)


def test_a_slice_is_decoded_as_its_copy() -> None:
    every = [histogram(*range(size)) if size % 3 else None for size in range(40)]
    whole = pa.array(every, pa.binary())
    for begin in (0, 1, 7, 8, 9, 39, 40):
        part = batch(_core.decode_histograms(whole[begin:], True))
        copied = pa.array(every[begin:], pa.binary())
        assert part.equals(batch(_core.decode_histograms(copied, True)))


def test_what_is_refused_does_not_move_the_rest() -> None:
    payloads = [strings(b"a", b"b"), b"\xff", None, strings(), histogram(1), strings(b"c")]
    made = batch(_core.decode_strings(pa.array(payloads, pa.binary())))
    assert made["strings"].to_pylist() == [[b"a", b"b"], [], [], [], [], [b"c"]]
    assert made["shape"].to_pylist() == [[2], [], [], [0], [], [1]]
    assert made["refused"].to_pylist() == [
        "",
        "not a tensor",
        "metadata without a value",
        "",
        "values that are not strings",
        "",
    ]


@pytest.mark.parametrize("payloads", [[b"x"], b"x", None, pa.array(["x"]), pa.array([1])])
def test_anything_but_an_array_of_binary_is_a_type_error(payloads: object) -> None:
    with pytest.raises(TypeError):
        _core.decode_histograms(payloads, False)
    with pytest.raises(TypeError):
        _core.decode_strings(payloads)


def test_the_result_outlives_the_payloads_and_the_table() -> None:
    made = batch(_core.decode_strings(pa.array([strings(b"here" * 100)], pa.binary())))
    gc.collect()
    assert made["strings"].to_pylist() == [[b"here" * 100]]


def test_payloads_are_only_held_during_the_call() -> None:
    array = pa.array([strings(b"x")], pa.binary())
    before = sys.getrefcount(array)
    table = _core.decode_strings(array)
    assert sys.getrefcount(array) == before
    assert len(table) == 1


def test_other_arrow_libraries_import_it_too() -> None:
    table = _core.decode_histograms(pa.array([histogram(1, 2)], pa.binary()), True)
    frame = pl.DataFrame(pa.record_batch(table))
    assert frame["buckets"].to_list()[0][1] == {"left": 0.0, "right": 1.0, "count": 2.0}


def test_many_threads_may_decode_the_same_payloads() -> None:
    array = pa.array([histogram(*range(50))] * 500, pa.binary())
    expected = batch(_core.decode_histograms(array, True))
    failures: list[int] = []

    def decode(number: int) -> None:
        for _ in range(20):
            if not batch(_core.decode_histograms(array, True)).equals(expected):
                failures.append(number)

    threads = [threading.Thread(target=decode, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
