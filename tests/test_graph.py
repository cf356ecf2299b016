"""Graphs of logs: which, summed up, folded and drawn."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from event_writing import EventFile
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import Message
from graph_building import (
    FLOAT,
    dtype,
    function,
    graph,
    log_of,
    node,
    shapes,
    small_model,
)

import tbtools
from tbtools.errors import NothingFoundError, UnknownNameError, UsageError
from tbtools.proto import graph_pb2, tfevents_pb2
from tbtools.proto.graph_pb2 import AttrValue, GraphDef
from tbtools.verbs.graph.difference import diff
from tbtools.verbs.graph.folding import edges, fold, nodes
from tbtools.verbs.graph.formats import draw
from tbtools.verbs.graph.selection import Graph, graphs_of
from tbtools.verbs.graph.summary import brief, summary

Written = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes graphs into a run of a logdir."""

    def write(
        *graphs: GraphDef, logdir: str = "logs", run: str = "train", at: float = 1000.5
    ) -> Path:
        folder = tmp_path / logdir
        log_of(EventFile(folder / run / f"events.out.tfevents.{at}").version(), *graphs, at=at)
        return folder

    return write


@pytest.fixture
def one(written: Written) -> Callable[..., Graph]:
    """The only graph of a log that holds only this one."""

    def read(made: GraphDef, **options: Any) -> Graph:
        (found,) = graphs_of(tbtools.open(written(made)), **options)
        return found

    return read


def names(found: Graph) -> list[str]:
    return found.nodes["name"].to_pylist()


def rows(table: Any, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in columns) for row in table.to_pylist()]


# --- which ---------------------------------------------------------------------------------------


def test_all_graphs_are_found_run_by_run(written: Written) -> None:
    written(small_model(), run="a")
    logs = tbtools.open(written(small_model(), GraphDef(), run="b"))
    found = [(each.run, each.name, each.nodes.num_rows) for each in graphs_of(logs)]
    assert found == [
        ("a", "graph_def@1000.5", 7),
        ("b", "graph_def@1000.5", 7),
        ("b", "graph_def@1001.5", 0),
    ]


@pytest.mark.parametrize("glob", ["graph_def", "graph_def@1001.5", "g*@1001*", ["x", "graph_def"]])
def test_graphs_are_chosen_by_glob_with_or_without_time(written: Written, glob: Any) -> None:
    logs = tbtools.open(written(small_model(), small_model()))
    assert graphs_of(logs, glob)[-1].name == "graph_def@1001.5"


def test_no_graph_is_nothing_found(written: Written, tmp_path: Path) -> None:
    with pytest.raises(NothingFoundError, match="no graph matches x"):
        graphs_of(tbtools.open(written(small_model())), "x")
    EventFile(tmp_path / "none" / "events.out.tfevents.1").version()
    with pytest.raises(NothingFoundError, match=r"no graph$"):
        graphs_of(tbtools.open(tmp_path / "none"))


def test_a_scope_is_what_begins_with_it_and_the_edges_that_touch_it(one: Any) -> None:
    found = one(small_model(), scope="dense/")
    assert names(found) == ["dense/kernel", "dense/MatMul", "dense"]
    assert rows(found.edges, "source", "target") == [
        ("x", "dense/MatMul"),
        ("dense/kernel", "dense/MatMul"),
        ("dense/MatMul", "dense"),
        ("dense/kernel", "init"),
        ("dense", "loss"),
    ]


def test_functions_are_scopes_as_in_tensorboard(one: Any) -> None:
    body = function("f", ["x"], {"y": "r:activations:0"}, node("r", "Relu", "x"))
    made = graph(node("r", "NoOp"), functions=[body])
    assert names(one(made, scope="__function_library__f")) == ["x", "r", "y_RetVal"]
    assert names(one(made, scope="__function_library__f/r")) == ["r"]


