"""The tables of graphs: what of GraphDefs becomes which row. Run metadata: see its own test."""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import Any

import pytest
from graph_building import (
    BOOL,
    FLOAT,
    INT32,
    dtype,
    dtypes,
    function,
    graph,
    node,
    shape,
    shapes,
    tensor,
)
from kind_events import events_of, metadata_of, rows_of
from tensor_building import STRING, shape_proto, string_tensor, tensor_proto

from tbtools.decode.kind import Events
from tbtools.kinds.graphs import KIND
from tbtools.proto.graph_pb2 import (
    AttrValue,
    GraphDef,
    MetaGraphDef,
    NameAttrList,
    NodeDef,
    OpDef,
    RunMetadata,
)

Rows = list[dict[str, Any]]

PLUGINS = ("graph_run_metadata", "graph_run_metadata_graph")


def nodes(*each: NodeDef, producer: int = 0) -> Rows:
    """The rows of these nodes as a graph."""
    return rows_of(
        KIND, events_of(graph(*each, producer=producer), field="graph_def"), "graph_nodes"
    )


def edges_of(made: GraphDef) -> list[tuple[Any, ...]]:
    """The edges of a graph: source, its output and port, target, index, whether control."""
    names = ("source", "source_output", "source_port", "target", "target_index", "control")
    found = rows_of(KIND, events_of(made, field="graph_def"), "graph_edges")
    return [tuple(row.get(name) for name in names) for row in found]


def text_of(value: AttrValue) -> str:
    """An attribute as text."""
    (row,) = nodes(node("n", "Op", a=value))
    ((key, text),) = row["attrs"]
    assert key == "a"
    return str(text)


def output_types(*each: NodeDef) -> list[Any]:
    """The output types of these nodes."""
    return [row.get("output_types") for row in nodes(*each)]


def run_metadata(*payloads: RunMetadata, plugin: str = "graph_run_metadata") -> Events:
    """Events as ``trace_export`` writes them."""
    tensors = [string_tensor(payload.SerializeToString(), shape=()) for payload in payloads]
    return events_of(*tensors, metadata=metadata_of(plugin, b"1"))


# --- nodes ---------------------------------------------------------------------------------------


def test_no_events_are_no_rows() -> None:
    assert KIND.decode(events_of()).tables == {}


def test_a_node_is_a_row() -> None:
    made = node("a/b/y", "MatMul", "x", "w:1", "^init", device="/gpu:0", T=dtype(FLOAT))
    assert nodes(made) == [
        {
            "event_index": 0,
            "graph": "graph_def@0",
            "name": "a/b/y",
            "op": "MatMul",
            "scope": "a/b",
            "depth": 2,
            "device": "/gpu:0",
            "inputs": ["x", "w:1", "^init"],
            "attrs": [("T", "float32")],
            "output_types": ["float32"],
        }
    ]


def test_a_node_may_say_nothing() -> None:
    (row,) = nodes(NodeDef())
    assert (row["name"], row["scope"], row["depth"], row["inputs"]) == ("", "", 0, [])
    assert not {"op", "device", "function", "output_types", "output_shapes"} & row.keys()


def test_graphs_are_named_by_what_they_are_and_when_they_were_written() -> None:
    events = events_of(graph(node("a", "NoOp")), graph(node("a", "NoOp")), field="graph_def")
    assert [row["graph"] for row in rows_of(KIND, events, "graph_nodes")] == [
        "graph_def@0",
        "graph_def:1@1",
    ]


def test_a_row_of_graphs_says_what_it_has() -> None:
    made = graph(
        node("a", "NoOp"),
        node("b", "f", "a"),
        functions=[function("f", ["x"], {"y": "x"})],
        producer=27,
    )
    assert rows_of(KIND, events_of(made, field="graph_def"), "graphs") == [
        {
            "event_index": 0,
            "graph": "graph_def@0",
            "name": "graph_def",
            "source": "graph_def",
            "nodes": 4,
            "edges": 2,
            "functions": 1,
            "producer": 27,
            "definition": made.SerializeToString(),
        }
    ]


