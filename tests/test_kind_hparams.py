"""Hyperparameters, sessions and experiments."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct, Value
from hypothesis import given
from hypothesis import strategies as st
from kind_events import events_of, metadata_of, refused_by, rows_in, rows_of

from tbtools.decode.kind import Events
from tbtools.kinds.hparams import KIND
from tbtools.proto.plugins_pb2 import (
    Experiment,
    HParamInfo,
    HParamsPluginData,
    Interval,
    MetricInfo,
    MetricName,
    SessionEndInfo,
    SessionStartInfo,
)


def about(**data: Any) -> bytes:
    return metadata_of("hparams", HParamsPluginData(**data))


def bare(*metadata: bytes) -> Events:
    """Values that have only metadata, as PyTorch writes them."""
    return events_of(*([None] * len(metadata)), field="metadata", metadata=list(metadata))


def session_of(hparams: dict[str, Value]) -> Events:
    return bare(about(session_start_info=SessionStartInfo(hparams=hparams)))


def session(**hparams: Value) -> Events:
    return session_of(hparams)


def experiment(**fields: Any) -> Events:
    return bare(about(experiment=Experiment(**fields)))


def test_no_events_are_no_rows() -> None:
    assert KIND.decode(events_of()).tables == {}


def test_each_hyperparameter_is_a_row() -> None:
    events = session(
        optimizer=Value(string_value="adam"),
        dropout=Value(bool_value=True),
        amsgrad=Value(bool_value=False),
        lr=Value(number_value=1e-3),
        batch=Value(number_value=32),
    )
    assert rows_of(KIND, events, "hparams") == [
        {"event_index": 0, "name": "amsgrad", "type": "bool", "number": 0, "text": "false"},
        {"event_index": 0, "name": "batch", "type": "float64", "number": 32, "text": "32"},
        {"event_index": 0, "name": "dropout", "type": "bool", "number": 1, "text": "true"},
        {"event_index": 0, "name": "lr", "type": "float64", "number": 0.001, "text": "0.001"},
        {"event_index": 0, "name": "optimizer", "type": "string", "text": "adam"},
    ]


def test_unusual_numbers_have_a_text_too() -> None:
    rows = rows_of(
        KIND,
        session(
            a=Value(number_value=float("nan")),
            b=Value(number_value=float("-inf")),
            c=Value(number_value=1e300),
            d=Value(number_value=2.0**53),
            e=Value(number_value=-5),
        ),
        "hparams",
    )
    assert [row["text"] for row in rows] == [
        "NaN",
        "-Infinity",
        "1e+300",
        "9007199254740992.0",
        "-5",
    ]


def test_values_that_no_writer_should_give_are_kept_as_json() -> None:
    struct = Struct(fields={"b": Value(number_value=float("inf")), "a": Value()})
    layers = ListValue(
        values=[Value(number_value=64), Value(string_value="ü"), Value(null_value=0)]
    )
    rows = rows_of(
        KIND,
        session(
            list=Value(list_value=layers),
            none=Value(),
            null=Value(null_value=0),
            struct=Value(struct_value=struct),
        ),
        "hparams",
    )
    assert [(row["type"], row.get("text")) for row in rows] == [
        ("list", '[64,"ü",null]'),
        ("null", None),
        ("null", None),
        ("struct", '{"a":null,"b":"Infinity"}'),
    ]


def test_a_session_has_a_row_for_its_start_and_one_for_its_end() -> None:
    start = SessionStartInfo(
        group_name="g", start_time_secs=1.5, model_uri="m", monitor_url="http://u"
    )
    events = bare(
        about(session_start_info=start),
        about(session_end_info=SessionEndInfo(status=2, end_time_secs=9.5)),
    )
    assert rows_of(KIND, events, "hparam_sessions") == [
        {
            "event_index": 0,
            "event": "start",
            "group_name": "g",
            "start_time": 1.5,
            "model_uri": "m",
            "monitor_url": "http://u",
        },
        {"event_index": 1, "event": "end", "status": "failure", "end_time": 9.5},
    ]
    assert rows_of(KIND, events, "hparams") == []


def test_what_a_session_does_not_say_is_null() -> None:
    events = bare(
        about(session_start_info=SessionStartInfo()), about(session_end_info=SessionEndInfo())
    )
    assert rows_of(KIND, events, "hparam_sessions") == [
        {"event_index": 0, "event": "start"},
        {"event_index": 1, "event": "end"},
    ]


def test_an_experiment_declares_metrics_and_hyperparameters() -> None:
    metric = MetricInfo(
        name=MetricName(group="val", tag="acc"),
        display_name="Accuracy",
        description="of all",
        dataset_type=2,
    )
    ratio = HParamInfo(
        name="ratio", type=3, domain_interval=Interval(min_value=0, max_value=0.5), display_name="R"
    )
    choices = ListValue(values=[Value(bool_value=True), Value(number_value=2)])
    choice = HParamInfo(name="choice", type=2, domain_discrete=choices)
    events = experiment(
        name="e",
        user="me",
        description="d",
        time_created_secs=7.0,
        metric_infos=[metric],
        hparam_infos=[ratio, choice, HParamInfo(name="free")],
    )
    assert rows_of(KIND, events, "hparam_metrics") == [
        {
            "event_index": 0,
            "kind": "experiment",
            "name": "e",
            "description": "d",
            "author": "me",
            "time_created": 7.0,
        },
        {
            "event_index": 0,
            "kind": "metric",
            "name": "acc",
            "metric_group": "val",
            "display_name": "Accuracy",
            "description": "of all",
            "type": "validation",
        },
        {
            "event_index": 0,
            "kind": "hparam",
            "name": "ratio",
            "display_name": "R",
            "type": "float64",
            "domain_min": 0.0,
            "domain_max": 0.5,
        },
        {
            "event_index": 0,
            "kind": "hparam",
            "name": "choice",
            "type": "bool",
            "domain_values": ["true", "2"],
        },
        {"event_index": 0, "kind": "hparam", "name": "free"},
    ]


def test_a_metric_of_the_session_itself_has_an_empty_group() -> None:
    events = experiment(metric_infos=[MetricInfo(name=MetricName(tag="acc"))])
    assert rows_of(KIND, events, "hparam_metrics") == [
        {"event_index": 0, "kind": "metric", "name": "acc", "metric_group": ""}
    ]


def test_numbers_without_a_name_are_shown() -> None:
    events = experiment(hparam_infos=[HParamInfo(name="a", type=8)])
    assert rows_of(KIND, events, "hparam_metrics")[0]["type"] == "8"


def test_the_placeholder_tensor_is_not_looked_at() -> None:
    metadata = about(session_end_info=SessionEndInfo(status=1))
    events = events_of(b"\x08\x01\x12\x02\x12\x00", b"\xff", metadata=metadata)
    rows = rows_of(KIND, events, "hparam_sessions")
    assert [row["status"] for row in rows] == ["success", "success"]


def test_what_the_plugin_does_not_know_is_refused() -> None:
    end = SessionEndInfo(status=1)
    assert refused_by(KIND, None, metadata=about(version=1, session_end_info=end)) == [
        "version 1 of the hparams plugin's data; only 0 is known"
    ]
    nothing = "neither an experiment nor the start or end of a session"
    assert refused_by(KIND, None, metadata=about()) == [nothing]
    assert refused_by(KIND, None, metadata=None) == [nothing]
    assert refused_by(KIND, None, metadata=b"\xff") == ["the tag's metadata cannot be read"]
    assert refused_by(KIND, None, metadata=metadata_of("hparams", b"\xff")) == [
        "the tag's metadata is not that of the hparams plugin"
    ]


def test_columns_need_no_quotes_in_sql() -> None:
    import duckdb

    with duckdb.connect() as connection:
        for spec in KIND.tables:
            connection.register("t", spec.schema.empty_table())
            connection.execute(f"SELECT {', '.join(spec.schema.names)} FROM t")


_values: st.SearchStrategy[Value] = st.recursive(
    st.one_of(
        st.builds(Value, number_value=st.floats()),
        st.builds(Value, string_value=st.text(max_size=5)),
        st.builds(Value, bool_value=st.booleans()),
        st.just(Value()),
    ),
    lambda inner: st.builds(
        lambda values: Value(list_value=ListValue(values=values)), st.lists(inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.text(max_size=5), _values, max_size=5))
def test_any_hyperparameter_is_one_row(hparams: dict[str, Value]) -> None:
    rows = rows_of(KIND, session_of(hparams), "hparams")
    assert [row["name"] for row in rows] == sorted(hparams)


@given(st.lists(st.binary(max_size=48)))
def test_any_bytes_are_rows_or_refused(contents: list[bytes]) -> None:
    events = bare(*(metadata_of("hparams", content) for content in contents))
    decoded = KIND.decode(events)
    for spec in KIND.tables:
        rows_in(KIND, events, decoded, spec.name)