def test_an_unknown_scope_names_the_nearest(one: Any) -> None:
    with pytest.raises(NothingFoundError, match="nearest: dense"):
        one(small_model(), scope="dens")


def test_an_exported_dataset_has_the_same_graphs(written: Written, tmp_path: Path) -> None:
    logs = tbtools.open(written(small_model(), graph(node("a", "NoOp"))))
    tbtools.export(logs, tmp_path / "out")
    again = graphs_of(tbtools.open(tmp_path / "out"))
    assert [(each.name, names(each)) for each in again] == [
        (each.name, names(each)) for each in graphs_of(logs)
    ]
    assert not diff(graphs_of(logs), again).num_rows


def test_a_dataset_without_graphs_says_so(written: Written, tmp_path: Path) -> None:
    tbtools.export(tbtools.open(written(small_model())), tmp_path / "out", tables=["graph_nodes"])
    with pytest.raises(UsageError, match="without the table 'graphs'"):
        graphs_of(tbtools.open(tmp_path / "out"))


# --- summed up -----------------------------------------------------------------------------------


def test_a_summary_counts(one: Any) -> None:
    (row,) = summary([one(small_model())]).to_pylist()
    assert row == {
        "run": "train",
        "graph": "graph_def@1000.5",
        "source": "graph_def",
        "stage": None,
        "nodes": 7,
        "edges": 7,
        "functions": 0,
        "depth": 1,
        "variables": 1,
        "parameters": 12,
        "devices": ["/gpu:0"],
        "ops": [(op, 1) for op in dict(row["ops"])],
    }


def test_parameters_are_null_where_a_shape_is_not_known(one: Any) -> None:
    made = small_model()
    made.node.append(node("v", "VariableV2"))
    (row,) = summary([one(made)]).to_pylist()
    assert (row["variables"], row["parameters"]) == (2, None)


def test_a_brief_summary_leaves_out_what_is_empty(one: Any) -> None:
    table = brief(summary([one(graph(*(node(f"n{i}", f"Op{i % 7}") for i in range(8))))]))
    assert table.column_names == ["run", "graph", "source", "nodes", "edges", "depth", "ops"]
    assert table["ops"].to_pylist() == ["Op0 2, Op1 1, Op2 1, Op3 1, Op4 1, 2 more"]


# --- folded --------------------------------------------------------------------------------------


def test_scopes_fold_and_edges_between_them_are_counted(one: Any) -> None:
    folded = fold(one(small_model()), 1)
    assert rows(folded.nodes, "name", "op", "nodes") == [
        ("x", "Placeholder", 1),
        ("dense", None, 3),
        ("init", "NoOp", 1),
        ("loss", None, 2),
    ]
    assert rows(folded.edges, "source", "target", "control", "edges") == [
        ("x", "dense", False, 1),
        ("dense", "init", True, 1),
        ("dense", "loss", False, 1),
        ("init", "loss", True, 1),
    ]


def test_a_node_beside_its_scope_goes_into_it(one: Any) -> None:
    folded = fold(one(small_model()), 2)
    assert [name for name, _ in rows(folded.nodes, "name", "op")] == [
        "x",
        "dense/kernel",
        "dense/MatMul",
        "dense/(dense)",
        "init",
        "loss/axis",
        "loss/(loss)",
    ]


def test_a_scope_knows_its_operations_and_devices(one: Any) -> None:
    dense = fold(one(small_model()), 1).nodes.to_pylist()[1]
    assert dict(dense["ops"]) == {"VariableV2": 1, "MatMul": 1, "Relu": 1}
    assert dense["devices"] == ["/gpu:0"]


def test_many_edges_between_scopes_are_one(one: Any) -> None:
    made = graph(node("a/x", "A"), *(node(f"b/{i}", "B", "a/x", "a/x:1") for i in range(3)))
    assert rows(fold(one(made), 1).edges, "source", "target", "edges") == [("a", "b", 6)]


