"""Audio: the legacy ``audio`` and the tensors of the plugin ``audio``.

The core decodes the tensors (``_core.decode_strings``). Those say nothing of their sound, so rate,
channels and length are read from the header of a WAV file; a legacy value says them itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tbtools.decode.encoding import (
    Encoded,
    Encoder,
    first_rows,
    groups,
    members,
    metadata_of,
    of_every_row,
    string_tensor,
)
from tbtools.decode.kind import Decoded, Events, Kind, column, table
from tbtools.decode.payloads import Accepted, Columns, by_form, flat, parsed, string_tensors
from tbtools.proto.plugins_pb2 import AudioPluginData
from tbtools.proto.tfevents_pb2 import Summary
from tbtools.schema import LABEL

AUDIO = table(
    "audio",
    "A row per sound of a batch. What a legacy value claims of its sound comes first, what the "
    "header of a WAV file says second.",
    column("index", pa.int64(), "Place in the batch.", nullable=False),
    column("sample_rate", pa.float64(), "Frames per second; null if not known."),
    column("channels", pa.int64(), "Channels; null if not known."),
    column("frames", pa.int64(), "Length, in samples of each channel; null if not known."),
    column("label", pa.string(), "The writer's label; TF2 writes empty ones, or none (null)."),
    column(
        "content_type",
        LABEL,
        "As the legacy form claims, else by the first bytes: `audio/wav`, `audio/flac`, "
        "`audio/ogg`, `audio/mpeg`; null for any other.",
    ),
    column("data", pa.binary(), "The sound file, byte for byte as written.", nullable=False),
)

WAV = 11  # AudioPluginData.encoding

MAGIC = (
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
)
# Formats of WAV files of which a block is one frame: PCM, float, A-law, µ-law, and "see below".
SAMPLED = (1, 3, 6, 7, 0xFFFE)
MOST_CHUNKS = 1000  # of a WAV file before its samples; real ones have a few


class Sound(NamedTuple):
    """What is known of a sound; None for what is not."""

    sample_rate: float | None = None
    channels: int | None = None
    frames: int | None = None
    content_type: str | None = None


def decode(events: Events) -> Decoded:
    """A row for each sound."""
    return by_form(events, AUDIO.name, "audio", _legacy, _tensors)


def _legacy(payloads: pa.BinaryArray) -> Columns:
    claims = parsed(payloads, Summary.Audio, "not a sound")
    data = pa.array([claim.encoded_audio_string for claim in claims.messages], pa.binary())
    sounds = [
        Sound(  # zero or empty is what an absent field reads as
            claim.sample_rate or own.sample_rate,
            claim.num_channels or own.channels,
            claim.length_frames or own.frames,
            claim.content_type or own.content_type,
        )
        for claim, own in zip(claims.messages, _sounds(data), strict=True)
    ]
    index = pa.repeat(pa.scalar(0, pa.int64()), len(data))
    labels = pa.nulls(len(data), pa.string())
    return Columns(claims.origin, _columns(index, labels, data, sounds), claims.refused)


def _tensors(payloads: pa.BinaryArray) -> Columns:
    made = string_tensors(payloads)
    rank = pc.list_value_length(made["shape"])
    last = [sizes[-1] if sizes else 0 for sizes in made["shape"].to_pylist()]
    pairs = pc.and_(pc.equal(rank, 2), pc.equal(pa.array(last, pa.int64()), 2))
    good = pc.or_(pc.equal(rank, 1), pairs)
    made.refuse(pc.invert(good), "neither a list of sounds nor pairs of sound and label")
    _refuse_labels(made)
    strings = flat(made["strings"])
    labelled = pc.equal(pc.list_value_length(made["shape"]), 2).take(strings.row)
    # In pairs, every other string is a label.
    is_sound = pc.invert(pc.and_(labelled, _is_odd(strings.place)))
    places = pc.indices_nonzero(is_sound).cast(pa.int64())
    labelled = labelled.filter(is_sound)
    index = strings.place.filter(is_sound)
    row = strings.row.filter(is_sound)
    labels = strings.values.take(pc.if_else(labelled, pc.add(places, 1), None)).cast(pa.string())
    data = strings.values.filter(is_sound)
    index = pc.if_else(labelled, pc.shift_right(index, 1), index)
    columns = _columns(index, labels, data, list(_sounds(data)))
    return Columns(made.origin.take(row), columns, made.refused)


def _refuse_labels(made: Accepted) -> None:
    """Refuse what has a label that is not UTF-8."""
    strings = flat(made["strings"])
    labelled = pc.equal(pc.list_value_length(made["shape"]), 2).take(strings.row)
    is_label = pc.and_(labelled, _is_odd(strings.place))
    labels = strings.values.filter(is_label).dictionary_encode()
    bad = pa.array([not _is_utf8(label) for label in labels.dictionary.to_pylist()], pa.bool_())
    rows = strings.row.filter(is_label).filter(bad.take(labels.indices))
    made.refuse(pc.is_in(pa.arange(0, len(made.origin)), rows), "a label that is not UTF-8")


def _is_odd(numbers: pa.Int64Array) -> pa.BooleanArray:
    return pc.bit_wise_and(numbers, 1).cast(pa.bool_())


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _columns(
    index: pa.Int64Array, labels: pa.StringArray, data: pa.BinaryArray, sounds: list[Sound]
) -> dict[str, pa.Array]:
    return {
        "index": index,
        "sample_rate": pa.array([sound.sample_rate for sound in sounds], pa.float64()),
        "channels": pa.array([sound.channels for sound in sounds], pa.int64()),
        "frames": pa.array([sound.frames for sound in sounds], pa.int64()),
        "label": labels,
        "content_type": pa.array([sound.content_type for sound in sounds], LABEL),
        "data": data,
    }


def _sounds(data: pa.BinaryArray) -> Iterator[Sound]:
    """What each file says of itself."""
    for file in data:
        yield _sound(memoryview(file.as_buffer()))


def _sound(file: memoryview) -> Sound:
    begin = bytes(file[:12])
    if begin[:4] == b"RIFF" and begin[8:] == b"WAVE":
        return _wav(file)
    kind = next((name for magic, name in MAGIC if begin.startswith(magic)), None)
    return Sound(content_type=kind)


def _wav(file: memoryview) -> Sound:
    """What the header of a WAV file says. Source: Microsoft's WAVEFORMATEX; RIFF 1.0."""
    sound = Sound(content_type="audio/wav")
    at, frame = 12, 0  # frame: bytes of one sample of all channels
    for _ in range(MOST_CHUNKS):
        if len(file) - at < 8:
            break
        name, size = struct.unpack_from("<4sI", file, at)
        at += 8
        if name == b"fmt " and len(file) - at >= 14:
            kind, channels, rate, _, frame = struct.unpack_from("<HHIIH", file, at)
            frame = frame if kind in SAMPLED else 0
            sound = sound._replace(sample_rate=float(rate), channels=channels)
        if name == b"data":
            # A writer that did not know the size in advance claims the largest there is.
            held = min(size, len(file) - at)
            return sound._replace(frames=held // frame if frame else None)
        at += size + size % 2
    return sound


def encode(tables: Mapping[str, pa.RecordBatch]) -> Encoded:
    """A tensor for the sounds of each event, if they have labels; else the legacy form.

    That one has what is known of the sound.
    """
    rows = tables[AUDIO.name]
    found = list(groups(AUDIO.name, rows))
    sounds = rows.drop_columns(["tag", "step", "wall_time", "run"]).to_pylist()
    names, payloads = [], []
    for group in found:
        name, payload = _event(sounds[group.begin : group.end])
        names.append(name)
        payloads.append(payload)
    # Without a data class, as tf.summary writes it: else TensorBoard takes labels for sounds.
    about = metadata_of("audio", 0, AudioPluginData(encoding=WAV).SerializeToString())
    return Encoded(
        **first_rows(rows, found),
        member=members(names),
        payload=pa.array(payloads, pa.binary()),
        metadata=of_every_row(about, len(found)),
    )


def _event(sounds: list[dict[str, Any]]) -> tuple[str, bytes]:
    data = [sound["data"] for sound in sounds]
    labels = [sound["label"] for sound in sounds]
    if any(label is not None for label in labels):
        pairs = zip(data, ((label or "").encode() for label in labels), strict=True)
        return "tensor", string_tensor([each for pair in pairs for each in pair], [len(data), 2])
    if len(data) > 1:
        return "tensor", string_tensor(data, [len(data)])
    sound = sounds[0]
    legacy = Summary.Audio(
        sample_rate=sound["sample_rate"] or 0,
        num_channels=sound["channels"] or 0,
        length_frames=sound["frames"] or 0,
        content_type=sound["content_type"] or "",
        encoded_audio_string=sound["data"],
    )
    return "audio", legacy.SerializeToString()


KIND = Kind(
    tables=(AUDIO,),
    decode=decode,
    fields=frozenset({"audio"}),
    plugins=frozenset({"audio"}),
    encode=Encoder({AUDIO.name: ("data",)}, encode),
)
