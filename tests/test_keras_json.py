"""Keras models as JSON: their layers, and what feeds them."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kind_events import events_of, metadata_of, rows_of
from tensor_building import string_tensor

from tbtools.decode.tensor_values import RefusedError
from tbtools.kinds.graphs import KIND
from tbtools.kinds.graphs.keras import model_of

Json = dict[str, Any]


def layer(name: str, kind: str = "Dense", *inputs: Any, **config: Any) -> Json:
    """A layer of Keras 2; ``inputs`` are its calls, if it is in a functional model."""
    made: Json = {"class_name": kind, "config": {"name": name, **config}, "name": name}
    return {**made, "inbound_nodes": list(inputs)}


def sequential(name: str, *layers: Json) -> Json:
    """A Sequential model, whose layers do not say what feeds them."""
    plain = [
        {key: each[key] for key in each if key not in ("name", "inbound_nodes")} for each in layers
    ]
    return {"class_name": "Sequential", "config": {"name": name, "layers": plain}}


def functional(name: str, takes: list[Any], gives: list[Any], *layers: Json) -> Json:
    """A functional model."""
    config = {"name": name, "layers": layers, "input_layers": takes, "output_layers": gives}
    return {"class_name": "Functional", "config": config}


def called(model: Json, *inputs: Any) -> Json:
    """A model as a layer of another."""
    return {**model, "name": model["config"]["name"], "inbound_nodes": list(inputs)}


def history(name: str, port: int = 0, shape: Any = (None, 4)) -> Json:
    """A tensor as Keras 3 writes it."""
    config = {"shape": shape, "dtype": "float16", "keras_history": [name, 0, port]}
    return {"class_name": "__keras_tensor__", "config": config}


def call(*args: Any, **kwargs: Any) -> Json:
    """A call of Keras 3."""
    return {"args": args, "kwargs": kwargs}


def edges(model: Any) -> dict[str, list[str]]:
    """What feeds each layer: ``name`` or ``name:port``."""
    return {
        each.name: [f"{name}:{port}" if port else name for name, port in each.inputs]
        for each in model_of(json.dumps(model).encode()).layers
    }


def refused(text: bytes) -> str:
    """Why it is no model."""
    with pytest.raises(RefusedError) as caught:
        model_of(text)
    return str(caught.value)


# --- which layer feeds which ---------------------------------------------------------------------


def test_layers_of_a_sequential_model_feed_each_other() -> None:
    assert edges(sequential("s", layer("a"), layer("b"), layer("c"))) == {
        "s/a": [],
        "s/b": ["s/a"],
        "s/c": ["s/b"],
    }


def test_a_sequential_model_of_old_is_a_list() -> None:
    layers = [{"class_name": "Dense", "config": {"name": name}} for name in "ab"]
    model = {"class_name": "Sequential", "config": layers}
    assert edges(model) == {"sequential/a": [], "sequential/b": ["sequential/a"]}


def test_keras_2_lists_what_feeds_a_layer() -> None:
    model = functional(
        "m",
        [["a", 0, 0], ["b", 0, 0]],
        [["c", 0, 0]],
        layer("a", "InputLayer"),
        layer("b", "InputLayer"),
        layer("c", "Concatenate", [["a", 0, 0, {}], ["b", 0, 1, {}]]),
    )
    assert edges(model) == {"m/a": [], "m/b": [], "m/c": ["m/a", "m/b:1"]}


def test_keras_2_gives_operators_their_tensors_by_keyword() -> None:
    model = functional(
        "m",
        ["a", 0, 0],
        ["d", 0, 0],
        layer("a", "InputLayer"),
        layer("b", "Dense", [["a", 0, 0, {}]]),
        layer("c", "TFOpLambda", ["a", 0, 0, {"y": ["b", 0, 0], "name": None}]),
        layer("d", "TFOpLambda", ["_CONSTANT_VALUE", -1, 2.0, {"y": ["c", 0, 0]}]),
    )
    assert edges(model) == {"m/a": [], "m/b": ["m/a"], "m/c": ["m/a", "m/b"], "m/d": ["m/c"]}


def test_keras_3_has_histories_in_arguments() -> None:
    model = functional(
        "m",
        [["a", 0, 0]],
        ["d", 0, 0],
        layer("a", "InputLayer"),
        layer("b", "Dense", call(history("a"))),
        layer("c", "Concatenate", call([history("b"), history("a")])),
        layer("d", "MultiHeadAttention", call(history("b"), value=history("c", 1), training=True)),
    )
    assert edges(model) == {
        "m/a": [],
        "m/b": ["m/a"],
        "m/c": ["m/b", "m/a"],
        "m/d": ["m/b", "m/c:1"],
    }


def test_a_layer_that_is_called_twice_has_the_edges_of_both_calls() -> None:
    model = functional(
        "m",
        [["a", 0, 0]],
        [["s", 1, 0]],
        layer("a", "InputLayer"),
        layer("s", "Dense", [["a", 0, 0, {}]], [["s", 0, 0, {}]]),
    )
    assert edges(model)["m/s"] == ["m/a", "m/s"]


def test_a_model_inside_of_a_model_is_wired_through() -> None:
    inner = functional(
        "in",
        [["x", 0, 0], ["y", 0, 0]],
        [["p", 0, 0], ["q", 0, 0]],
        layer("x", "InputLayer"),
        layer("y", "InputLayer"),
        layer("p", "Dense", [["x", 0, 0, {}]]),
        layer("q", "Dense", [["y", 0, 0, {}]]),
    )
    model = functional(
        "m",
        [["a", 0, 0], ["b", 0, 0]],
        [["z", 0, 0]],
        layer("a", "InputLayer"),
        layer("b", "InputLayer"),
        called(inner, [["a", 0, 0, {}], ["b", 0, 0, {}]]),
        layer("z", "Add", [["in", 1, 1, {}], ["in", 1, 0, {}], ["in", 1, 9, {}]]),
    )
    assert edges(model) == {
        "m/a": [],
        "m/b": [],
        "m/in/x": ["m/a"],
        "m/in/y": ["m/b"],
        "m/in/p": ["m/in/x"],
        "m/in/q": ["m/in/y"],
        "m/z": ["m/in/q", "m/in/p", "m/in/q"],
    }


def test_a_model_that_is_called_twice_is_given_twice_as_much() -> None:
    inner = functional("in", [["x", 0, 0]], [["x", 0, 0]], layer("x", "InputLayer"))
    model = functional(
        "m",
        [["a", 0, 0]],
        [["in", 0, 0]],
        layer("a", "InputLayer"),
        layer("b", "InputLayer"),
        called(inner, [["a", 0, 0, {}]], [["b", 0, 0, {}]]),
    )
    assert edges(model)["m/in/x"] == ["m/a", "m/b"]


def test_models_of_both_sorts_nest() -> None:
    inner = sequential("s", layer("p"), layer("q"))
    model = functional(
        "m",
        [["a", 0, 0]],
        [["z", 0, 0]],
        layer("a", "InputLayer"),
        called(inner, call(history("a"))),
        layer("z", "Dense", call(history("s"))),
    )
    assert edges(sequential("o", layer("f"), model, layer("l"))) == {
        "o/f": [],
        "o/m/a": ["o/f"],
        "o/m/s/p": ["o/m/a"],
        "o/m/s/q": ["o/m/s/p"],
        "o/m/z": ["o/m/s/q"],
        "o/l": ["o/m/z"],
    }


def test_an_empty_model_has_no_layers() -> None:
    assert edges(sequential("s")) == {}
    assert edges(sequential("s", layer("a"), sequential("t"), layer("b"))) == {
        "s/a": [],
        "s/b": [],
    }


# --- rows ----------------------------------------------------------------------------------------


def model_rows(model: Any, name: str = "graph_nodes") -> list[dict[str, Any]]:
    """The rows of a model that was logged as the callback does it."""
    payload = string_tensor(json.dumps(model).encode(), shape=())
    events = events_of(payload, metadata=metadata_of("graph_keras_model", b"1"))
    return rows_of(KIND, events, name)


def test_a_layer_is_a_node() -> None:
    policy = {"class_name": "DTypePolicy", "config": {"name": "float32"}}
    given_ = layer("a", "InputLayer", batch_shape=[None, 4], dtype="float32", sparse=False)
    dense = layer(
        "d", "Dense", call(history("a")), units=3, dtype=policy, activation="relu", bias=None
    )
    add = layer("e", "Add", call(history("d", shape=[None, 3])))
    model = functional("m", [["a", 0, 0]], [["e", 0, 0]], given_, dense, add)
    first, second, third = model_rows({**model, "keras_version": "3.1.0"})
    assert (first["output_shapes"], first["output_types"]) == ([[None, 4]], ["float32"])
    assert second == {
        "event_index": 0,
        "graph": "tag0@0",
        "name": "m/d",
        "op": "Dense",
        "scope": "m",
        "depth": 1,
        "inputs": ["m/a"],
        "attrs": [("units", "3"), ("dtype", "float32"), ("activation", "relu")],
        "output_types": ["float32"],
        "output_shapes": [[None, 3]],
    }
    assert "output_shapes" not in third


def test_edges_have_ports() -> None:
    model = functional("m", [], [], layer("a"), layer("b", "Dense", [["a", 0, 2, {}]]))
    (edge,) = model_rows(model, "graph_edges")
    assert (edge["source"], edge["source_port"], edge["target"]) == ("m/a", 2, "m/b")


def test_the_version_of_keras_is_kept() -> None:
    (about,) = model_rows({**sequential("s", layer("a")), "keras_version": "2.4.0"}, "graphs")
    assert (about["source"], about["made_by"], about["nodes"]) == ("keras_model", "Keras 2.4.0", 1)


def test_a_large_config_is_told_by_size() -> None:
    (row,) = model_rows(sequential("s", layer("a", weights=[0.5] * 1000)))
    assert row["attrs"][0][1].startswith("list <5000 bytes, sha256 ")


def test_json_in_json_is_read() -> None:
    assert len(model_rows(json.dumps(sequential("s", layer("a"))))) == 1


def test_half_a_character_becomes_a_question_mark() -> None:
    (row,) = model_rows(sequential("s", layer("\ud800", units="\udfff")))
    assert (row["name"], row["attrs"]) == ("s/?", [("units", "?")])


def test_what_is_no_type_is_no_output_type() -> None:
    (row,) = model_rows(sequential("s", layer("a", dtype="mixed_float16")))
    assert ("dtype", "mixed_float16") in row["attrs"]
    assert "output_types" not in row


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "the model is not JSON"),
        (b"{", "the model is not JSON"),
        (b"\xff\xfe\xff", "the model is not JSON"),
        (b'"{"', "the model is not JSON"),
        (b"1" * 5000, "the model is not JSON"),
        (b"[]", "the model is not a JSON object"),
        (b"{}", "the config of a model is not a JSON object"),
        (b'{"config": 1}', "the config of a model is not a JSON object"),
        (b'{"config": {}}', "the model 'model' has no layers"),
        (b'{"config": {"name": "m", "layers": {}}}', "the model 'm' has no layers"),
        (b'{"config": {"name": "m", "layers": [1]}}', "a layer of 'm' is not a JSON object"),
        (b'{"config": {"layers": [{}]}}', "a layer has neither name nor class"),
        (
            b'{"config": {"layers": [{"name": "a"}, {"name": "a"}]}}',
            "two layers of 'model' are called 'a'",
        ),
        (b"[" * 100_000, "the model is nested too deeply"),
    ],
)
def test_what_is_no_model_is_refused(text: bytes, reason: str) -> None:
    assert refused(text) == reason


def test_deep_nesting_is_refused_or_read() -> None:
    for depth in (50, 150, 240, 400, 5000):
        opening = '{"config": {"name": "m", "layers": ['
        text = (opening * depth + "]}}" * depth).encode()
        with suppress(RefusedError):
            model_of(text)


def test_outputs_that_fan_out_at_every_level_cost_no_more_than_their_text() -> None:
    model = functional("m", [["x", 0, 0]], [["x", 0, 0]] * 9, layer("x", "InputLayer"))
    for _ in range(40):
        model = functional("m", [["m", 0, 0]] * 9, [["m", 0, 0]] * 9, called(model))
    top = functional("t", [], [["m", 0, 0]], layer("a"), called(model, [["a", 0, 0, {}]] * 9))
    assert len(edges(top)) == 2


KEYS = (
    *("config", "layers", "name", "class_name", "inbound_nodes", "keras_history", "args"),
    *("input_layers", "output_layers", "dtype", "batch_shape", "shape"),
)
values = st.recursive(
    st.sampled_from([None, True, 0, -1, 1e300, "a", "b", "m", "layers", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(values, values, values)
def test_whatever_a_model_says_only_refusal_is_raised(config: Any, nodes: Any, given_: Any) -> None:
    odd = {**layer("b"), "config": config, "inbound_nodes": nodes}
    for model in (
        config,
        functional("m", given_, nodes, layer("a", dtype=given_, batch_shape=nodes), odd),
        sequential("s", layer("a"), odd),
    ):
        payload = string_tensor(json.dumps(model).encode(), shape=())
        decoded = KIND.decode(events_of(payload, metadata=metadata_of("graph_keras_model", b"1")))
        assert bool(decoded.refused) != bool(decoded.tables)