def test_a_depth_of_nothing_is_refused(one: Any) -> None:
    with pytest.raises(UsageError, match="1 leaves the outermost"):
        fold(one(small_model()), 0)


def test_nodes_and_edges_of_several_graphs_follow_each_other(written: Written) -> None:
    found = graphs_of(tbtools.open(written(small_model(), small_model())))
    assert (nodes(found).num_rows, edges(found).num_rows) == (14, 14)
    assert (nodes(found, 1).num_rows, edges(found, 1).num_rows) == (8, 8)


# --- drawn ---------------------------------------------------------------------------------------

ODD = 'a"b\\n<&>`{x}|#;\x00\n\x1b[31m é'


def drawn(found: Graph, form: str, depth: int | None = None) -> str:
    return "\n".join(draw([found], form, depth))


def test_dot_has_clusters_ports_and_dashes(one: Any) -> None:
    made = graph(node("s/a", "A"), node("b", "B", "s/a:1", "^s/a", "outside"))
    assert drawn(one(made), "dot").splitlines()[2:] == [
        '  n1 [label="b\\nB", tooltip="b"];',
        '  n2 [label="outside", tooltip="outside", style="dashed"];',
        '  subgraph cluster_0 { label="s";',
        '    n0 [label="a\\nA", tooltip="s/a"];',
        "  }",
        '  n0 -> n1 [label=":1"];',
        "  n0 -> n1 [style=dashed];",
        "  n2 -> n1;",
        "}",
    ]


def test_mermaid_has_subgraphs_and_dots(one: Any) -> None:
    made = graph(node("s/a", "A"), node("b", "B", "s/a:1", "^s/a"))
    assert drawn(one(made), "mermaid").splitlines() == [
        "flowchart TD",
        '  n1["b<br/>B"]',
        '  subgraph s0["s"]',
        '    n0["a<br/>A"]',
        "  end",
        '  n0 -->|":1"| n1',
        "  n0 -.-> n1",
    ]


def test_names_cannot_break_out_of_dot(one: Any) -> None:
    text = drawn(one(graph(node(ODD, "O", ODD + "x"))), "dot")
    for quoted in re.findall(r'"((?:[^"\\]|\\.)*)"', text):
        assert quoted.isprintable()
    assert re.sub(r'"(?:[^"\\]|\\.)*"', "", text).count('"') == 0


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not on this machine")
def test_graphviz_draws_it(one: Any) -> None:
    made = small_model()
    made.node.append(node(ODD, ODD, "x"))
    subprocess.run(["dot", "-Tsvg"], input=drawn(one(made), "dot").encode(), check=True)


def test_names_cannot_break_out_of_mermaid(one: Any) -> None:
    text = drawn(one(graph(node(ODD, "O"))), "mermaid")
    (label,) = re.findall(r'\["(.*)"\]', text)
    assert len(text.splitlines()) == 2
    assert not set('"<>`{}|[]\\&\x1b') & set(label.replace("<br/>", ""))


def test_graphml_holds_names_and_all_that_is_known(one: Any) -> None:
    made = graph(node(ODD, "O", T=dtype(FLOAT), _output_shapes=shapes([1])), node("b", "B", ODD))
    space = "{http://graphml.graphdrawing.org/xmlns}"
    root = ElementTree.fromstring(drawn(one(made), "graphml"))
    first = root.find(f"{space}graph/{space}node")
    assert first is not None
    data = {each.get("key"): each.text for each in first.iter(f"{space}data")}
    assert data == {
        "name": ODD.replace("\x00", "\ufffd").replace("\x1b", "\ufffd"),
        "op": "O",
        "attrs": '{"T": "float32"}',
        "output_shapes": "[[1]]",
    }
    (edge,) = root.iter(f"{space}edge")
    assert (edge.get("source"), edge.get("target")) == ("n0", "n1")


