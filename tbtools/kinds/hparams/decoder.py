"""The metadata of hyperparameters → rows of their tables."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Value

from tbtools.decode.kind import Decoded, Events
from tbtools.decode.rows import Rows
from tbtools.decode.tensor_values import RefusedError, plugin_content
from tbtools.kinds.hparams.tables import DATASETS, HPARAMS, METRICS, SESSIONS, STATUSES, TYPES
from tbtools.proto.plugins_pb2 import Experiment, HParamInfo, HParamsPluginData, MetricInfo

__all__ = ["decode"]


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
