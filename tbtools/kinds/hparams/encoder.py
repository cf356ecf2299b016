"""Rows of hyperparameters → the metadata that they are kept in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.struct_pb2 import ListValue, Value

from tbtools.decode.encoding import (
    TENSOR,
    Encoded,
    enum_number,
    labels,
    members,
    metadata_of,
    tensor_shape,
)
from tbtools.errors import UsageError
from tbtools.kinds.hparams.tables import DATASETS, HPARAMS, METRICS, SESSIONS, STATUSES, TYPES
from tbtools.proto.plugins_pb2 import (
    Experiment,
    HParamInfo,
    HParamsPluginData,
    MetricInfo,
    SessionEndInfo,
    SessionStartInfo,
)
from tbtools.proto.tfevents_pb2 import TensorProto

__all__ = ["encode"]

Row = dict[str, Any]

#: What stands beside the metadata, as ``tensorboard.plugins.hparams`` has it.
PLACEHOLDER = TensorProto(dtype=1, tensor_shape=tensor_shape([1]), float_val=[0.0])

BOOLS = {"true": True, "false": False}


def encode(tables: Mapping[str, pa.RecordBatch]) -> Encoded:
    """An event for each experiment, and for each start and end of a session, of one run."""
    rows = {name: batch.to_pylist() for name, batch in tables.items()}
    found = [("experiment", data) for data in _experiments(rows.get(METRICS.name, []))]
    found += _sessions(rows.get(SESSIONS.name, []), rows.get(HPARAMS.name, []))
    count = len(found)
    metadata = [metadata_of("hparams", TENSOR, data.SerializeToString()) for _, data in found]
    return Encoded(
        labels([f"_hparams_/{name}" for name, _ in found]),
        pa.repeat(pa.scalar(0, pa.int64()), count),
        pa.nulls(count, pa.float64()),
        member=members("tensor", count),
        payload=pa.array([PLACEHOLDER.SerializeToString()] * count, pa.binary()),
        metadata=pa.array(metadata, pa.binary()).dictionary_encode(),
        repeat=True,
    )


# --- sessions ------------------------------------------------------------------------------------


def _sessions(sessions: list[Row], hparams: list[Row]) -> Iterator[tuple[str, HParamsPluginData]]:
    starts = sum(row["event"] == "start" for row in sessions)
    if not starts and hparams:
        sessions = [{"event": "start"}, *sessions]
    values = iter(_by_start(hparams) if starts > 1 else [hparams])
    for row in sessions:
        if row["event"] == "start":
            yield "session_start_info", _start(row, next(values, []))
        elif row["event"] == "end":
            end = SessionEndInfo(
                status=enum_number(STATUSES, row["status"], "hparam_sessions: status"),
                end_time_secs=row["end_time"] or 0,
            )
            yield "session_end_info", HParamsPluginData(session_end_info=end)
        else:
            raise UsageError(f"hparam_sessions: event {row['event']!r} is neither start nor end")


def _by_start(hparams: list[Row]) -> list[list[Row]]:
    """The hyperparameters of each start: within one, names rise."""
    found: list[list[Row]] = []
    for row in hparams:
        if not found or row["name"] <= found[-1][-1]["name"]:
            found.append([])
        found[-1].append(row)
    return found


def _start(row: Row, hparams: list[Row]) -> HParamsPluginData:
    start = SessionStartInfo(
        group_name=row.get("group_name") or "",
        start_time_secs=row.get("start_time") or 0,
        model_uri=row.get("model_uri") or "",
        monitor_url=row.get("monitor_url") or "",
    )
    for hparam in hparams:
        if hparam["name"] in start.hparams:
            raise UsageError(f"hparams: one session has {hparam['name']!r} twice")
        start.hparams[hparam["name"]].CopyFrom(_value(hparam))
    return HParamsPluginData(session_start_info=start)


def _value(row: Row) -> Value:
    number, text, kind = row["number"], row["text"], row["type"]
    if kind is None:
        kind = "float64" if number is not None else "string" if text is not None else "null"
    try:
        if kind == "float64":
            return Value(number_value=float(text) if number is None else number)
        if kind == "bool":
            return Value(bool_value=BOOLS[text] if number is None else bool(number))
        if kind == "string":
            return Value(string_value=str(number) if text is None else text)
        if kind == "null":
            return Value(null_value=0)  # type: ignore[arg-type]
        if kind in ("list", "struct"):
            return ParseDict(json.loads(text), Value())
    except (TypeError, ValueError, KeyError, ParseError) as error:
        raise UsageError(
            f"hparams: {row['name']!r} is no {kind}: number {number!r}, text {text!r}"
        ) from error
    raise UsageError(f"hparams: {row['name']!r} is of the unknown type {kind!r}")


# --- experiments ---------------------------------------------------------------------------------


def _experiments(rows: list[Row]) -> Iterator[HParamsPluginData]:
    """Rows of one experiment stand together: what is said of it, its metrics, its domains."""
    order = ["experiment", "metric", "hparam"]
    experiment, before = None, -1
    for row in rows:
        if row["kind"] not in order:
            raise UsageError(f"hparam_metrics: kind {row['kind']!r} is none of {', '.join(order)}")
        place = order.index(row["kind"])
        if experiment is None or place < before or place == before == 0:
            if experiment is not None:
                yield HParamsPluginData(experiment=experiment)
            experiment = Experiment()
        before = place
        _add(experiment, row)
    if experiment is not None:
        yield HParamsPluginData(experiment=experiment)


def _add(experiment: Experiment, row: Row) -> None:
    if row["kind"] == "experiment":
        experiment.name = row["name"] or ""
        experiment.description = row["description"] or ""
        experiment.user = row["author"] or ""
        experiment.time_created_secs = row["time_created"] or 0
    elif row["kind"] == "metric":
        metric = MetricInfo(
            display_name=row["display_name"] or "",
            description=row["description"] or "",
            dataset_type=enum_number(DATASETS, row["type"], "hparam_metrics: type"),
        )
        metric.name.tag = row["name"] or ""
        metric.name.group = row["metric_group"] or ""
        experiment.metric_infos.append(metric)
    else:
        hparam = HParamInfo(
            name=row["name"] or "",
            display_name=row["display_name"] or "",
            description=row["description"] or "",
            type=enum_number(TYPES, row["type"], "hparam_metrics: type"),
        )
        if row["domain_values"] is not None:
            values = [_domain_value(text, row["type"]) for text in row["domain_values"]]
            hparam.domain_discrete.CopyFrom(ListValue(values=values))
        elif row["domain_min"] is not None or row["domain_max"] is not None:
            hparam.domain_interval.min_value = row["domain_min"] or 0
            hparam.domain_interval.max_value = row["domain_max"] or 0
        experiment.hparam_infos.append(hparam)


def _domain_value(text: str | None, kind: str | None) -> Value:
    kind = "null" if text is None else kind
    return _value({"name": "domain_values", "type": kind, "number": None, "text": text})
