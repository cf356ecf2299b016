"""CRC-32C: every implementation gives the same, right answer."""

from __future__ import annotations

import random
from collections.abc import Callable

import long_crc
import oracle
import pytest

from tbtools import _core

READ_PDU = bytes.fromhex(
    "01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000"
)
NOISE = random.Random(3720).randbytes(1 << 16)


@pytest.fixture
def crc32c(request: pytest.FixtureRequest) -> Callable[[bytes], int]:
    """One of the three. Not a parameter: those live until nanobind counts leaks at exit."""
    known = {"fast": _core.crc32c, "portable": _core.crc32c_portable, "oracle": oracle.crc32c}
    return known[request.param]


@pytest.mark.parametrize("crc32c", ["fast", "portable", "oracle"], indirect=True)
@pytest.mark.parametrize(
    ("data", "crc"),
    [  # RFC 3720, B.4, and the check value of the CRC catalogues
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
        (READ_PDU, 0xD9963A56),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
    ids=["zeros", "ones", "up", "down", "iscsi read", "check", "empty"],
)
def test_published_vectors_are_met(crc32c, data: bytes, crc: int) -> None:
    assert crc32c(data) == crc


def test_the_mask_is_that_of_tfrecord() -> None:
    assert oracle.masked_crc(b"123456789") == 0xC78AB0E5
    assert oracle.masked_crc(bytes(8)) == 0x07980329


@pytest.mark.parametrize("alignment", range(9))
def test_implementations_agree_for_all_short_lengths_at_any_alignment(alignment: int) -> None:
    window = memoryview(NOISE)[alignment:]
    for size in range(301):
        piece = window[:size]
        assert _core.crc32c(piece) == _core.crc32c_portable(piece), size


@pytest.mark.parametrize("size", range(301))
def test_the_core_agrees_with_the_oracle(size: int) -> None:
    assert _core.crc32c(NOISE[:size]) == oracle.crc32c(NOISE[:size])


@pytest.mark.parametrize("lanes", [1, 2, 3, 6, 9, 30])
@pytest.mark.parametrize("more", [-9, -8, -1, 0, 1, 7, 8, 9])
def test_long_data_that_is_cut_into_lanes_agrees(lanes: int, more: int) -> None:
    piece = memoryview(NOISE)[5 : 5 + 1024 * lanes + more]
    assert _core.crc32c(piece) == _core.crc32c_portable(piece)


def test_large_data_agrees() -> None:
    large = NOISE * 64 + b"tail"
    assert _core.crc32c(large) == _core.crc32c_portable(large)
    assert oracle.crc32c(NOISE) == _core.crc32c(NOISE)


@pytest.mark.parametrize("more", [-1, 0, 1, 1023, 1024, 5000])
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_what_tests_write_has_the_crcs_of_the_oracle(more: int, kind: type[bytes]) -> None:
    data = kind(NOISE[: long_crc.LONG + more])
    assert long_crc.crc32c(data) == oracle.crc32c(data)
    assert long_crc.masked_crc(data) == oracle.masked_crc(data)


def test_the_implementation_has_a_name() -> None:
    assert _core.crc32c_implementation in {"sse4.2", "armv8-crc", "portable"}


@pytest.mark.parametrize("function", ["crc32c", "crc32c_portable", "walk"])
def test_what_is_no_buffer_is_refused(function: str) -> None:
    with pytest.raises(TypeError):
        getattr(_core, function)("text")
    with pytest.raises(BufferError):
        getattr(_core, function)(memoryview(NOISE)[::2])
