"""Keras models as ``model.to_json()`` writes them → layers with their inputs.

Keras 2 and Keras 3, Sequential and functional models, and models as layers of others. Names are
those of TensorBoard's Graphs tab: the models that a layer is in, then its own, joined by ``/``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from tbtools.decode.json_objects import objects_in
from tbtools.decode.tensor_values import DTYPES, RefusedError
from tbtools.kinds.graphs.attrs import LARGE, Shape, by_size

__all__ = ["Layer", "Model", "model_of"]

Json = Mapping[str, Any]

#: An escape that may stand for half a character, which is no text.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Tensor(NamedTuple):
    """An output of a layer, by the layer's name among its neighbours or in the whole."""

    layer: str
    port: int


@dataclass
class Layer:
    """A layer: what makes a node of it."""

    name: str
    class_name: str
    attrs: dict[str, str]
    inputs: list[Tensor] = field(default_factory=list)
    types: tuple[str, ...] | None = None
    shapes: tuple[Shape, ...] | None = None


@dataclass
class Model:
    """A model as it was written."""

    layers: list[Layer]
    version: str | None  # of Keras


def model_of(text: bytes) -> Model:
    """The layers of a model, in the order in which they were written.

    Raises RefusedError for what is no model.
    """
    try:
        parsed = json.loads(text)
        if isinstance(parsed, str):  # some callers serialise what is JSON already
            parsed = json.loads(parsed)
        if _SURROGATE.search(text):
            parsed = json.loads(json.dumps(parsed, ensure_ascii=False).encode("utf-8", "replace"))
        root = _Model(_object(parsed, "the model"), "")
        version = parsed.get("keras_version")
        return Model(_layers(root), version if isinstance(version, str) else None)
    except ValueError:
        raise RefusedError("the model is not JSON") from None
    except RecursionError:
        raise RefusedError("the model is nested too deeply") from None


class _Model:
    """A model, or a model that is a layer of another."""

    def __init__(self, described: Json, scope: str) -> None:
        config = described.get("config")
        if isinstance(config, list):  # Keras 2.2 and older: a Sequential has no more than layers
            config = {"layers": config}
        self.described = described
        self.config = _object(config, "the config of a model")
        own = self.config.get("name", described.get("name"))
        name = own if isinstance(own, str) else str(described.get("class_name", "model")).lower()
        self.name = f"{scope}/{name}" if scope else name
        layers = self.config.get("layers")
        if not isinstance(layers, list):
            raise RefusedError(f"the model {_short(name)} has no layers")
        self.layers: dict[str, _Model | Json] = {}
        for each in layers:
            layer = _object(each, f"a layer of {_short(name)}")
            made = _Model(layer, self.name) if _is_model(layer) else layer
            key = _name_of(layer)
            if key in self.layers:
                raise RefusedError(f"two layers of {_short(name)} are called {_short(key)}")
            self.layers[key] = made
        self.is_sequential = "output_layers" not in self.config and not any(
            "inbound_nodes" in _described(each) for each in self.layers.values()
        )

    @cached_property
    def outputs(self) -> list[Tensor]:
        """Which of its layers give what the model gives, by their full names."""
        if self.is_sequential:
            return self.tensor(Tensor(next(reversed(self.layers)), 0)) if self.layers else []
        listed = _tensors(self.config.get("output_layers"))
        return [tensor for each in listed for tensor in self.tensor(each)]

    def tensor(self, tensor: Tensor) -> list[Tensor]:
        """An output of one of its layers by the full name; that of a model is its layer's."""
        layer = self.layers.get(tensor.layer)
        if not isinstance(layer, _Model):
            return [Tensor(f"{self.name}/{tensor.layer}", tensor.port)]
        outputs = layer.outputs
        return outputs[tensor.port : tensor.port + 1] or outputs[-1:]

    def inputs(self) -> list[str]:
        """The names of the layers that take what the model is given."""
        if self.is_sequential:
            return list(self.layers)[:1]
        return [tensor.layer for tensor in _tensors(self.config.get("input_layers"))]


