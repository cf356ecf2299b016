"""Hypothesis strategies for events, event files and what happens to them."""

from __future__ import annotations

from collections.abc import Callable

from event_writing import (
    DTYPES,
    EVENT_FIELDS,
    VALUE_FIELDS,
    EventFile,
    bytes_field,
    double_field,
    event_message,
    float_field,
    header,
    summary,
    summary_metadata,
    tensor,
    tensor_shape,
    varint,
    varint_field,
)
from hypothesis import strategies as st

INT64 = st.integers(-(2**63), 2**63 - 1)
UINT64 = st.integers(0, 2**64 - 1)
STEPS = st.one_of(st.integers(-3, 1000), INT64)
FLOATS32 = st.floats(width=32)
# Few tags, so that they meet again; among them the empty one, and one that is not UTF-8.
TAGS = st.sampled_from(["a", "b", "loss/train", "", "ü/\N{SNOWMAN}", "x" * 300, b"\xff"])
GOOD_TAGS = st.sampled_from(["a", "b", "loss/train", "", "ü/\N{SNOWMAN}", "x" * 300])
PLUGINS = st.sampled_from(["scalars", "scalars", "histograms", "text", "", "images"])
SMALL_BYTES = st.binary(max_size=24)


NUMERIC = tuple(name for name in DTYPES if name != "string")


def shuffled(fields: list[bytes]) -> st.SearchStrategy[bytes]:
    """The same fields in any order."""
    return st.permutations(fields).map(b"".join)


unknown_fields = st.one_of(
    st.builds(varint_field, st.integers(11, 2**29 - 1), UINT64),
    st.builds(bytes_field, st.integers(11, 2**29 - 1), SMALL_BYTES),
    st.builds(float_field, st.integers(11, 100), FLOATS32),
    st.builds(double_field, st.integers(11, 100), st.floats()),
    st.builds(  # a group
        lambda number, inner: varint(number << 3 | 3) + inner + varint(number << 3 | 4),
        st.integers(11, 100),
        st.sampled_from([b"", varint_field(1, 5), bytes_field(2, b"x")]),
    ),
)
metadata = st.one_of(
    st.builds(summary_metadata, PLUGINS, SMALL_BYTES, st.sampled_from(["", "name"])),
    # plugin_data in two pieces, which protobuf merges
    st.builds(
        lambda plugin, content: (
            bytes_field(1, bytes_field(1, plugin)) + bytes_field(1, bytes_field(2, content))
        ),
        PLUGINS,
        SMALL_BYTES,
    ),
    SMALL_BYTES,
)


@st.composite
def scalar_tensors(draw: st.DrawFn, dtypes: tuple[str, ...] = tuple(DTYPES)) -> bytes:
    """Tensors of about one element."""
    dtype = draw(st.sampled_from(dtypes))
    numbers: dict[str, st.SearchStrategy] = {
        "string": st.binary(max_size=4),
        "bool": st.booleans(),
        "half": st.floats(width=16),
        "bfloat16": st.integers(-8, 8).map(float),
        "float32": FLOATS32,
        "float64": st.floats(),
        "int64": INT64,
        "uint64": UINT64,
        "uint8": st.integers(0, 255),
        "int8": st.integers(-128, 127),
        "uint16": st.integers(0, 2**16 - 1),
        "int16": st.integers(-(2**15), 2**15 - 1),
        "uint32": st.integers(0, 2**32 - 1),
        "int32": st.integers(-(2**31), 2**31 - 1),
    }
    values = draw(st.lists(numbers[dtype], min_size=1, max_size=draw(st.sampled_from([1, 1, 2]))))
    shape = draw(st.sampled_from([None, (), (), (1,), (1, 1), (2,), (0,), (-1,)]))
    return tensor(dtype, values, shape, content=draw(st.booleans()), packed=draw(st.booleans()))


@st.composite
def odd_tensors(draw: st.DrawFn) -> bytes:
    """Fields of a TensorProto in any order and number."""
    field = st.one_of(
        st.builds(varint_field, st.just(1), st.integers(0, 24)),
        st.builds(lambda sizes: bytes_field(2, tensor_shape(sizes)), st.lists(st.just(1))),
        st.builds(bytes_field, st.sampled_from([2, 4, 5, 6, 7, 10, 11, 13, 16, 17]), SMALL_BYTES),
        st.builds(varint_field, st.sampled_from([7, 10, 11, 13, 16, 17]), UINT64),
        st.builds(float_field, st.just(5), FLOATS32),
    )
    return b"".join(draw(st.lists(field, max_size=4)))


