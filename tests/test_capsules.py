"""Capsules of the Arrow C data interface that the core is given: each is consumed once."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from tbtools import _core

PAYLOADS = pa.array([b"", None, b"\x08\x01"], pa.binary())

DECODERS: dict[str, Callable[[Any], _core.Table]] = {
    "histograms": lambda payloads: _core.decode_histograms(payloads, False),
    "legacy histograms": lambda payloads: _core.decode_histograms(payloads, True),
    "strings": _core.decode_strings,
}


class Given:
    """Answers with whatever it was made of."""

    def __init__(self, capsules: object) -> None:
        self.capsules = capsules

    def __arrow_c_array__(self, requested_schema: object | None = None) -> object:
        return self.capsules


@pytest.mark.parametrize("decode", DECODERS.values(), ids=DECODERS)
def test_capsules_that_were_consumed_are_refused(decode: Callable[[Any], _core.Table]) -> None:
    by_core = Given(PAYLOADS.__arrow_c_array__())
    assert len(decode(by_core)) == len(PAYLOADS)
    with pytest.raises(ValueError, match="moved out of its capsules"):
        decode(by_core)
    by_pyarrow = PAYLOADS.__arrow_c_array__()
    pa.Array._import_from_c_capsule(*by_pyarrow)
    with pytest.raises(ValueError, match="moved out of its capsules"):
        decode(Given(by_pyarrow))


def test_only_one_of_the_two_was_consumed() -> None:
    schema, array = PAYLOADS.__arrow_c_array__()
    pa.DataType._import_from_c_capsule(schema)
    with pytest.raises(ValueError, match="moved out of its capsules"):
        _core.decode_strings(Given((schema, array)))


def test_the_core_takes_the_array_from_its_capsule() -> None:
    schema, array = PAYLOADS.__arrow_c_array__()
    _core.decode_strings(Given((schema, array)))
    fresh = PAYLOADS.type.__arrow_c_schema__()
    with pytest.raises(ValueError, match="released"):
        pa.Array._import_from_c_capsule(fresh, array)


@pytest.mark.parametrize(
    "capsules",
    [
        None,
        (),
        (1, 2),
        "ab",
        PAYLOADS.type.__arrow_c_schema__(),
        (PAYLOADS.type.__arrow_c_schema__(),) * 2,
        PAYLOADS.__arrow_c_array__()[::-1],
        (*PAYLOADS.__arrow_c_array__(), None),
    ],
    ids=["none", "empty", "numbers", "text", "one", "two schemas", "swapped", "three"],
)
def test_what_is_no_pair_of_capsules_is_refused(capsules: object) -> None:
    for decode in DECODERS.values():
        with pytest.raises((TypeError, ValueError)):
            decode(Given(capsules))


def test_a_refused_array_is_left_to_its_capsule() -> None:
    numbers = pa.array([1, 2]).__arrow_c_array__()
    with pytest.raises(TypeError, match="not an array of binary"):
        _core.decode_strings(Given(numbers))
    assert pa.Array._import_from_c_capsule(*numbers).to_pylist() == [1, 2]


def test_a_capsule_may_be_renamed_before_it_is_deleted() -> None:
    rename = ctypes.pythonapi.PyCapsule_SetName
    rename.argtypes = [ctypes.py_object, ctypes.c_char_p]
    capsules = _core.scan(b"").tags.__arrow_c_array__()
    for capsule in capsules:
        assert rename(capsule, b"used") == 0
    del capsule, capsules
