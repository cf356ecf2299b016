"""TensorBoard of a dataset shows what it shows of the logdir that the dataset was made of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import DATA
from event_writing import EventFile
from tensorboard_reading import by_loader

import tbtools
from tbtools.errors import UsageError
from tbtools.tables.manifest import MANIFEST, read_manifest

pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")

from tbtools.verbs.tensorboard import datasets
from tbtools.verbs.tensorboard.datasets import Mirror
from tbtools.verbs.tensorboard.provider import Provider
from tbtools.verbs.tensorboard.store import Logdir, Store

LOGS = ["iris", "tensorboardx", "tf1", "tf2", "torch", "torch_resumed"]
PLUGINS = {
    "scalars": ["scalars"],
    "tensors": ["histograms", "text", "pr_curves", "mesh", "hparams", "custom_scalars"],
    "blob_sequences": [
        *("images", "audio", "graphs", "graph_run_metadata", "graph_run_metadata_graph"),
        *("graph_keras_model", "graph_tagged_run_metadata"),
    ],
}
NAME = "events.out.tfevents.1"

#: What differs, and docs/serving.md says so: names that are the tag itself or nothing, the time of
#: what is of a run as a whole, the type of the numbers of meshes.
TIMELESS = ("hparams", "custom_scalars")

Said = dict[tuple[str, ...], Any]


@pytest.fixture
def said() -> list[str]:
    """The lines of TensorBoard's log."""
    return []


@pytest.fixture
def stores() -> Iterator[list[Store]]:
    """What is closed in the end."""
    made: list[Store] = []
    yield made
    for store in made:
        store.close()


def store_of(path: Path, stores: list[Store], said: list[str]) -> Store:
    store = Store([Logdir(str(path))], True)
    stores.append(store)
    store.shared.may_migrate.set()
    store.notes.tell(said.append)
    store.reload()
    return store


def answers(store: Store) -> Said:
    """What the plugins of TensorBoard are told."""
    names = [name for names in PLUGINS.values() for name in names]
    provider = Provider(store, "", names)
    found: Said = {("plugins",): sorted(provider.list_plugins(experiment_id=""))}
    found[("runs",)] = sorted(run.run_name for run in provider.list_runs(experiment_id=""))
    for kind, plugins in PLUGINS.items():
        for plugin in plugins:
            asked: dict[str, Any] = {"experiment_id": "", "plugin_name": plugin}
            listed = getattr(provider, f"list_{kind}")(**asked)
            for run, tags in listed.items():
                for tag, about in tags.items():
                    found[plugin, run, tag, "about"] = about_of(plugin, tag, about)
            read = getattr(provider, f"read_{kind}")(**asked, downsample=10_000)
            for run, tags in read.items():
                for tag, points in tags.items():
                    found[plugin, run, tag, "points"] = [
                        point_of(provider, plugin, point) for point in points
                    ]
    return found


def about_of(plugin: str, tag: str, about: Any) -> dict[str, Any]:
    told = {name: getattr(about, name) for name in ("max_step", "max_wall_time", "description")}
    told["name"] = about.display_name or tag
    if plugin in TIMELESS:
        del told["max_wall_time"]
    return told


def point_of(provider: Provider, plugin: str, point: Any) -> tuple[Any, ...]:
    time = None if plugin in TIMELESS else point.wall_time
    if hasattr(point, "value"):
        return point.step, time, repr(point.value)
    if hasattr(point, "numpy"):
        if plugin == "hparams":  # there is only a placeholder
            return point.step, time
        values = point.numpy.astype("float64") if plugin == "mesh" else point.numpy
        return point.step, time, repr(values.tolist())
    return point.step, time, [provider.read_blob(blob_key=each.blob_key) for each in point.values]


@pytest.mark.parametrize("name", LOGS)
def test_a_dataset_is_shown_as_its_logdir(
    name: str, tmp_path: Path, stores: list[Store], said: list[str]
) -> None:
    tbtools.export(DATA / name, tmp_path / "dataset")
    expected = answers(store_of(DATA / name, stores, []))
    found = answers(store_of(tmp_path / "dataset", stores, said))
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == value, key
    assert [line.split("left out: ")[1] for line in said] == (
        ["the projector (table embeddings); open the logdir for it"]
        if name in ("torch", "tensorboardx")
        else []
    )