def _layers(model: _Model, given: Sequence[Tensor] = ()) -> list[Layer]:
    """The layers of a model, those of models inside it in their place. It is ``given`` tensors."""
    entries = {name: number for number, name in enumerate(model.inputs())}
    made: list[Layer] = []
    before: list[Tensor] = []
    for name, layer in model.layers.items():
        if model.is_sequential:
            inputs = list(before)
            before = model.tensor(Tensor(name, 0))
        else:
            found = _tensors(_described(layer).get("inbound_nodes"))
            known = [tensor for tensor in found if tensor.layer in model.layers]
            inputs = [one for tensor in known for one in model.tensor(tensor)]
        if name in entries:
            # A model that is called twice is given twice as many tensors as it has inputs.
            inputs += given if model.is_sequential else given[entries[name] :: len(entries)]
        if isinstance(layer, _Model):
            made += _layers(layer, inputs)
        else:
            made.append(_layer(f"{model.name}/{name}", layer, inputs))
    _add_shapes(model, made)
    return made


def _layer(name: str, described: Json, inputs: list[Tensor]) -> Layer:
    config = described.get("config")
    if not isinstance(config, dict):
        config = {}
    attrs = {
        key: _config_text(value)
        for key, value in config.items()
        if key != "name" and value is not None
    }
    dtype = _dtype(config.get("dtype"))
    layer = Layer(name, str(described.get("class_name", "")), attrs, inputs)
    if dtype is not None:
        attrs["dtype"] = dtype
        layer.types = (dtype,) if dtype in DTYPES.values() else None
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    if described.get("class_name") == "InputLayer" and isinstance(shape, list):
        layer.shapes = (_shape(shape),)
    return layer


def _add_shapes(model: _Model, layers: list[Layer]) -> None:
    """What Keras 3 says of tensors where they are used: their shapes and types."""
    by_name = {layer.name: layer for layer in layers}
    for each in model.layers.values():
        for found in objects_in(_described(each).get("inbound_nodes")):
            config = found.get("config")
            if not isinstance(config, dict):
                continue
            for tensor in _tensors(config.get("keras_history")):
                layer = by_name.get(f"{model.name}/{tensor.layer}")
                shape, dtype = config.get("shape"), config.get("dtype")
                if layer is not None and tensor.port == 0 and isinstance(shape, list):
                    layer.shapes = layer.shapes or (_shape(shape),)
                    layer.types = layer.types or ((dtype,) if isinstance(dtype, str) else None)


def _shape(sizes: list[Any]) -> Shape:
    return tuple(size if type(size) is int and 0 <= size < 1 << 63 else None for size in sizes)


def _tensors(value: Any) -> list[Tensor]:
    """Every ``[name, call, index]`` in what Keras writes where it refers to tensors.

    Keras 2 has these lists themselves, nested at will, with the arguments of the call behind them;
    Keras 3 has objects with a ``keras_history``.
    """
    found: list[Tensor] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += reversed(list(each.values()))
        elif isinstance(each, list):
            match each[:3]:
                case [str(name), int(), int(port)] if port >= 0:
                    found.append(Tensor(name, port))
            waiting += reversed(each)
    return found


def _is_model(layer: Json) -> bool:
    config = layer.get("config")
    if isinstance(config, list):
        return layer.get("class_name") == "Sequential"
    return isinstance(config, dict) and isinstance(config.get("layers"), list)


def _described(layer: _Model | Json) -> Json:
    return layer.described if isinstance(layer, _Model) else layer


def _name_of(layer: Json) -> str:
    """What its neighbours call a layer: in functional models it may differ from the config's."""
    config = layer.get("config")
    for holder in (layer, config):
        if isinstance(holder, dict) and isinstance(holder.get("name"), str):
            return str(holder["name"])
    if isinstance(config, list | dict) and isinstance(layer.get("class_name"), str):
        return str(layer["class_name"]).lower()
    raise RefusedError("a layer has neither name nor class")


def _object(value: Any, what: str) -> Json:
    if not isinstance(value, dict):
        raise RefusedError(f"{what} is not a JSON object")
    return value


def _dtype(value: Any) -> str | None:
    """A type, or the name of the policy that says which types a layer computes with."""
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        value = value["config"].get("name")
    return value if isinstance(value, str) else None


def _config_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    content = text.encode()
    return text if len(content) <= LARGE else f"{type(value).__name__} {by_size(content)}"


def _short(name: str) -> str:
    return repr(name if len(name) <= 60 else name[:60] + "…")
