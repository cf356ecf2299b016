"""Audio: both forms, labels, and what WAV files say of themselves."""

from __future__ import annotations

import dataclasses
import io
import struct
import wave

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kind_events import events_of, refused_by, rows_in, rows_of
from tensor_building import string_tensor

from tbtools.decode.kind import Events
from tbtools.kinds.audio import KIND
from tbtools.proto.tfevents_pb2 import Summary, TensorProto
from tbtools.schema import LABEL


def wav(rate: int = 44100, channels: int = 2, frames: int = 5) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(bytes(2 * channels * frames))
    return file.getvalue()


def pairs(*strings: bytes) -> TensorProto:
    return string_tensor(*strings, shape=[len(strings) // 2, 2])


def legacy(*payloads: Summary.Audio | bytes | None) -> Events:
    return events_of(*payloads, field="audio")


def test_the_columns_are_those_of_the_design() -> None:
    (spec,) = KIND.tables
    assert [(field.name, field.type) for field in spec.schema][4:] == [
        ("index", pa.int64()),
        ("sample_rate", pa.float64()),
        ("channels", pa.int64()),
        ("frames", pa.int64()),
        ("label", pa.string()),
        ("content_type", LABEL),
        ("data", pa.binary()),
    ]


def test_no_events_are_no_rows() -> None:
    assert KIND.decode(events_of()).tables == {}


def test_each_sound_of_a_list_is_a_row_without_a_label() -> None:
    events = events_of(string_tensor(wav(), wav(8000, 1, 7)))
    assert rows_of(KIND, events) == [
        {
            "event_index": 0,
            "index": 0,
            "sample_rate": 44100,
            "channels": 2,
            "frames": 5,
            "content_type": "audio/wav",
            "data": wav(),
        },
        {
            "event_index": 0,
            "index": 1,
            "sample_rate": 8000,
            "channels": 1,
            "frames": 7,
            "content_type": "audio/wav",
            "data": wav(8000, 1, 7),
        },
    ]


def test_each_pair_is_a_row_with_its_label() -> None:
    events = events_of(
        pairs(b"1", "Größe".encode(), b"2", b""), string_tensor(b"3"), pairs(b"4", b"x")
    )
    rows = rows_of(KIND, events)
    assert [(row["event_index"], row["index"], row.get("label"), row["data"]) for row in rows] == [
        (0, 0, "Größe", b"1"),
        (0, 1, "", b"2"),
        (1, 0, None, b"3"),
        (2, 0, "x", b"4"),
    ]


def test_no_sounds_are_no_rows_and_not_refused() -> None:
    assert rows_of(KIND, events_of(string_tensor(), string_tensor(shape=[0, 2]))) == []


def test_a_legacy_sound_is_what_it_claims_to_be() -> None:
    claims = Summary.Audio(
        sample_rate=22050.5,
        num_channels=3,
        length_frames=9,
        encoded_audio_string=wav(),
        content_type="audio/x-wav",
    )
    assert rows_of(KIND, legacy(claims)) == [
        {
            "event_index": 0,
            "index": 0,
            "sample_rate": 22050.5,
            "channels": 3,
            "frames": 9,
            "content_type": "audio/x-wav",
            "data": wav(),
        }
    ]


def test_what_a_legacy_sound_does_not_claim_is_read_from_its_file() -> None:
    (row,) = rows_of(KIND, legacy(Summary.Audio(sample_rate=8000, encoded_audio_string=wav())))
    assert (row["sample_rate"], row["channels"], row["frames"]) == (8000, 2, 5)
    assert row["content_type"] == "audio/wav"


def test_a_legacy_sound_of_nothing_is_a_row() -> None:
    assert rows_of(KIND, legacy(b"")) == [{"event_index": 0, "index": 0, "data": b""}]


@pytest.mark.parametrize(
    ("begin", "content_type"),
    [
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"OggS\0\2", "audio/ogg"),
        (b"ID3\4\0", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"", None),
        (b"\0\0\0\0", None),
    ],
)
def test_other_formats_are_known_by_their_first_bytes(
    begin: bytes, content_type: str | None
) -> None:
    (row,) = rows_of(KIND, events_of(string_tensor(begin)))
    assert row.get("content_type") == content_type
    assert "frames" not in row


def test_a_wav_file_that_is_cut_off_never_raises() -> None:
    whole = wav()
    for length in range(len(whole)):
        (row,) = rows_of(KIND, events_of(string_tensor(whole[:length])))
        assert row["data"] == whole[:length]
        # Of a file that was not finished, what is there counts.
        assert row.get("frames") in (None, max(0, length - 44) // 4)


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return struct.pack("<4sI", name, len(content) if size is None else size) + content


def riff(*chunks: bytes) -> bytes:
    return b"RIFF\0\0\0\0WAVE" + b"".join(chunks)


def test_chunks_before_the_samples_are_passed_over() -> None:
    form = chunk(b"fmt ", struct.pack("<HHIIHH", 3, 1, 16000, 64000, 4, 32))
    file = riff(chunk(b"LIST", b"odd") + b"\0", form, chunk(b"fact", bytes(4)))
    endless = chunk(b"data", bytes(12), size=2**32 - 1)
    (row,) = rows_of(KIND, events_of(string_tensor(file + endless)))
    assert (row["sample_rate"], row["channels"], row["frames"]) == (16000, 1, 3)


def test_frames_of_a_packed_wav_file_are_not_known() -> None:
    adpcm = chunk(b"fmt ", struct.pack("<HHIIHH", 2, 1, 16000, 8000, 256, 4))
    (row,) = rows_of(KIND, events_of(string_tensor(riff(adpcm, chunk(b"data", bytes(512))))))
    assert row["sample_rate"] == 16000
    assert "frames" not in row


def test_both_forms_in_one_batch_stay_in_order() -> None:
    events = events_of(
        string_tensor(b"1"),
        Summary.Audio(encoded_audio_string=b"2"),
        b"\xff",
        pairs(b"3", b"x"),
        None,
    )
    fields = pa.array(["tensor", "audio", "audio", "tensor", "audio"])
    events = dataclasses.replace(events, field=fields)
    decoded = KIND.decode(events)
    rows = rows_in(KIND, events, decoded, "audio")
    assert [(row["event_index"], row["data"]) for row in rows] == [(0, b"1"), (1, b"2"), (3, b"3")]
    assert decoded.refused == [(2, "not a sound"), (4, "metadata without a value")]


def test_what_is_not_a_list_of_sounds_is_refused_in_plain_words() -> None:
    assert refused_by(
        KIND,
        None,
        b"\xff",
        TensorProto(dtype=1),
        string_tensor(b"1", shape=[]),
        string_tensor(b"1", b"2", b"3", shape=[1, 3]),
        string_tensor(b"1", b"2", shape=[1, 2, 1]),
        string_tensor(b"1", b"2", shape=[10**10, 2]),
        pairs(b"1", b"good", b"2", b"\xff"),
    ) == [
        "metadata without a value",
        "not a tensor",
        "values that are not strings",
        "neither a list of sounds nor pairs of sound and label",
        "neither a list of sounds nor pairs of sound and label",
        "neither a list of sounds nor pairs of sound and label",
        "the tensor holds more or fewer values than its shape declares",
        "a label that is not UTF-8",
    ]


@given(st.lists(st.tuples(st.booleans(), st.lists(st.binary(max_size=50), max_size=4))))
def test_every_byte_of_every_sound_is_kept(batches: list[tuple[bool, list[bytes]]]) -> None:
    tensors = [
        pairs(*(each for sound in batch for each in (sound, b"label")))
        if labelled
        else string_tensor(*batch)
        for labelled, batch in batches
    ]
    rows = rows_of(KIND, events_of(*tensors))
    assert [(r["event_index"], r["index"], r["data"], r.get("label")) for r in rows] == [
        (number, index, sound, "label" if labelled else None)
        for number, (labelled, batch) in enumerate(batches)
        for index, sound in enumerate(batch)
    ]


@given(st.lists(st.binary(max_size=48)))
def test_no_bytes_raise(payloads: list[bytes]) -> None:
    for events in (events_of(*payloads), legacy(*payloads)):
        rows_in(KIND, events, KIND.decode(events), "audio")


@given(st.binary(max_size=60))
def test_no_wav_header_raises(rest: bytes) -> None:
    for file in (riff(rest), riff(chunk(b"fmt ", rest), chunk(b"data", rest))):
        (row,) = rows_of(KIND, events_of(string_tensor(file)))
        assert row["content_type"] == "audio/wav"
