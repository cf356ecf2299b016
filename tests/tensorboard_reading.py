"""What TensorBoard reads of a logdir: its loader in Python, and RustBoard, its data server.

:func:`check` holds both against the tables of a logdir. The packages are the released ones.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import tensorboard_data_server
from grpc import insecure_channel
from tensorboard.backend.event_processing import plugin_event_multiplexer
from tensorboard.compat.tensorflow_stub import pywrap_tensorflow
from tensorboard.data.proto import data_provider_pb2 as pb
from tensorboard.data.proto import data_provider_pb2_grpc as grpc
from tensorboard.util import tensor_util

import tbtools
from tbtools import _core

__all__ = ["Read", "ascending", "by_loader", "by_rustboard", "check", "flat", "told"]

#: Of each plugin, run and tag: step, wall_time and value of every point, in its order.
Read = dict[tuple[str, str, str], list[tuple[int, float, Any]]]

WHOLE = {"hparams", "custom_scalars", "graphs"}  # plugins whose tables tell no step


def by_loader(logdir: Path, purges: bool = False) -> Read:
    """What TensorBoard's Python loader reads without sampling; ``purges``: as it does by itself."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer(
        tensor_size_guidance={"tensor": 0},
        size_guidance=dict.fromkeys(("tensors", "graph", "meta_graph", "run_metadata"), 0),
        purge_orphaned_data=purges,
    ).AddRunsFromDirectory(str(logdir))
    # In Python, CRCs take a third of the time; RustBoard has its own, and checks them all.
    with patch.object(pywrap_tensorflow, "crc32c", _core.crc32c):
        multiplexer.Reload()
    found: Read = {}
    for run, kinds in multiplexer.Runs().items():
        for tag in kinds["tensors"]:
            try:
                plugin = multiplexer.SummaryMetadata(run, tag).plugin_data.plugin_name
            except KeyError:  # a tensor without metadata
                plugin = ""
            found[plugin, run, tag] = [
                (event.step, event.wall_time, _values(event.tensor_proto))
                for event in multiplexer.Tensors(run, tag)
            ]
    return found


def by_rustboard(logdir: Path) -> Read:
    """What the data server reads, without sampling; skips the test where it has no binary."""
    found: dict[tuple[str, str, str], Iterable[tuple[int, float, Any]]] = {}
    # The server takes up to 40 ms for a blob, most of which it waits.
    with _rustboard(logdir) as server, ThreadPoolExecutor(24) as pool:
        for plugin in (each.name for each in server.ListPlugins(pb.ListPluginsRequest()).plugins):
            every: dict[str, Any] = {
                "plugin_filter": pb.PluginFilter(plugin_name=plugin),
                "downsample": pb.Downsample(num_points=2**31 - 1),
            }
            numbers = server.ReadScalars(pb.ReadScalarsRequest(**every))
            tensors = server.ReadTensors(pb.ReadTensorsRequest(**every))
            blobs = server.ReadBlobSequences(pb.ReadBlobSequencesRequest(**every))
            for answer, values_of in (
                (numbers, lambda data: data.value),
                (tensors, lambda data: map(_values, data.value)),
                (blobs, lambda data: pool.map(partial(_blobs, server), data.values)),
            ):
                for run in answer.runs:
                    for tag in run.tags:
                        data = tag.data
                        values = values_of(data)
                        found[plugin, run.run_name, tag.tag_name] = zip(
                            data.step, data.wall_time, values, strict=True
                        )
        return {key: [*points] for key, points in found.items()}


def _values(tensor: Any) -> Any:
    try:
        return tensor_util.make_ndarray(tensor).tolist()
    except (TypeError, OverflowError):  # TensorBoard has no numbers of some types
        return None


def _blobs(server: Any, sequence: Any) -> list[bytes]:
    requests = (pb.ReadBlobRequest(blob_key=each.blob_key) for each in sequence.blob_refs)
    return [b"".join(part.data for part in server.ReadBlob(request)) for request in requests]


@contextmanager
def _rustboard(logdir: Path) -> Iterator[Any]:
    """A data server that has read a logdir, every point and every CRC of it."""
    binary = tensorboard_data_server.server_binary()
    if binary is None:
        pytest.skip("tensorboard-data-server has no binary for this platform")
    plugins = ("scalars", "histograms", "images", "audio", "text", "hparams", "mesh", "pr_curves")
    folder = tempfile.TemporaryDirectory()
    port_file = Path(folder.name) / "port"
    command = [
        binary,
        f"--logdir={logdir}",
        "--reload=once",
        "--checksum",
        f"--samples-per-plugin={','.join(f'{plugin}=all' for plugin in plugins)}",
        "--port=0",
        f"--port-file={port_file}",
        "-v",
    ]
    with folder, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            said = []
            for line in server.stderr:
                said.append(line)
                if re.search("Finished load cycle", line):
                    break
            else:
                raise AssertionError(f"the server ended: {''.join(said[-5:])}")
            address = f"localhost:{port_file.read_text().strip()}"
            size = [("grpc.max_receive_message_length", -1)]
            with insecure_channel(address, options=size) as channel:
                yield grpc.TensorBoardDataProviderStub(channel)
        finally:
            server.kill()


