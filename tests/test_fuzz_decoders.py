"""Arbitrary and mutated payloads for every kind: rows or a refusal, whatever they are."""

from __future__ import annotations

import os

import pytest
from event_writing import bytes_field, summary_metadata, varint, varint_field
from hypothesis import given, settings
from hypothesis import strategies as st
from payload_pool import Entry, check_decoding, name_of, pool
from strategies import odd_tensors, scalar_tensors

from tbtools.decode.kind import Kind
from tbtools.kinds import all_kinds

#: In the suite a few; FUZZ_EXAMPLES=20000 for a long run.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))

UINT64 = st.integers(0, 2**64 - 1)

INTERESTING = st.sampled_from(
    [b"\x00", b"\xff", b"\x80" * 11, b"\x7f", b"\xff" * 9 + b"\x01", b"\n\x00", b"\x12\x02\x08\x00"]
)


@st.composite
def messages(draw: st.DrawFn, depth: int = 4) -> bytes:
    """Bytes with the form of a message: fields of small numbers, some of them messages again."""
    fields = []
    for _ in range(draw(st.integers(0, 4))):
        number = draw(st.integers(1, 17))
        form = draw(st.integers(0, 5))
        if form == 0:
            fields.append(varint_field(number, draw(UINT64 | st.integers(0, 30))))
        elif form == 1:
            fields.append(varint(number << 3 | 1) + draw(st.binary(min_size=8, max_size=8)))
        elif form == 2:
            fields.append(varint(number << 3 | 5) + draw(st.binary(min_size=4, max_size=4)))
        elif form == 3 or not depth:
            fields.append(bytes_field(number, draw(st.binary(max_size=20))))
        else:
            fields.append(bytes_field(number, draw(messages(depth - 1))))
    return b"".join(fields)


@st.composite
def mutated(draw: st.DrawFn, data: bytes, others: list[bytes]) -> bytes:
    """The same with a few changes."""
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(at + 40, len(data))))
        change = draw(st.integers(0, 6))
        if change == 0:
            data = data[:at] + data[end:]
        elif change == 1:
            data = data[:at] + draw(INTERESTING | st.binary(max_size=6)) + data[end:]
        elif change == 2:
            data = data[:at] + data[at:end] * 3 + data[end:]
        elif change == 3:
            data = data[:at]
        elif change == 4 and at < len(data):
            flipped = data[at] ^ 1 << draw(st.integers(0, 7))
            data = data[:at] + bytes([flipped]) + data[at + 1 :]
        elif change == 5:
            data = data + draw(st.sampled_from(others))  # protobuf merges them
        else:
            data = data[:at] + draw(messages(1)) + data[at:]
    return data


@st.composite
def entries_of(draw: st.DrawFn, kind: Kind) -> Entry:
    """An event that a kind might be given."""
    golden = pool()[name_of(kind)]
    field, metadata, payload = draw(st.sampled_from(golden))
    payloads = [each or b"" for _, _, each in golden]
    if draw(st.integers(0, 3)):
        payload = None if payload is None else draw(mutated(payload, payloads))
    else:
        fields = sorted(kind.fields | ({"tensor"} if kind.plugins or kind.rest else set()))
        field = draw(st.sampled_from(fields))
        payload = draw(messages() | st.binary(max_size=40) | odd_tensors() | scalar_tensors())
    if metadata is not None and draw(st.booleans()):
        metadata = draw(mutated(metadata, [metadata]))
    elif kind.plugins and not draw(st.integers(0, 3)):
        plugin = draw(st.sampled_from(sorted(kind.plugins)))
        metadata = summary_metadata(plugin, draw(messages() | st.binary(max_size=20)))
        if kind.bare and draw(st.booleans()):
            field, payload = "metadata", None
    return field, metadata, payload


@pytest.mark.parametrize("kind", all_kinds(), ids=name_of)
def test_whatever_a_payload_is_it_becomes_rows_or_is_refused(kind: Kind) -> None:
    @settings(max_examples=EXAMPLES)
    @given(st.lists(entries_of(kind), min_size=1, max_size=4))
    def run(entries: list[Entry]) -> None:
        check_decoding(kind, entries)

    run()


@pytest.mark.parametrize("kind", all_kinds(), ids=name_of)
def test_golden_payloads_cut_at_each_byte(kind: Kind) -> None:
    for field, metadata, payload in pool()[name_of(kind)][:6]:
        data = payload or b""
        cuts = range(0, len(data), max(1, len(data) // 50))
        check_decoding(kind, [(field, metadata, data[:cut]) for cut in [0, *cuts]])


@pytest.mark.parametrize("number", range(1, 18))
@pytest.mark.parametrize("kind", all_kinds(), ids=name_of)
def test_messages_nested_without_end(kind: Kind, number: int) -> None:
    nested = b""
    for _ in range(3000):
        nested = bytes_field(number, nested)
    for field, metadata, payload in pool()[name_of(kind)][:2]:
        both = (payload or b"") + nested
        check_decoding(kind, [(field, metadata, nested), (field, metadata, both)])
