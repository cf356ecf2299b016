"""Random logs of every kind that TensorBoard shows, with what is easily got wrong.

Tags are few, so that they repeat, change their kind and are written in old and new forms; steps
rise, repeat and fall; metadata comes with every value, with the first, late, or never.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from event_writing import (
    EventFile,
    bytes_field,
    double_field,
    float_field,
    summary,
    summary_metadata,
    tensor,
    value_message,
    varint_field,
)
from graph_building import small_model
from tensorboard.compat.proto import config_pb2, graph_pb2
from tensorboard.plugins.audio.plugin_data_pb2 import AudioPluginData
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar.metadata import CONFIG_SUMMARY_TAG
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.mesh.plugin_data_pb2 import MeshPluginData

#: A value: its tag, the field that holds it, encoded, and the metadata that belongs to it.
Value = tuple[str, bytes, bytes]

NUMBERS = [
    0.0, -0.0, 0.5, 0.1, -1.5, 1e-40, 3e38, math.nan, math.inf, -math.inf, 1 / 3, 1.7e308, 1234.9,
]  # fmt: skip
TEXTS = [
    b"plain", b"# A heading\n\n* a *point*", b"<script>alert(1)</script>",
    b"| a | b |\n|---|---|\n| 1 | 2 |", "größer \N{SNOWMAN}".encode(), b"", b"a\nb",
]  # fmt: skip
PICTURES = [
    b"\x89PNG\r\n\x1a\n" + bytes(range(60)),
    b"GIF89a" + bytes(20),
    b"\xff\xd8\xff\xe0" + bytes(30),
    b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    b"?",
    b"",
]


def _number(random: Random) -> float:
    return random.choice(NUMBERS) if random.random() < 0.3 else random.uniform(-10, 10)


def _float32(number: float) -> float:
    return number if not math.isfinite(number) or abs(number) < 3.4e38 else 1.0


def _simple(random: Random, tag: str) -> Value:
    return tag, float_field(2, _float32(_number(random))), b""


def _scalar(random: Random, tag: str) -> Value:
    dtype = random.choice(["float32", "float32", "float64", "half"])
    number = _number(random)
    if dtype == "float32":
        number = _float32(number)
    elif dtype == "half":
        number = random.choice([0.5, -2.0, math.nan, math.inf])
    shape = random.choice([(), (), (1,), None])
    payload = tensor(dtype, [number], shape, content=random.random() < 0.5)
    return tag, bytes_field(8, payload), summary_metadata("scalars")


def _integer(random: Random, tag: str) -> Value:
    dtype, number = random.choice(
        [
            ("int64", 3),
            ("int64", 2**53 + 1),
            ("int32", -4),
            ("uint8", 200),
            ("bool", 1),
            ("bool", 0),
        ]
    )
    return tag, bytes_field(8, tensor(dtype, [number], ())), summary_metadata("scalars")


def _old_histogram(random: Random, tag: str) -> Value:
    count = random.choice([0, 1, 2, 5])
    limits = sorted(random.uniform(-3, 3) for _ in range(count))
    if limits and random.random() < 0.3:
        limits[-1] = 1.7976931348623157e308
    counts = [random.choice([0.0, 0.0, 1.0, 7.0]) for _ in limits]
    ends = (limits[0] - 1, limits[-1]) if limits else (0.0, 0.0)
    fields = [*ends, sum(counts), 1.5, 2.5]
    payload = b"".join(double_field(number + 1, value) for number, value in enumerate(fields))
    for number, values in ((6, limits), (7, counts)):
        payload += bytes_field(number, b"".join(double_field(1, each)[1:] for each in values))
    return tag, bytes_field(5, payload), b""


def _histogram(random: Random, tag: str) -> Value:
    count = random.choice([0, 1, 3, 30])
    edges = sorted(random.uniform(-1, 1) for _ in range(count + 1))
    rows = [
        each
        for index in range(count)
        for each in (edges[index], edges[index + 1], float(index % 4))
    ]
    payload = tensor("float64", rows, (count, 3), content=random.random() < 0.5)
    return tag, bytes_field(8, payload), summary_metadata("histograms")


def _old_image(random: Random, tag: str) -> Value:
    sizes = varint_field(1, random.randint(1, 9)) + varint_field(2, random.randint(1, 9))
    return tag, bytes_field(4, sizes + bytes_field(4, random.choice(PICTURES))), b""


def _images(random: Random, tag: str) -> Value:
    pictures = random.choices(PICTURES, k=random.choice([0, 1, 1, 2, 4]))
    values = [b"3", b"4", *pictures]
    return tag, bytes_field(8, tensor("string", values, (len(values),))), summary_metadata("images")


def _old_audio(random: Random, tag: str) -> Value:
    payload = float_field(1, 8000) + varint_field(2, 1) + varint_field(3, 4)
    kind = random.choice(["audio/wav", "audio/x", ""])
    payload += bytes_field(4, b"RIFF" + bytes([random.randrange(256)])) + bytes_field(5, kind)
    return tag, bytes_field(6, payload), b""


def _audio(random: Random, tag: str) -> Value:
    count = random.choice([0, 1, 2, 3])
    clips = [b"RIFF" + bytes([random.randrange(256)]) for _ in range(count)]
    content = AudioPluginData(encoding=random.choice([0, 11])).SerializeToString()
    if random.random() < 0.5:
        labelled = [each for clip in clips for each in (clip, b"a *label*")]
        payload = tensor("string", labelled, (count, 2))
    else:
        payload = tensor("string", clips, (count,))
    return tag, bytes_field(8, payload), summary_metadata("audio", content)


def _text(random: Random, tag: str) -> Value:
    shape = random.choice([(), (), (1,), (3,), (2, 2), (1, 2, 2), (0,)])
    payload = tensor("string", random.choices(TEXTS, k=math.prod(shape)), shape)
    return tag, bytes_field(8, payload), summary_metadata("text")


def _pr_curve(random: Random, tag: str) -> Value:
    count = random.choice([1, 2, 5])
    values = [float(random.randrange(3)) for _ in range(6 * count)]
    return tag, bytes_field(8, tensor("float32", values, (6, count))), summary_metadata("pr_curves")


def _mesh(random: Random, tag: str) -> Value:
    part, name, dtype = random.choice(
        [(1, "VERTEX", "float32"), (2, "FACE", "int32"), (3, "COLOR", "uint8")]
    )
    batch, points = random.choice([1, 2]), random.choice([1, 3])
    shape = (batch, points, 3)
    data = MeshPluginData(
        version=0, name=tag, content_type=part, components=14, shape=shape,
        json_config=random.choice(["", "{}", '{"camera": 1}']),
    )  # fmt: skip
    values = [random.randrange(200) for _ in range(math.prod(shape))]
    metadata = summary_metadata("mesh", data.SerializeToString())
    return f"{tag}_{name}", bytes_field(8, tensor(dtype, values, shape)), metadata


def _layout(random: Random, tag: str) -> Value:
    if random.random() < 0.5:
        tags = {"tag": [random.choice(["a.*", "b", "("])]}
        chart = layout_pb2.Chart(title="lines", multiline=tags)
    else:
        series = {"value": "a", "lower": "b", "upper": "c"}
        chart = layout_pb2.Chart(title="margin", margin={"series": [series]})
    layout = layout_pb2.Layout(
        category=[{"title": random.choice(["one", "two"]), "chart": [chart], "closed": True}]
    )
    payload = tensor("string", [layout.SerializeToString()], ())
    return CONFIG_SUMMARY_TAG, bytes_field(8, payload), summary_metadata("custom_scalars")


def _hparams(random: Random, tag: str) -> Value:
    tags = hparams_metadata
    data = plugin_data_pb2.HParamsPluginData(version=0)
    which = random.random()
    if which < 0.3:
        name = tags.EXPERIMENT_TAG
        data.experiment.description = random.choice(["first", "second"])
        data.experiment.time_created_secs = 1.5
        for each in random.sample(["lr", "layers", "optimizer"], k=random.randint(1, 3)):
            data.experiment.hparam_infos.add(
                name=each, display_name=each.upper(), type=api_pb2.DATA_TYPE_FLOAT64
            )
        for each in random.sample(["a", "b", "c"], k=random.randint(0, 2)):
            data.experiment.metric_infos.add(
                name={"tag": each, "group": random.choice(["", "sub"])}
            )
    elif which < 0.75:
        name = tags.SESSION_START_INFO_TAG
        info = data.session_start_info
        info.start_time_secs = random.uniform(0, 9)
        info.group_name = random.choice(["", "group", "other"])
        info.hparams["lr"].number_value = random.choice([0.1, 0.01, math.nan])
        info.hparams["optimizer"].string_value = random.choice(["adam", "sgd", "größer"])
        if random.random() < 0.5:
            info.hparams["bias"].bool_value = random.random() < 0.5
    else:
        name = tags.SESSION_END_INFO_TAG
        data.session_end_info.status = random.choice([0, 1, 2, 3])
        data.session_end_info.end_time_secs = random.uniform(9, 19)
    payload = tensor("float32", [], (0,)) if random.random() < 0.5 else None
    metadata = summary_metadata("hparams", data.SerializeToString())
    return name, b"" if payload is None else bytes_field(8, payload), metadata


def _graph_tensor(random: Random, tag: str) -> Value:
    plugin = random.choice(["graph_keras_model", "graph_run_metadata", "graph_run_metadata_graph"])
    if plugin == "graph_keras_model":
        layer = {"class_name": "InputLayer", "config": {"name": f"x{random.randrange(3)}"}}
        layer |= {"name": layer["config"]["name"], "inbound_nodes": []}
        model = {"class_name": "Model", "config": {"name": "m", "layers": [layer]}}
        payload = json.dumps(model).encode()
    else:
        payload = _run_metadata(random)
    metadata = summary_metadata(plugin, random.choice([b"1", b"1", b"2"]))
    return tag, bytes_field(8, tensor("string", [payload], random.choice([(), (1,)]))), metadata


def _run_metadata(random: Random) -> bytes:
    data = config_pb2.RunMetadata()
    data.step_stats.dev_stats.add(device=f"cpu{random.randrange(3)}")
    graph = graph_pb2.GraphDef.FromString(small_model(random.randint(1, 5)).SerializeToString())
    data.function_graphs.add(pre_optimization_graph=graph)
    return data.SerializeToString()


def _bare(random: Random, tag: str) -> Value:
    """A tensor that nothing is said of, or that a plugin has that is not there."""
    payload = bytes_field(8, tensor("float32", [0.5, _float32(_number(random))], (2,)))
    metadata = summary_metadata("mine") if random.random() < 0.5 else b""
    return tag, payload, metadata


FORMS: dict[str, Sequence[Callable[[Random, str], Value]]] = {
    "scalars": (_simple, _scalar),
    "integers": (_integer, _simple, _scalar),
    "histograms": (_old_histogram, _histogram),
    "images": (_old_image, _images),
    "audio": (_old_audio, _audio),
    "text": (_text,),
    "pr_curves": (_pr_curve,),
    "meshes": (_mesh,),
    "layouts": (_layout, _simple),
    "hparams": (_hparams, _hparams, _simple),
    "graphs": (_graph_tensor,),
    "bare": (_bare, _simple),
}
KIND = {form: kind for kind, forms in reversed(FORMS.items()) for form in forms}
ANY = tuple(form for forms in FORMS.values() for form in forms)
NAMES = ["a", "a", "b", "c", "a/b", "größer", "__run_graph__"]
RUNS = [".", "train", "eval", "train/sub", "x y", "deep/er/run", "größer", "10", "9"]


def random_log(random: Random, folder: Path, most_files: int = 3) -> Path:
    """A logdir of a few runs."""
    for run in random.sample(RUNS, k=random.randint(1, 4)):
        theme = random.choice([*FORMS, *FORMS, "any"])
        forms = ANY if theme == "any" else FORMS[theme]
        step, wall_time = random.randint(-3, 6), 1000.0 + random.choice([0, 0, 50, -7.25])
        falling = random.choice([0.0, 0.1, 0.4])
        manner = random.choice(["always", "first", "first", "random"])
        told: set[str] = set()
        keeps_kind = random.random() < 0.8
        for number in range(random.randint(1, most_files)):
            file = EventFile(folder / run / f"events.out.tfevents.{number}")
            if manner == "first":
                told.clear()  # as each new writer does
            version = random.choice(["brain.Event:2"] * 5 + ["brain.Event:1", ""])
            if version:
                file.event(bytes_field(3, version), wall_time=wall_time)
            for _ in range(random.randint(0, 14)):
                step += -random.randint(0, 5) if random.random() < falling else random.randint(0, 2)
                wall_time += random.choice([0.0, 0.25, 1.1, -0.5])
                what = _event(random, forms, manner, told, keeps_kind)
                file.event(what, step, wall_time)
    return folder


def _event(
    random: Random,
    forms: Sequence[Callable[[Random, str], Value]],
    manner: str,
    told: set[str],
    keeps_kind: bool,
) -> bytes:
    kind = random.random()
    if kind < 0.06:
        return bytes_field(7, varint_field(1, random.choice([1, 1, 2])))
    if kind < 0.12 or (_graph_tensor in forms and kind < 0.4):
        graph = small_model(random.randint(1, 5)).SerializeToString()
        tagged = bytes_field(1, random.choice(NAMES)) + bytes_field(2, _run_metadata(random))
        return random.choice(
            [bytes_field(4, graph), bytes_field(9, bytes_field(2, graph)), bytes_field(8, tagged)]
        )
    messages = []
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        form = random.choice(forms)
        name = random.choice(NAMES)
        tag, member, metadata = form(random, f"{KIND[form]}/{name}" if keeps_kind else name)
        is_told = {
            "always": True,
            "first": tag not in told,
            "random": random.random() < 0.6,
        }[manner]
        told.add(tag)
        if random.random() < 0.3:
            metadata += bytes_field(2, random.choice(["Shown", "as *this*"]))
        if random.random() < 0.3:
            metadata += bytes_field(3, random.choice(["# said", "of <b>it</b>"]))
        if random.random() < 0.1:
            metadata += varint_field(4, random.randint(1, 3))
        messages.append(value_message(tag, member, metadata if is_told and metadata else None))
    return summary(*messages)