def told(logs: tbtools.Logs) -> Read:
    """What tbtools says is there, of every table that tells tag and step."""
    tags = logs.tags.to_table(["run", "tag", "table", "plugin"]).to_pylist()
    plugins = {(row["table"], row["run"], row["tag"]): row["plugin"] for row in tags}
    found: Read = {}
    for table, value in VALUES.items():
        for row in logs[table].to_table().to_pylist():
            run, tag = row["run"], row["tag"]
            # A tag of a legacy form has no plugin; TensorBoard gives it that of its table.
            plugin = plugins[table, run, tag] or ("" if table == "tensors" else table)
            points = found.setdefault((plugin, run, tag), [])
            if row.get("index"):  # a point of several rows
                points[-1][2].extend(value(row))
            else:
                points.append((row["step"], row["wall_time"], value(row)))
    return found


#: Of the tables that are compared, what TensorBoard shows of a row; nothing if that is its own.
VALUES: dict[str, Callable[[dict[str, Any]], list[Any]]] = {
    "scalars": lambda row: [row["value"]],
    # TensorBoard has no buckets of its own that are empty, and other outer edges in old forms.
    "histograms": lambda row: [each["count"] for each in row["buckets"] if each["count"]],
    "images": lambda row: [row["data"]],
    "audio": lambda row: [row["data"]],
    "text": lambda row: [row["value"].encode()],
    "tensors": lambda row: [],
    "pr_curves": lambda row: [],
    "meshes": lambda row: [],
}

#: The same of what TensorBoard read, by plugin.
SHOWN: dict[str, Callable[[Any], list[Any]]] = {
    "scalars": lambda value: [value],
    "histograms": lambda value: [count for _, _, count in value if count],
    "images": lambda value: value[2:],  # behind width and height
    "audio": lambda value: [each[0] if isinstance(each, list) else each for each in value],
    "text": lambda value: flat(value),
}


def flat(value: Any) -> list[Any]:
    """The elements of lists in lists."""
    if not isinstance(value, list):
        return [value]
    return [inner for each in value for inner in flat(each)]


def ascending(points: Iterable[tuple[int, float, Any]]) -> list[tuple[int, float, Any]]:
    """What RustBoard keeps: a step takes back what came before with that step or a later one."""
    kept: list[tuple[int, float, Any]] = []
    for point in points:
        while kept and kept[-1][0] >= point[0]:
            kept.pop()
        kept.append(point)
    return kept


def compared(read: Read) -> Read:
    """What a loader read, of the plugins whose tables tell tag and step, as ``told`` gives it."""
    return {
        key: [(step, time, SHOWN.get(key[0], _nothing)(value)) for step, time, value in points]
        for key, points in read.items()
        if key[0] not in WHOLE and not key[0].startswith("graph")
    }


def _nothing(value: Any) -> list[Any]:
    return []


def check(logdir: Path, float64: Collection[str] = (), purges: bool = False) -> None:
    """See that both loaders read the points that tbtools says are in a logdir, in their order.

    RustBoard has no scalars of float64, which ``exact`` writes where float32 does not hold a value:
    they have to be missing there, and so has every point of the tags in ``float64``, which another
    writer wrote so. It lists no tensors without a data class.
    """
    logs = tbtools.open(logdir)
    expected = told(logs)
    unclaimed = {(row["run"], row["tag"]) for row in logs.events.to_table().to_pylist()}
    found = compared(by_loader(logdir, purges))
    _agree(
        "the loader",
        {key: points for key, points in found.items() if key[1:] not in unclaimed},
        expected,
    )
    shown = compared(by_rustboard(logdir))
    tensors = {(row["run"], row["tag"]) for row in logs.tensors.to_table().to_pylist()}
    wanted = {
        key: [point for point in ascending(points) if key[0] != "scalars" or _is_float32(point[2])]
        for key, points in expected.items()
        if key[1:] not in tensors or key in shown
    }
    wanted |= {key: [] for key in wanted if key[0] == "scalars" and key[2] in float64}
    _agree("RustBoard", shown, wanted)


def _is_float32(value: list[float]) -> bool:
    with np.errstate(over="ignore"):
        return repr(float(np.float32(value[0]))) == repr(value[0])


def _agree(who: str, found: Read, expected: Read) -> None:
    """See that the points of every plugin, run and tag are the expected ones; NaN is itself."""
    assert found.keys() == expected.keys(), f"{who} finds other tags"
    for key, points in expected.items():
        assert repr(found[key]) == repr(points), f"{who} reads other points of {key}"
