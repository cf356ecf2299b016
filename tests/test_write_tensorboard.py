"""TensorBoard itself reads what tbtools writes: the same values at the same steps and times.

TensorBoard is no dependency of the tests: in a venv that has it, and ``setuptools<81``, run
``pytest tests/test_write_tensorboard.py``.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from conftest import DATA

import tbtools
from tbtools.output.event_rows import targets

pytest.importorskip("tensorboard", reason="TensorBoard is no dependency of the tests")
pytest.importorskip("pkg_resources", reason="TensorBoard needs setuptools<81")

pytestmark = pytest.mark.filterwarnings("ignore")

PLUGINS = ["scalars", "images", "audio", "histograms", "text", "pr_curves", "mesh", "hparams"]
LOGS = ["iris", "tensorboardx", "tf1", "tf2", "torch", "torch_resumed"]
ALL = dict.fromkeys([*PLUGINS, "tensor"], 0)  # no sampling


def written(name: str, folder: Path, **options: Any) -> Path:
    """A golden log, written again."""
    logs = tbtools.open(DATA / name)
    tables = [table for table in [*targets(), "tags"] if logs[table].count_rows()]
    tbtools.write({table: logs[table] for table in tables}, folder / "logs", **options)
    return folder / "logs"


def values_of(logdir: Path) -> dict[tuple[str, str, str], list[tuple[int, float, Any]]]:
    """Of each plugin, run and tag step, wall_time and value, by TensorBoard's own loader."""
    from tensorboard.backend.event_processing import plugin_event_multiplexer
    from tensorboard.util import tensor_util

    multiplexer = plugin_event_multiplexer.EventMultiplexer(
        tensor_size_guidance=ALL, purge_orphaned_data=False
    ).AddRunsFromDirectory(str(logdir))
    multiplexer.Reload()
    found = {}
    for run in multiplexer.Runs():
        for plugin in PLUGINS:
            for tag in multiplexer.PluginRunToTagToContent(plugin).get(run, {}):
                found[plugin, run, tag] = [
                    (
                        event.step,
                        event.wall_time,
                        plain(plugin, tensor_util.make_ndarray(event.tensor_proto)),
                    )
                    for event in multiplexer.Tensors(run, tag)
                ]
    return found


def kept(values: dict[tuple[str, str, str], Any]) -> dict[tuple[str, str, str], str]:
    """The values as they come back: of metadata, which hparams are, other tests tell."""
    return {
        key: repr(sorted(points, key=lambda point: point[:2]))
        for key, points in values.items()
        if key[0] != "hparams"
    }


def plain(plugin: str, values: Any) -> Any:
    """A value without what tables do not keep: types of the numbers of meshes, missing labels."""
    if plugin == "mesh":
        return values.astype(float).tolist()
    if plugin == "audio":
        return [each for each in values.flatten().tolist() if each]
    return values.tolist()


@pytest.mark.parametrize("name", LOGS)
def test_tensorboard_reads_the_same_values(name: str, tmp_path: Path) -> None:
    expected = kept(values_of(DATA / name))
    assert kept(values_of(written(name, tmp_path, exact=True))) == expected


def scalars_of_the_data_server(logdir: Path) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """Run and tag → step and value, by RustBoard, which ``tensorboard`` uses by default."""
    from tensorboard import context
    from tensorboard.data import provider, server_ingester
    from tensorboard.util import grpc_util

    ingester = server_ingester.SubprocessServerDataIngester(
        server_binary=server_ingester.get_server_binary(),
        logdir=str(logdir),
        reload_interval=1_000_000,
        channel_creds_type=grpc_util.ChannelCredsType.LOCAL,
        samples_per_plugin={"scalars": 10**7},
    )
    ingester.start()
    data, request = ingester.data_provider, context.RequestContext()
    runs: Any = {}
    deadline = time.monotonic() + 20
    while not runs and time.monotonic() < deadline:  # it answers before it has read anything
        time.sleep(1)
        runs = data.list_scalars(request, experiment_id="", plugin_name="scalars")
    found = {}
    for run, tags in runs.items():
        chosen = provider.RunTagFilter(runs=[run], tags=list(tags))
        read = data.read_scalars(
            request,
            experiment_id="",
            plugin_name="scalars",
            downsample=10**7,
            run_tag_filter=chosen,
        )
        for tag, points in read[run].items():
            found[run, tag] = [(point.step, point.value) for point in points]
    return found


def test_the_data_server_reads_all_scalars(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard_data_server")
    rows = {
        "run": ["a", "b/c"] * 500,
        "tag": [f"tag {number % 7}" for number in range(1000)],
        "step": range(1000),
        "wall_time": [1e9 + number for number in range(1000)],
        "value": [number / 8 for number in range(1000)],
    }
    tbtools.write(rows, tmp_path / "logs")
    found = scalars_of_the_data_server(tmp_path / "logs")
    points = [
        (run, tag, step, value)
        for run, tag, step, _, value in zip(*rows.values(), strict=True)  # type: ignore[call-overload]
    ]
    assert sorted(
        (run, tag, step, value) for (run, tag), values in found.items() for step, value in values
    ) == sorted(points)
