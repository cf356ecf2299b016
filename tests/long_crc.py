"""CRC-32C of long data in a moment, for what is written: the oracle goes a byte at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import oracle

Numbers = npt.NDArray[np.uint32]

#: Pieces that data is cut into, and how much is long: for less, a byte at a time is as fast.
LANES, LONG = 1024, 1 << 15

TABLE = np.array(oracle.TABLE, np.uint32)


def masked_crc(data: bytes | bytearray) -> int:
    """The CRC as it is stored beside the data."""
    return oracle.masked(crc32c(data))


def crc32c(data: bytes | bytearray) -> int:
    """CRC-32C of data of any length."""
    if len(data) < LONG:
        return oracle.crc32c(data)
    width = len(data) // LANES
    state = _of_lanes(np.frombuffer(data, np.uint8, width * LANES).reshape(LANES, width))
    for byte in data[width * LANES :]:
        state = state >> 8 ^ int(TABLE[(state ^ byte) & 0xFF])
    return state ^ 0xFFFFFFFF


def _of_lanes(lanes: npt.NDArray[np.uint8]) -> int:
    """The state behind pieces of one length, a row each.

    The state behind zeros is linear in its bits. So pieces are gone through side by side, all but
    the first from 0; and with them 32 states of one bit, through zeros: what each bit becomes. Then
    neighbours are joined until one is left: the state of the left one, moved over the length of the
    right one, and that of the right one.
    """
    states = np.zeros(len(lanes) + 32, np.uint32)
    states[0] = 0xFFFFFFFF
    states[-32:] = np.left_shift(1, np.arange(32))
    for column in np.ascontiguousarray(lanes.T):
        states[:-32] ^= column
        states = TABLE[states & 0xFF] ^ states >> 8
    found, bits = states[:-32], states[-32:]
    while len(found) > 1:
        found = _moved(found[::2], bits) ^ found[1::2]
        bits = _moved(bits, bits)
    return int(found[0])


def _moved(states: Numbers, bits: Numbers) -> Numbers:
    """States behind as many zeros as have made ``bits`` of the 32 bits."""
    moved = np.zeros_like(states)
    for place, bit in enumerate(bits):
        moved ^= (states >> place & 1) * bit
    return moved