def test_an_empty_graph_is_a_row_of_graphs_and_no_other() -> None:
    assert list(KIND.decode(events_of(GraphDef(), field="graph_def")).tables) == ["graphs"]


# --- edges ---------------------------------------------------------------------------------------


def test_an_input_is_an_edge_with_its_port() -> None:
    assert edges_of(graph(node("y", "Op", "x", "w:1", "x:0"))) == [
        ("x", None, 0, "y", 0, False),
        ("w", None, 1, "y", 1, False),
        ("x", None, 0, "y", 2, False),
    ]


def test_a_control_input_is_an_edge_without_port() -> None:
    assert edges_of(graph(node("y", "Op", "^x", "^a:1"))) == [
        ("x", None, None, "y", 0, True),
        ("a:1", None, None, "y", 1, True),
    ]


@pytest.mark.parametrize("name", ["a:b", "a:b:c", ":1", "a:-1", "a:1:2:3", "a:" + "9" * 30, "a:"])
def test_what_is_no_port_belongs_to_the_name(name: str) -> None:
    assert edges_of(graph(node("y", "Op", name))) == [(name, None, 0, "y", 0, False)]


def test_inside_of_functions_an_edge_names_the_output() -> None:
    body = function("f", ["x"], {"y": "m:product:0"}, node("m", "MatMul", "x", "s:output:2"))
    found = edges_of(graph(functions=[body]))
    assert found == [
        ("x", None, 0, "m", 0, False),
        ("s", "output", 2, "m", 1, False),
        ("m", "product", 0, "y_RetVal", 0, False),
    ]


# --- functions -----------------------------------------------------------------------------------


def test_nodes_of_functions_know_their_function() -> None:
    body = function("f", ["x"], {"y": "r:activations:0"}, node("r", "Relu", "x", T=dtype(FLOAT)))
    made = graph(node("call", "f", "a"), functions=[body])
    found = rows_of(KIND, events_of(made, field="graph_def"), "graph_nodes")
    assert [(row.get("function"), row["name"], row["op"]) for row in found] == [
        (None, "call", "f"),
        ("f", "x", "_Arg"),
        ("f", "r", "Relu"),
        ("f", "y_RetVal", "_Retval"),
    ]


def test_a_call_gives_what_its_function_gives() -> None:
    made = graph(node("call", "f"), functions=[function("f", [], {"a": "x", "b": "y"})])
    found = rows_of(KIND, events_of(made, field="graph_def"), "graph_nodes")
    assert found[0]["output_types"] == ["float32", "float32"]


# --- attributes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (AttrValue(), ""),
        (AttrValue(s=b"SAME"), "SAME"),
        (AttrValue(s=b"\xff\x00"), "0xff00"),
        (AttrValue(i=-3), "-3"),
        (AttrValue(f=0.1), "0.1"),
        (AttrValue(f=3.4028234663852886e38), "3.4028235e+38"),
        (AttrValue(f=float("-inf")), "-inf"),
        (AttrValue(b=True), "true"),
        (AttrValue(b=False), "false"),
        (dtype(19), "float16"),
        (dtype(101), "float32_ref"),
        (dtype(99), "type 99"),
        (shape(), "[]"),
        (shape(-1, 224, 3), "[?,224,3]"),
        (AttrValue(shape=shape_proto(None)), "?"),
        (AttrValue(placeholder="T"), "$T"),
        (dtypes(), "[]"),
        (dtypes(FLOAT, INT32), "[float32, int32]"),
        (AttrValue(list=AttrValue.ListValue(i=[1, 2])), "[1, 2]"),
        (AttrValue(list=AttrValue.ListValue(b=[True])), "[true]"),
        (AttrValue(list=AttrValue.ListValue(s=[b"a, b", b'"'])), '["a, b", "\\""]'),
        (shapes([1], None), "[[1], ?]"),
        (AttrValue(func=NameAttrList(name="f")), "f"),
        (AttrValue(func=NameAttrList(name="f", attr={"T": dtype(1)})), "f{T=float32}"),
        (tensor(INT32, (), b"\5\0\0\0"), "int32[] 5"),
        (tensor(INT32, (2,), b"\1\0\0\0\2\0\0\0"), "int32[2] [1, 2]"),
        (tensor(BOOL, (1,), b"\1"), "bool[1] [true]"),
        (tensor(FLOAT, (2, 2), b""), "float32[2,2] without values"),
        (tensor(FLOAT, (0, 2), b""), "float32[0,2] []"),
        (AttrValue(tensor=string_tensor(b"a", b"b")), 'string[2] ["a", "b"]'),
        (
            AttrValue(tensor=tensor_proto(FLOAT, [9, 9], float_val=[0.5])),
            "float32[9,9] filled with 0.5",
        ),
        (
            AttrValue(tensor=tensor_proto(19, [3], half_val=[0x3C00, 0])),
            "float16[3] [1.0, 0.0], the last repeated",
        ),
        (tensor(14, (2,), b"\x80\x3f\x00\xc0"), "bfloat16[2] [1, -2]"),
        (tensor(24, (1,), b"\x3c"), "float8_e5m2[1] [1.0]"),
        (tensor(22, (1,), b"\xff\xff\xff\xff"), "uint32[1] [4294967295]"),
        (tensor(9, (1,), b"\x01\0\0\0\0\0\x20\0"), "int64[1] [9007199254740993]"),
        (
            AttrValue(tensor=tensor_proto(4, [1], uint32_val=[7])),
            "uint8[1] [7]",
        ),
    ],
)
def test_attributes_are_readable(value: AttrValue, text: str) -> None:
    assert text_of(value) == text