@pytest.mark.parametrize("name", ["iris", "tf2", "torch"])
def test_hyperparameters_are_those_of_the_logdir(name: str, tmp_path: Path) -> None:
    from tensorboard.plugins.hparams import plugin_data_pb2 as pb

    def contents(logdir: Path) -> dict[Any, Any]:
        from tensorboard.backend.event_processing import plugin_event_multiplexer

        multiplexer = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(logdir))
        multiplexer.Reload()
        return {
            (run, tag): pb.HParamsPluginData.FromString(content)
            for run, tags in multiplexer.PluginRunToTagToContent("hparams").items()
            for tag, content in tags.items()
        }

    tbtools.export(DATA / name, tmp_path / "dataset")
    mirror = Mirror(str(tmp_path / "dataset"), print)
    mirror.refresh()
    assert contents(mirror.folder) == contents(DATA / name) != {}
    mirror.close()


def grown(path: Path, steps: range) -> None:
    """A run with these steps of one tag."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    file = EventFile(path).version()
    for step in steps:
        file.scalar("loss", step, step / 3, float(step + 1))


def steps_of(store: Store, run: str = "a") -> list[int]:
    rows = store.runs[run].values.tags["loss"].snapshot().all()
    return [int(step) for step in rows[0]]


def test_a_dataset_that_is_synced_grows(
    tmp_path: Path, stores: list[Store], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "SHARE", 0)
    grown(tmp_path / "logs" / "a" / NAME, range(10))
    tbtools.sync(tmp_path / "logs", tmp_path / "dataset")
    store = store_of(tmp_path / "dataset", stores, said)
    assert steps_of(store) == [*range(10)]
    assert not store.reload()
    grown(tmp_path / "logs" / "a" / NAME, range(25))
    grown(tmp_path / "logs" / "b/c" / NAME, range(3))
    tbtools.sync(tmp_path / "logs", tmp_path / "dataset")
    assert store.reload()
    assert (steps_of(store), steps_of(store, "b/c")) == ([*range(25)], [*range(3)])
    assert not store.reload()
    assert said == []


def test_writing_anew_takes_at_most_a_share_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(tmp_path / "logs" / "a" / NAME, range(10))
    tbtools.export(tmp_path / "logs", tmp_path / "dataset")
    now = 1000.0
    monkeypatch.setattr(datasets.time, "monotonic", lambda: now)
    mirror = Mirror(str(tmp_path / "dataset"), print)
    write = mirror._write

    def slow() -> None:
        nonlocal now
        write()
        now += 3

    monkeypatch.setattr(mirror, "_write", slow)
    assert mirror.refresh()
    tbtools.export(tmp_path / "logs", tmp_path / "dataset", force=True)
    now += 29
    assert not mirror.refresh()
    now += 1
    assert mirror.refresh()
    assert not mirror.refresh()
    mirror.close()


def test_a_dataset_that_is_replaced_is_shown_anew(
    tmp_path: Path, stores: list[Store], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "SHARE", 0)
    grown(tmp_path / "one" / "a" / NAME, range(10))
    grown(tmp_path / "other" / "b" / NAME, range(5))
    tbtools.export(tmp_path / "one", tmp_path / "dataset")
    store = store_of(tmp_path / "dataset", stores, said)
    tbtools.export(tmp_path / "other", tmp_path / "dataset", force=True)
    assert store.reload()
    assert [*store.runs] == ["b"]
    assert steps_of(store, "b") == [*range(5)]
    # One that is gone stays as it was.
    shutil.rmtree(tmp_path / "dataset")
    store.reload()
    store.reload()
    assert steps_of(store, "b") == [*range(5)]
    (line,) = said
    assert line.endswith("is no dataset any more; what was there before is still shown")


def test_damage_costs_a_file_of_the_dataset(
    tmp_path: Path, stores: list[Store], said: list[str]
) -> None:
    tbtools.export(DATA / "torch", tmp_path / "dataset")
    (tmp_path / "dataset" / "histograms" / "part-0.parquet").unlink()
    path = tmp_path / "dataset" / "images" / "part-0.parquet"
    path.write_bytes(path.read_bytes()[:-9] + b"x" * 9)
    found = answers(store_of(tmp_path / "dataset", stores, said))
    whole = answers(store_of(DATA / "torch", stores, []))
    lost = {key for key in whole if key[0] in ("histograms", "images")}
    assert found.keys() == whole.keys() - lost
    assert all(found[key] == whole[key] for key in found.keys() - {("plugins",)})
    lines = [line for line in said if "left out" not in line]
    assert len(lines) == 2
    for line, table in zip(sorted(lines), ("histograms", "images"), strict=True):
        assert "is damaged" in line
        assert table in line
        assert "(export it again); the rest of" in line
        assert "\n" not in line


def test_rows_that_no_event_can_hold_cost_nothing_else(tmp_path: Path) -> None:
    rows = {
        "run": ["../up", "a", "a"],
        "tag": ["x", "x", "x"],
        "step": [1, 2, 3],
        "wall_time": [1.0, 2.0, 3.0],
        "value": [0.1, 0.2, float("nan")],
    }
    import pyarrow as pa

    from tbtools.kinds.scalars import KIND
    from tbtools.output.datasets import write_dataset

    (spec,) = KIND.tables
    table = pa.table(rows).cast(pa.schema([spec.schema.field(name) for name in rows]))
    write_dataset([("scalars", table.schema, table.to_batches())], tmp_path / "dataset")
    said: list[str] = []
    mirror = Mirror(str(tmp_path / "dataset"), said.append)
    assert mirror.refresh()
    found = by_loader(mirror.folder)
    assert repr(found) == repr({("scalars", "a", "x"): [(2, 2.0, 0.2), (3, 3.0, float("nan"))]})
    assert len(said) == 1
    assert "run '../up' cannot be a folder of the logdir" in said[0]
    mirror.close()


def test_runs_without_rows_are_shown(tmp_path: Path, stores: list[Store], said: list[str]) -> None:
    grown(tmp_path / "logs" / "a" / NAME, range(2))
    grown(tmp_path / "logs" / "empty" / NAME, range(0))
    tbtools.export(tmp_path / "logs", tmp_path / "dataset")
    store = store_of(tmp_path / "dataset", stores, said)
    assert {*store.runs} == {"a", "empty"}


def test_the_scratch_folder_goes_when_it_is_closed(tmp_path: Path) -> None:
    tbtools.export(DATA / "iris", tmp_path / "dataset")
    mirror = Mirror(str(tmp_path / "dataset"), print)
    mirror.refresh()
    scratch = mirror.folder.parent
    assert scratch.exists()
    mirror.close()
    mirror.close()
    assert not scratch.exists()


def test_what_is_no_dataset_is_said_in_a_line(
    tmp_path: Path, stores: list[Store], said: list[str]
) -> None:
    tbtools.export(DATA / "iris", tmp_path / "csv", format="csv")
    with pytest.raises(UsageError, match="of csv files; give TensorBoard one of Parquet or Arrow"):
        Store([Logdir(str(tmp_path / "csv"))], True)
    tbtools.export(DATA / "iris", tmp_path / "dataset")
    content = (tmp_path / "dataset" / MANIFEST).read_text()
    (tmp_path / "dataset" / MANIFEST).write_text(content[:100])
    with pytest.raises(UsageError, match=r"manifest\.json is not JSON, or only a part of it"):
        Store([Logdir(str(tmp_path / "dataset"))], True)
    (tmp_path / "dataset" / MANIFEST).unlink()
    store = store_of(tmp_path / "dataset", stores, said)
    store.reload()
    assert [*store.runs] == []
    (line,) = said
    assert "manifest.json is missing" in line


def test_a_dataset_of_before_has_its_graphs_of_nodes(tmp_path: Path, stores: list[Store]) -> None:
    tbtools.export(DATA / "tf1", tmp_path / "dataset")
    import pyarrow.parquet as pq

    path = tmp_path / "dataset" / "graphs" / "part-0.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["definition", "plugin"]), path)
    manifest = json.loads((tmp_path / "dataset" / MANIFEST).read_text())
    manifest["files"]["graphs/part-0.parquet"] = path.stat().st_size
    (tmp_path / "dataset" / MANIFEST).write_text(json.dumps(manifest))
    assert read_manifest(str(tmp_path / "dataset")) is not None
    said: list[str] = []
    found = answers(store_of(tmp_path / "dataset", stores, said))
    assert ("graphs", ".", "__run_graph__", "points") in found
    assert "compute time and memory of graphs (table node_stats)" in said[0]