@st.composite
def values(draw: st.DrawFn) -> bytes:
    """Summary.Values, from what every writer writes to what none does."""
    tag = bytes_field(1, draw(st.one_of(GOOD_TAGS, GOOD_TAGS, GOOD_TAGS, TAGS)))
    members: list[bytes] = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 0, 2, 3]))):
        kind = draw(st.sampled_from(["simple", "tensor", "tensor", "odd", "other"]))
        if kind == "simple":
            members.append(float_field(2, draw(FLOATS32)))
        elif kind == "tensor":
            members.append(bytes_field(8, draw(scalar_tensors())))
        elif kind == "odd":
            members.append(bytes_field(8, draw(odd_tensors())))
        else:
            field = draw(st.sampled_from(sorted(VALUE_FIELDS.values())))
            members.append(bytes_field(field, draw(SMALL_BYTES)))
    fields = [tag, *members]
    if draw(st.booleans()):
        fields.append(bytes_field(9, draw(metadata)))
    if draw(st.integers(0, 9)) > 0:
        return b"".join(fields)
    fields += [draw(unknown_fields), bytes_field(7, draw(TAGS)), bytes_field(9, draw(metadata))]
    return draw(shuffled(fields))


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """Serialised Events."""
    wall_time = draw(st.one_of(st.floats(0, 2e9), st.floats()))
    step = draw(STEPS)
    kind = draw(st.sampled_from(["one", "one", "one", "many", "other", "mixed"]))
    if kind == "one":
        return event_message(step, wall_time, summary(draw(values())))
    if kind == "many":
        return event_message(step, wall_time, summary(*draw(st.lists(values(), max_size=3))))
    what = st.builds(
        bytes_field, st.sampled_from(sorted({*EVENT_FIELDS.values(), 10})), SMALL_BYTES
    )
    if kind == "other":
        return event_message(step, wall_time, draw(what))
    fields = draw(st.lists(st.one_of(what, values().map(summary), unknown_fields), max_size=4))
    fields += [double_field(1, wall_time), varint_field(2, step)]
    return draw(shuffled(fields))


@st.composite
def files(draw: st.DrawFn, max_size: int = 12) -> EventFile:
    """Files of Events, with a record now and then that is none."""
    file = EventFile()
    for payload in draw(st.lists(st.one_of(events(), events(), SMALL_BYTES), max_size=max_size)):
        file.record(payload)
    return file


@st.composite
def damages(draw: st.DrawFn) -> Callable[[EventFile], object]:
    """Something that happens to a file that is not empty."""
    a, b = draw(st.floats(0, 1, exclude_max=True)), draw(st.floats(0, 1, exclude_max=True))
    data = draw(SMALL_BYTES)
    bit = draw(st.integers(0, 7))
    claimed = draw(st.one_of(st.integers(0, 300), st.sampled_from([2**31 - 1, 2**31, 2**64 - 1])))

    def stretch(file: EventFile) -> tuple[int, int]:
        low, high = sorted((int(a * len(file)), int(b * len(file))))
        return low, min(high, low + 64)

    return draw(
        st.sampled_from(
            [
                lambda file: file.flip(int(a * len(file)), bit),
                lambda file: file.zero(*stretch(file)),
                lambda file: file.remove(*stretch(file)),
                lambda file: file.insert(int(a * len(file)), data),
                lambda file: file.insert(int(a * len(file)), header(claimed)),
                lambda file: file.cut(int(a * len(file))),
                lambda file: file.junk(data),
            ]
        )
    )


def damaged_files() -> st.SearchStrategy[EventFile]:
    """Files to which up to three things happened."""

    def apply(file: EventFile, happened: list[Callable[[EventFile], object]]) -> EventFile:
        for each in happened:
            if len(file):
                each(file)
        return file

    return st.builds(apply, files(), st.lists(damages(), max_size=3))