def test_what_is_large_is_told_by_size_and_hash() -> None:
    content = struct.pack("<1000f", *range(1000))
    told = f"<4000 bytes, sha256 {sha256(content).hexdigest()}>"
    assert text_of(tensor(FLOAT, (10, 100), content)) == f"float32[10,100] {told}"
    long = AttrValue(s=b"x" * 2000)
    told = f"<2003 bytes, sha256 {sha256(long.SerializeToString()).hexdigest()}>"
    assert text_of(long) == f"s {told}"
    assert text_of(tensor(FLOAT, (17,), content[:68])).startswith("float32[17] <68 bytes, ")


@pytest.mark.parametrize(
    "value",
    [
        tensor(FLOAT, (1 << 40, 1 << 40), b"\0\0\0\0"),
        tensor(FLOAT, [1 << 62] * 60, b""),
        tensor(FLOAT, [1] * 100_000, b""),
        tensor(FLOAT, (1,), b"\0\0\0"),
        tensor(STRING, (5,), b""),
        tensor(99, (5,), b"\0"),
        AttrValue(tensor=string_tensor(*[b"x" * 500] * 9)),
    ],
)
def test_a_tensor_may_declare_anything(value: AttrValue) -> None:
    assert len(text_of(value)) < 3000


def test_an_attribute_that_cannot_be_read_costs_no_more_than_itself() -> None:
    bad = node("n", "Op", T=dtype(FLOAT))
    bad.attr["bad"] = b"\xff\xff"
    (row,) = nodes(bad)
    assert row["attrs"][0] == ("T", "float32")
    assert row["attrs"][1][1].startswith("not readable <2 bytes, ")


def test_a_type_may_be_any_number() -> None:
    made = graph(functions=[function("f", ["x"], {"y": "x"})])
    made.library.function[0].signature.input_arg[0].type = 2**31 - 1
    given, _ = rows_of(KIND, events_of(made, field="graph_def"), "graph_nodes")
    assert given["output_types"] == ["type 2147483647"]


def test_attributes_are_in_the_order_of_their_names() -> None:
    (row,) = nodes(node("n", "Op", **{name: dtype(1) for name in "gcafbed"}))
    assert "".join(key for key, _ in row["attrs"]) == "abcdefg"


# --- outputs -------------------------------------------------------------------------------------


def test_output_types_follow_from_the_operation() -> None:
    assert output_types(
        node("a", "Less", T=dtype(FLOAT)),
        node("b", "Cast", SrcT=dtype(FLOAT), DstT=dtype(INT32)),
        node("c", "Split", T=dtype(FLOAT), num_split=AttrValue(i=3)),
        node("d", "If", Tout=dtypes(FLOAT, BOOL)),
        node("e", "Assign", T=dtype(101)),
        node("f", "NoOp"),
    ) == [["bool"], ["int32"], ["float32"] * 3, ["float32", "bool"], ["float32"], []]


