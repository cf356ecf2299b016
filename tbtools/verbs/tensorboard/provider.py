"""What TensorBoard's plugins ask for: a ``DataProvider`` (``tensorboard/data/provider.py``).

It answers as ``MultiplexerDataProvider`` of TensorBoard 2.21's
``backend/event_processing/data_provider.py`` does, in the same order and with the same keys, but
for what is sent of a series that has more points than were asked for.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np
from tensorboard import errors
from tensorboard.data import provider

from tbtools.verbs.tensorboard.columns import Snapshot
from tbtools.verbs.tensorboard.reading import Values
from tbtools.verbs.tensorboard.store import Store
from tbtools.verbs.tensorboard.tags import BLOBS, SCALAR, TENSOR, Tag, length_in
from tbtools.verbs.tensorboard.thinning import by_shape, evenly_spaced

__all__ = ["Provider"]

SHARED = 100_000  # points of all series of an answer together, where nobody said how many
LEAST = 1000  # points of each of them: as many as stock TensorBoard sends

#: Plugins that take the first run, or merge what all runs say: the order of runs matters.
ORDERED = frozenset(("hparams", "custom_scalars"))

Index = dict[str, dict[str, Tag]]


class Provider(provider.DataProvider):  # type: ignore[misc]
    """Answers from a Store. ``asked`` are the plugins whose number of samples somebody gave."""

    def __init__(self, store: Store, location: str, asked: Collection[str]) -> None:
        self._store = store
        self._location = location
        self._asked = asked
        self._values = Values(store)

    def __str__(self) -> str:
        return f"tbtools({self._location!r})"

    def experiment_metadata(self, ctx: Any = None, *, experiment_id: str) -> Any:
        """Where the data are."""
        return provider.ExperimentMetadata(data_location=self._location)

    def list_plugins(self, ctx: Any = None, *, experiment_id: str) -> list[str]:
        """The plugins that any tag names."""
        return sorted(
            {plugin for _, tags in self._tags() for tag in tags.values() if (plugin := tag.plugin)}
        )

    def list_runs(self, ctx: Any = None, *, experiment_id: str) -> list[Any]:
        """All runs, and when they began."""
        with self._store.lock:
            runs = [(name, files.values.first_time) for name, files in self._store.runs.items()]
        return [provider.Run(run_id=name, run_name=name, start_time=time) for name, time in runs]

    # --- scalars -------------------------------------------------------------------------------

    def list_scalars(
        self, ctx: Any = None, *, experiment_id: str, plugin_name: str, run_tag_filter: Any = None
    ) -> dict[str, dict[str, Any]]:
        """Series of scalars, and what their tags say."""
        return self._listed(provider.ScalarTimeSeries, SCALAR, plugin_name, run_tag_filter)

    def read_scalars(
        self,
        ctx: Any = None,
        *,
        experiment_id: str,
        plugin_name: str,
        downsample: int | None = None,
        run_tag_filter: Any = None,
    ) -> dict[str, dict[str, list[Any]]]:
        """Points of series of scalars, at most so many of each, chosen by shape."""
        most = _checked(downsample)
        index = self._index(plugin_name, run_tag_filter, SCALAR)
        series = sum(map(len, index.values()))
        if plugin_name not in self._asked and series:
            most = min(most, max(LEAST, SHARED // series))
        return {
            run: {name: self._scalars(run, name, tag, most) for name, tag in tags.items()}
            for run, tags in index.items()
        }

    def read_last_scalars(
        self, ctx: Any = None, *, experiment_id: str, plugin_name: str, run_tag_filter: Any = None
    ) -> dict[str, dict[str, Any]]:
        """The last point of each series that has any."""
        found: dict[str, dict[str, Any]] = {}
        for run, tags in self._index(plugin_name, run_tag_filter, SCALAR).items():
            for name, tag in tags.items():
                last = self._scalars(run, name, tag, 1)
                if last:
                    found.setdefault(run, {})[name] = last[0]
        return found

    def _scalars(self, run: str, name: str, tag: Tag, most: int) -> list[Any]:
        rows = self._snapshot(tag)
        if tag.is_numbers:
            points = rows.last() if most == 1 else by_shape(rows.all(), most)
        else:
            points = by_shape(self._values.numbers(run, name, tag, rows.all()), most)
        steps, times, values = (
            points[0].tolist(),
            *(np.ascontiguousarray(row).view(np.float64).tolist() for row in points[1:]),
        )
        return [*map(provider.ScalarDatum, steps, times, values)]

    # --- tensors -------------------------------------------------------------------------------

    def list_tensors(
        self, ctx: Any = None, *, experiment_id: str, plugin_name: str, run_tag_filter: Any = None
    ) -> dict[str, dict[str, Any]]:
        """Series of tensors, and what their tags say."""
        return self._listed(provider.TensorTimeSeries, TENSOR, plugin_name, run_tag_filter)

    def read_tensors(
        self,
        ctx: Any = None,
        *,
        experiment_id: str,
        plugin_name: str,
        downsample: int | None = None,
        run_tag_filter: Any = None,
    ) -> dict[str, dict[str, list[Any]]]:
        """Tensors of series, at most so many of each, evenly spaced."""
        most = _checked(downsample)
        found: dict[str, dict[str, list[Any]]] = {}
        for run, tags in self._index(plugin_name, run_tag_filter, TENSOR).items():
            for name, tag in tags.items():
                rows = self._snapshot(tag).all()
                which = evenly_spaced(rows.shape[1], most)
                found.setdefault(run, {})[name] = [
                    provider.TensorDatum(step=step, wall_time=time, numpy=array)
                    for step, time, array in self._values.arrays(run, name, tag, rows, which)
                ]
        return found

    # --- blobs ---------------------------------------------------------------------------------

    def list_blob_sequences(
        self, ctx: Any = None, *, experiment_id: str, plugin_name: str, run_tag_filter: Any = None
    ) -> dict[str, dict[str, Any]]:
        """Series of blobs, and what their tags say."""

        def series(rows: Snapshot, **said: Any) -> Any:
            lengths = length_in(rows.all()[3])
            longest = int(lengths.max()) if len(lengths) else None
            return provider.BlobSequenceTimeSeries(max_length=longest, **said)

        index = self._index(plugin_name, run_tag_filter, BLOBS)
        return self._said(index, series)

    def read_blob_sequences(
        self,
        ctx: Any = None,
        *,
        experiment_id: str,
        plugin_name: str,
        downsample: int | None = None,
        run_tag_filter: Any = None,
    ) -> dict[str, dict[str, list[Any]]]:
        """Keys of blobs, at most so many steps of each series, evenly spaced; of each the first."""
        most = _checked(downsample)
        found: dict[str, dict[str, list[Any]]] = {}
        for run, tags in self._index(plugin_name, run_tag_filter, BLOBS).items():
            for name, tag in tags.items():
                rows = self._snapshot(tag).all()
                _, firsts = np.unique(rows[0], return_index=True)
                which = firsts[evenly_spaced(len(firsts), most)]
                times = np.ascontiguousarray(rows[1]).view(np.float64)
                of_series = (experiment_id, plugin_name, run, name)
                found.setdefault(run, {})[name] = [
                    provider.BlobSequenceDatum(
                        step=int(rows[0, row]),
                        wall_time=float(times[row]),
                        values=tuple(
                            provider.BlobReference(_key(*of_series, int(rows[0, row]), place))
                            for place in range(int(length_in(rows[3, row])))
                        ),
                    )
                    for row in which
                ]
        return found

    def read_blob(self, ctx: Any = None, *, blob_key: str) -> bytes:
        """The bytes that a key stands for. Raises NotFoundError."""
        try:
            run, name, step, place = _of_key(blob_key)
        except (ValueError, TypeError):
            raise errors.NotFoundError(f"this is no key of a blob: {blob_key!r}") from None
        with self._store.lock:
            files = self._store.runs.get(run)
            tag = files.values.tags.get(name) if files is not None else None
        if tag is None or tag.data_class != BLOBS:
            raise errors.NotFoundError(f"{name!r} of run {run!r} has no blobs")
        rows = self._snapshot(tag).all()
        which = np.flatnonzero(rows[0] == step)[:1]
        for _, _, array in self._values.arrays(run, name, tag, rows, which):
            if array.ndim and 0 <= place < len(array):
                # Where TensorBoard left labels of sounds in, it sends a clip and its label.
                blobs = np.asarray(array[place], object).reshape(-1)
                if all(isinstance(blob, bytes) for blob in blobs):
                    return b"".join(blobs)
        raise errors.NotFoundError(f"{name!r} of run {run!r} has no such blob at step {step}")

    # --- what all of them need -----------------------------------------------------------------

    def _tags(self, runs: Collection[str] | None = None) -> Iterator[tuple[str, dict[str, Tag]]]:
        """The tags of runs, as they are now."""
        with self._store.lock:
            known = self._store.runs
            if runs is None:
                chosen = [*known.items()]
            elif len(runs) == 1:
                chosen = [(run, known[run]) for run in runs if run in known]
            else:
                chosen = [(run, files) for run, files in known.items() if run in runs]
            return iter([(run, dict(files.values.tags)) for run, files in chosen])

    def _index(self, plugin: str, run_tag_filter: Any, data_class: int) -> Index:
        """The tags of a plugin and class, of the runs and tags that a filter lets through."""
        runs = getattr(run_tag_filter, "runs", None)
        wanted = getattr(run_tag_filter, "tags", None)
        found: Index = {}
        for run, tags in self._tags(runs):
            names = tags if wanted is None else [name for name in tags if name in wanted]
            chosen = {
                name: tags[name]
                for name in names
                if tags[name].data_class == data_class and tags[name].plugin == plugin
            }
            if len(chosen) > 1:  # in the order in which their metadata was written
                chosen = dict(sorted(chosen.items(), key=lambda item: item[1].place))
            if chosen:
                found[run] = chosen
        if plugin in ORDERED and len(found) > 1:
            found = {run: found[run] for run in self._store.in_walk_order(found)}
        return found

    def _snapshot(self, tag: Tag) -> Snapshot:
        with self._store.lock:
            return tag.snapshot()

    def _listed(
        self, series: Any, data_class: int, plugin: str, run_tag_filter: Any
    ) -> dict[str, dict[str, Any]]:
        index = self._index(plugin, run_tag_filter, data_class)
        return self._said(index, lambda rows, **said: series(**said))

    def _said(self, index: Index, series: Callable[..., Any]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for run, tags in index.items():
            of_run = found[run] = {}
            for name, tag in tags.items():
                rows = self._snapshot(tag)
                metadata = tag.metadata_of(name)
                assert metadata is not None
                of_run[name] = series(
                    rows,
                    max_step=rows.greatest,
                    max_wall_time=rows.latest,
                    plugin_content=metadata.plugin_data.content,
                    description=metadata.summary_description,
                    display_name=metadata.display_name,
                )
        return found


def _checked(downsample: int | None) -> int:
    if not isinstance(downsample, int):
        raise TypeError(f"`downsample` has to be an int: {downsample!r}")
    return downsample


def _key(experiment: str, plugin: str, run: str, tag: str, step: int, place: int) -> str:
    """As in TensorBoard: letters, digits, ``-`` and ``_``, since it becomes part of an address."""
    text = json.dumps((experiment, plugin, run, tag, step, place), separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode("ascii")).decode("ascii").rstrip("=")


def _of_key(key: str) -> tuple[str, str, int, int]:
    _, _, run, tag, step, place = json.loads(base64.urlsafe_b64decode(key + "==="))
    return run, tag, step, place
