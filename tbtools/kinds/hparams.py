"""Hyperparameters: what the plugin ``hparams`` keeps in the metadata of its tags.

The tensors of these tags are placeholders, and some writers leave them out. A session is a run
that says when it started; an experiment declares what there is to compare. TensorBoard goes by the
experiment that it finds first, these tables have those of all runs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Value

from tbtools.decode.kind import Decoded, Events, Kind, column, table
from tbtools.decode.rows import Rows
from tbtools.decode.tensor_values import RefusedError, plugin_content
from tbtools.proto.plugins_pb2 import Experiment, HParamInfo, HParamsPluginData, MetricInfo
from tbtools.schema import LABEL

HPARAMS = table(
    "hparams",
    "A row per hyperparameter of a session, with its value.",
    column("name", LABEL, "Name of the hyperparameter.", nullable=False),
    column(
        "type",
        LABEL,
        "`string`, `bool` or `float64`; `null`, `list` or `struct` if the writer gave such a "
        "value. PyTorch writes a bool as float64.",
        nullable=False,
    ),
    column("number", pa.float64(), "The number; 1 or 0 for a bool; null for other types."),
    column(
        "text",
        pa.string(),
        "The value as text, whatever its type: `true` and `false` for a bool, `32` for a number "
        "without fraction, JSON for a list or struct; null for a null.",
    ),
    keys=("run",),
)

SESSIONS = table(
    "hparam_sessions",
    "A row per start and per end that a session reports. `tensorboard.plugins.hparams` writes "
    "both, other writers may leave out the end.",
    column("event", LABEL, "`start` or `end`; columns of the other are null.", nullable=False),
    column(
        "group_name",
        pa.string(),
        "Of a start: sessions with the same name repeat one experiment; null: it stands alone.",
    ),
    column("status", LABEL, "Of an end: `success`, `failure` or `running`; null if not said."),
    column("start_time", pa.float64(), "Of a start: seconds since the epoch."),
    column("end_time", pa.float64(), "Of an end: seconds since the epoch."),
    column("model_uri", pa.string(), "Of a start: where the model is."),
    column("monitor_url", pa.string(), "Of a start: where to watch the session."),
    keys=("run",),
)

METRICS = table(
    "hparam_metrics",
    "What experiments declare: a row per metric, per hyperparameter with its domain, and for what "
    "is said of the experiment as a whole.",
    column("kind", LABEL, "`experiment`, `metric` or `hparam`.", nullable=False),
    column(
        "name",
        pa.string(),
        "Name of the experiment or hyperparameter; of a metric, the tag of its scalars.",
    ),
    column(
        "metric_group",
        pa.string(),
        "Of a metric: the run, below that of the session, which has its scalars; empty if that is "
        "the session's own.",
    ),
    column("display_name", pa.string(), "Name to be shown instead; null if none."),
    column("description", pa.string(), "Markdown; null if none."),
    column(
        "type",
        LABEL,
        "Of a hyperparameter: `string`, `bool` or `float64`; of a metric: `training` or "
        "`validation`; null if not said.",
    ),
    column("domain_min", pa.float64(), "Of a hyperparameter with an interval: its lower end."),
    column("domain_max", pa.float64(), "Of a hyperparameter with an interval: its upper end."),
    column(
        "domain_values",
        pa.list_(pa.string()),
        "Of a hyperparameter with a list of possible values: these, as in `hparams.text`.",
    ),
    column("author", pa.string(), "Of an experiment: the user who made it."),
    column("time_created", pa.float64(), "Of an experiment: seconds since the epoch."),
    keys=("run",),
)

STATUSES = {0: None, 1: "success", 2: "failure", 3: "running"}
TYPES = {0: None, 1: "string", 2: "bool", 3: "float64"}
DATASETS = {0: None, 1: "training", 2: "validation"}


def decode(events: Events) -> Decoded:
    """The rows of what the metadata of each event tells."""
    tables = [Rows(spec) for spec in (HPARAMS, SESSIONS, METRICS)]
    by_name = {rows.name: rows for rows in tables}
    refused = []
    for index, metadata in enumerate(events.metadata.to_pylist()):
        try:
            data = _plugin_data(metadata)
        except RefusedError as reason:
            refused.append((index, str(reason)))
            continue
        for name, row in _READERS[data.WhichOneof("data")](data):
            by_name[name].add(index, **row)
    return Decoded({name: made for rows in tables for name, made in rows.made().items()}, refused)


def _plugin_data(metadata: bytes | None) -> HParamsPluginData:
    try:
        data = HParamsPluginData.FromString(plugin_content(metadata))
    except DecodeError:
        raise RefusedError("the tag's metadata is not that of the hparams plugin") from None
    if data.version != 0:
        raise RefusedError(f"version {data.version} of the hparams plugin's data; only 0 is known")
    if data.WhichOneof("data") is None:
        raise RefusedError("neither an experiment nor the start or end of a session")
    return data


_Row = tuple[str, dict[str, Any]]  # of which table, and its columns


def _start(data: HParamsPluginData) -> Iterator[_Row]:
    start = data.session_start_info
    yield (
        SESSIONS.name,
        {
            "event": "start",
            "group_name": start.group_name or None,
            "start_time": start.start_time_secs or None,
            "model_uri": start.model_uri or None,
            "monitor_url": start.monitor_url or None,
        },
    )
    # A map has no order of its own.
    for name in sorted(start.hparams):
        value = start.hparams[name]
        yield (
            HPARAMS.name,
            {
                "name": name,
                "type": _type(value),
                "number": _number(value),
                "text": _text(value),
            },
        )


def _end(data: HParamsPluginData) -> Iterator[_Row]:
    end = data.session_end_info
    status = _named(STATUSES, end.status)
    yield (
        SESSIONS.name,
        {"event": "end", "status": status, "end_time": end.end_time_secs or None},
    )


def _experiment(data: HParamsPluginData) -> Iterator[_Row]:
    experiment = data.experiment
    whole = _of_experiment(experiment)
    if any(whole.values()):
        yield METRICS.name, {"kind": "experiment", **whole}
    for metric in experiment.metric_infos:
        yield METRICS.name, {"kind": "metric", **_of_metric(metric)}
    for hparam in experiment.hparam_infos:
        yield METRICS.name, {"kind": "hparam", **_of_hparam(hparam)}


_READERS: Mapping[str | None, Callable[[HParamsPluginData], Iterator[_Row]]] = {
    "experiment": _experiment,
    "session_start_info": _start,
    "session_end_info": _end,
}


def _of_experiment(experiment: Experiment) -> dict[str, Any]:
    return {
        "name": experiment.name or None,
        "description": experiment.description or None,
        "author": experiment.user or None,
        "time_created": experiment.time_created_secs or None,
    }


def _of_metric(metric: MetricInfo) -> dict[str, Any]:
    return {
        "name": metric.name.tag,
        "metric_group": metric.name.group,
        "display_name": metric.display_name or None,
        "description": metric.description or None,
        "type": _named(DATASETS, metric.dataset_type),
    }


def _of_hparam(hparam: HParamInfo) -> dict[str, Any]:
    domain: dict[str, Any] = {}
    if hparam.HasField("domain_interval"):
        interval = hparam.domain_interval
        domain = {"domain_min": interval.min_value, "domain_max": interval.max_value}
    elif hparam.HasField("domain_discrete"):
        domain = {"domain_values": [_text(value) for value in hparam.domain_discrete.values]}
    return {
        "name": hparam.name,
        "display_name": hparam.display_name or None,
        "description": hparam.description or None,
        "type": _named(TYPES, hparam.type),
        **domain,
    }


def _named(names: Mapping[int, str | None], number: int) -> str | None:
    # Enums are open: a number without a name is shown as it is.
    return names.get(number, str(number))


_VALUE_TYPES = {
    "string_value": "string",
    "bool_value": "bool",
    "number_value": "float64",
    "list_value": "list",
    "struct_value": "struct",
}


def _type(value: Value) -> str:
    return _VALUE_TYPES.get(value.WhichOneof("kind") or "", "null")


def _number(value: Value) -> float | None:
    kind = _type(value)
    if kind == "float64":
        return value.number_value
    return float(value.bool_value) if kind == "bool" else None


def _text(value: Value) -> str | None:
    plain = _plain(value)
    if plain is None or isinstance(plain, str):
        return plain
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Value) -> Any:
    """A value as what json.dumps takes."""
    match _type(value):
        case "string":
            return value.string_value
        case "bool":
            return value.bool_value
        case "float64":
            return _plain_number(value.number_value)
        case "list":
            return [_plain(each) for each in value.list_value.values]
        case "struct":
            fields = value.struct_value.fields
            return {name: _plain(fields[name]) for name in sorted(fields)}
    return None


def _plain_number(number: float) -> int | float | str:
    # JSON has no name for these three; these are the ones that TensorBoard's downloads have.
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    # Beyond 2**53 not every integer is a float64, and digits would promise more than there is.
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


KIND = Kind(
    tables=(HPARAMS, SESSIONS, METRICS),
    decode=decode,
    plugins=frozenset({"hparams"}),
    bare=True,
)