def test_output_types_are_null_where_they_cannot_be_known() -> None:
    assert output_types(
        node("a", "aten::relu", T=dtype(FLOAT)),
        node("b", "Cast"),
        node("c", "Split", T=dtype(FLOAT), num_split=AttrValue(i=1 << 60)),
        node("d", "If", Tout=dtypes(*[FLOAT] * 2000)),
    ) == [None, None, None, None]


def test_output_shapes_have_a_column_of_their_own() -> None:
    (row,) = nodes(node("n", "Op", _output_shapes=shapes([-1, 3], [], None)))
    assert row["attrs"] == []
    assert row["output_shapes"] == [[None, 3], [], None]


def test_an_attribute_that_is_no_list_of_shapes_stays_one() -> None:
    (row,) = nodes(node("n", "Op", _output_shapes=AttrValue(i=1)))
    assert row["attrs"] == [("_output_shapes", "1")]


def test_variables_and_constants_say_their_own_shape() -> None:
    found = nodes(
        node("v", "VariableV2", shape=shape(2, 3)),
        node("c", "Const", value=tensor(INT32, (2,), b"\0" * 8)),
        node("p", "Placeholder", shape=shape()),
        node("q", "Placeholder"),
        producer=24,
    )
    assert [row.get("output_shapes") for row in found] == [[[2, 3]], [[2]], [[]], None]


def test_placeholders_of_old_graphs_say_scalar_for_anything() -> None:
    (row,) = nodes(node("p", "Placeholder", shape=shape()), producer=23)
    assert "output_shapes" not in row


# --- the other sources ---------------------------------------------------------------------------


def test_a_meta_graph_brings_its_operations_along() -> None:
    meta = MetaGraphDef(graph_def=graph(node("n", "Mine", A=dtype(INT32))))
    meta.meta_info_def.tensorflow_version = "1.15.0"
    output = OpDef.ArgDef(name="o", type_attr="A")
    meta.meta_info_def.stripped_op_list.op.add(name="Mine", output_arg=[output])
    events = events_of(meta, field="meta_graph_def")
    (about,) = rows_of(KIND, events, "graphs")
    assert (about["source"], about["made_by"]) == ("meta_graph_def", "TensorFlow 1.15.0")
    (row,) = rows_of(KIND, events, "graph_nodes")
    assert (row["graph"], row["output_types"]) == ("meta_graph_def@0", ["int32"])


def test_run_metadata_shows_one_function_as_it_is() -> None:
    run = RunMetadata()
    run.function_graphs.add(pre_optimization_graph=graph(node("a/b", "Op", "c")))
    for plugin in PLUGINS:
        (row,) = rows_of(KIND, run_metadata(run, plugin=plugin), "graph_nodes")
        assert (row["graph"], row["name"], row["inputs"]) == ("tag0@0", "a/b", ["c"])


def test_run_metadata_of_several_functions_has_prefixes() -> None:
    run = RunMetadata()
    call = AttrValue(func=NameAttrList(name="f"))
    for number in range(2):
        body = function("f", [], {"y": "c:output:0"}, node("c", "Const"))
        made = graph(node("x", "P", "^a", "b:1", f=call), functions=[body])
        run.function_graphs.add(pre_optimization_graph=made, partition_graphs=[graph()] * number)
    found = rows_of(KIND, run_metadata(run), "graph_nodes")
    assert [(row.get("function"), row["name"], row["inputs"], row["attrs"]) for row in found] == [
        (None, "graph_1/x", ["^graph_1/a", "graph_1/b:1"], [("f", "graph_1_f")]),
        ("graph_1_f", "c", [], []),
        ("graph_1_f", "y_RetVal", ["c:output:0"], [("T", "float32")]),
        (None, "graph_2/x", ["^graph_2/a", "graph_2/b:1"], [("f", "graph_2_f")]),
        ("graph_2_f", "c", [], []),
        ("graph_2_f", "y_RetVal", ["c:output:0"], [("T", "float32")]),
    ]