def test_json_is_one_object_of_nodes_and_edges(one: Any) -> None:
    made = graph(node(ODD, "O", T=dtype(FLOAT)), node("b", "B", f"{ODD}"))
    whole = json.loads(drawn(one(made), "json"))
    assert (whole["run"], whole["graph"]) == ("train", "graph_def@1000.5")
    assert (whole["nodes"][0]["name"], whole["nodes"][0]["attrs"]) == (ODD, {"T": "float32"})
    assert [(edge["source"], edge["target"]) for edge in whole["edges"]] == [(ODD, "b")]
    folded = json.loads(drawn(one(small_model()), "json", 1))
    assert folded["nodes"][1]["ops"]["Relu"] == 1


def test_pbtxt_has_nodes_functions_and_versions(one: Any) -> None:
    body = function("f", ["x"], {"y": "r:activations:0"}, node("r", "Relu", "x"))
    made = graph(node('"é', "P", _output_shapes=shapes([-1], None)), functions=[body], producer=27)
    text = " ".join(drawn(one(made), "pbtxt").split())
    assert text == (
        'node { name: "\\"\\303\\251" op: "P" attr { key: "_output_shapes" value { list { '
        "shape { dim { size: -1 } } shape { unknown_rank: true } } } } } "
        'library { function { signature { name: "f" input_arg { name: "x" } '
        'output_arg { name: "y" } } node_def { name: "r" op: "Relu" input: "x" } '
        'ret { key: "y" value: "r:activations:0" } } } versions { producer: 27 }'
    )


def text_form_class() -> type[Message]:
    """A GraphDef as TensorFlow defines it: attributes are messages, where ours are their bytes."""
    pool = descriptor_pool.DescriptorPool()
    for file in (tfevents_pb2.DESCRIPTOR, graph_pb2.DESCRIPTOR):
        made = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(made)
        for message in made.message_type:
            if message.name == "NodeDef":
                value = message.nested_type[0].field[1]
                value.type, value.type_name = value.TYPE_MESSAGE, ".tbtools.AttrValue"
        pool.Add(made)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tbtools.GraphDef"))


def test_pbtxt_reads_as_the_graph_that_was_written(one: Any) -> None:
    body = function("f", ["x", ODD], {"y": "r:activations:0", ODD: "x"}, node("r", ODD, "x"))
    known = {"k": AttrValue(s=ODD.encode()), "_output_shapes": shapes([1, -1], None)}
    made = graph(node("a", "A"), node(ODD, ODD, f"^{ODD}", device=ODD, **known), functions=[body])
    text = drawn(one(made), "pbtxt")
    assert text.isascii()
    read = GraphDef.FromString(text_format.Parse(text, text_form_class()()).SerializeToString())
    signature = made.library.function[0].signature
    for argument in (*signature.input_arg, *signature.output_arg):
        argument.ClearField("type")  # which the tables have as text
    made.ClearField("versions")
    assert read == made


@pytest.mark.parametrize("form", ["dot", "mermaid", "graphml", "json"])
@pytest.mark.parametrize("depth", [None, 1])
def test_an_odd_graph_can_be_drawn(one: Any, form: str, depth: int | None) -> None:
    made = graph(node("", ""), node("/", "", "/", "^", ":0"), node("a//b", "x", "a//b"))
    assert drawn(one(made), form, depth)


def test_only_one_graph_is_drawn(written: Written) -> None:
    found = graphs_of(tbtools.open(written(small_model(), small_model(), GraphDef())))
    with pytest.raises(UsageError, match=r"2 graphs, .* graph_def@1000.5 \(run train\)"):
        draw(found, "dot")
    with pytest.raises(NothingFoundError, match="has no nodes"):
        draw(found[2:], "dot")
    with pytest.raises(UnknownNameError, match="nearest: dot"):
        draw(found[:1], "dott")
    with pytest.raises(UsageError, match="no GraphDef"):
        list(draw(found[:1], "pbtxt", 1))
