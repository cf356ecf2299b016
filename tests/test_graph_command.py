"""How graphs differ, ``tbtools graph``, and the statements of docs/graphs.md."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from conftest import ROOT
from event_writing import EventFile
from graph_building import FLOAT, dtype, function, graph, log_of, node, shape, small_model
from typer.testing import CliRunner, Result

import tbtools
from tbtools.cli.graph import graph as command
from tbtools.errors import NothingFoundError, TargetExistsError, UsageError
from tbtools.proto.graph_pb2 import GraphDef, NodeExecStats, RunMetadata
from tbtools.proto.tfevents_pb2 import TaggedRunMetadata
from tbtools.verbs import graph as verb
from tbtools.verbs.graph.difference import diff
from tbtools.verbs.graph.selection import graphs_of


class Logs:
    """Writes logdirs of graphs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, logdir: str, *graphs: GraphDef, run: str = "train", at: float = 5.5) -> str:
        path = self.folder / logdir / run / f"events.out.tfevents.{at}"
        log_of(EventFile(path).version(), *graphs, at=at)
        return str(self.folder / logdir)


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    """Writes logdirs of graphs."""
    return Logs(tmp_path)


def differences(a: str, b: str) -> list[tuple[Any, ...]]:
    """The rows of a comparison but for their run."""
    table = diff(graphs_of(tbtools.open(a)), graphs_of(tbtools.open(b)))
    return [tuple(row.values())[1:] for row in table.to_pylist()]


# --- how graphs differ ---------------------------------------------------------------------------


def test_a_graph_does_not_differ_from_itself_written_later(logs: Logs) -> None:
    assert differences(logs("a", small_model()), logs("b", small_model(), run="x", at=9)) == []


def test_what_differs_is_told_field_by_field(logs: Logs) -> None:
    ours = graph(
        node("same", "NoOp"),
        node("gone", "Relu"),
        node("n", "Relu", "x", device="/cpu:0", T=dtype(FLOAT), shape=shape(1), k=dtype(FLOAT)),
    )
    theirs = graph(
        node("n", "Elu", "x", "y", device="/gpu:0", T=dtype(2), shape=shape(1), l=dtype(FLOAT)),
        node("same", "NoOp"),
        node("new", "Relu"),
    )
    name = "graph_def"
    assert differences(logs("a", ours), logs("b", theirs)) == [
        (name, None, "gone", "only in a", "op", "Relu", None),
        (name, None, "n", "changed", "op", "Relu", "Elu"),
        (name, None, "n", "changed", "device", "/cpu:0", "/gpu:0"),
        (name, None, "n", "changed", "inputs", "[x]", "[x, y]"),
        (name, None, "n", "changed", "attrs.T", "float32", "float64"),
        (name, None, "n", "changed", "attrs.k", "float32", None),
        (name, None, "n", "changed", "attrs.l", None, "float32"),
        (name, None, "new", "only in b", "op", None, "Relu"),
    ]


def test_shapes_are_compared_as_text(logs: Logs) -> None:
    (_, row) = differences(logs("a", small_model(3)), logs("b", small_model(4)))
    assert row[2:] == ("dense/kernel", "changed", "output_shapes", "[[4, 3]]", "[[4, 4]]")


def test_functions_are_compared_as_well(logs: Logs) -> None:
    ours = graph(functions=[function("f", ["x"], {"y": "x"})])
    theirs = graph(functions=[function("f", ["x"], {"y": "x:1"})])
    assert differences(logs("a", ours), logs("b", theirs)) == [
        ("graph_def", "f", "y_RetVal", "changed", "inputs", "[x]", "[x:1]")
    ]


def test_the_graph_that_was_written_last_counts(logs: Logs) -> None:
    assert differences(logs("a", graph(), small_model()), logs("b", small_model())) == []


def test_with_several_runs_the_same_runs_are_compared(logs: Logs) -> None:
    for run in ("one", "two"):
        a = logs("a", small_model(), run=run)
    b = logs("b", small_model(), run="two")
    table = diff(graphs_of(tbtools.open(a)), graphs_of(tbtools.open(b)))
    (row,) = table.to_pylist()
    assert (row["run"], row["graph"], row["change"]) == ("one", "graph_def", "only in a")


def test_nothing_in_common_is_nothing_found(logs: Logs) -> None:
    for run in ("one", "two"):
        a = logs("a", small_model(), run=run)
    b = logs("b", small_model(), run="three")
    with pytest.raises(NothingFoundError, match="one: graph_def, two: graph_def here, three:"):
        diff(graphs_of(tbtools.open(a)), graphs_of(tbtools.open(b)))


def test_tags_that_look_like_steps_are_not_confused(tmp_path: Path) -> None:
    for name, tags in (("a", ("t:1", "t:2")), ("b", ("t:2", "t:1"))):
        file = EventFile(tmp_path / name / "events.out.tfevents.1").version()
        for tag in tags:
            made = RunMetadata()
            made.function_graphs.add(pre_optimization_graph=graph(node(tag, "NoOp")))
            tagged = TaggedRunMetadata(tag=tag, run_metadata=made.SerializeToString())
            file.what("tagged_run_metadata", tagged.SerializeToString())
    assert differences(str(tmp_path / "a"), str(tmp_path / "b")) == []


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def run() -> Callable[..., Result]:
    """``tbtools graph`` in this process; its errors are raised."""
    app = typer.Typer()
    app.command()(command)

    def invoke(*arguments: object, code: int = 0) -> Result:
        done = CliRunner().invoke(app, [str(each) for each in arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done

    return invoke


def test_a_summary_is_a_row_per_graph(logs: Logs, run: Any) -> None:
    lines = run(logs("a", small_model(), small_model()), "-f", "table").stdout.splitlines()
    assert len(lines) == 4
    assert lines[2].split()[:6] == ["train", "graph_def@5.5", "graph_def", "7", "7", "1"]


def test_nodes_and_edges_are_rows(logs: Logs, run: Any) -> None:
    folder = logs("a", small_model())
    named = [json.loads(line) for line in run(folder, "--nodes", "-f", "jsonl").stdout.splitlines()]
    assert [row["name"] for row in named][:2] == ["x", "dense/kernel"]
    assert len(run(folder, "--edges", "-f", "csv").stdout.splitlines()) == 8
    assert len(run(folder, "--edges", "--depth", 1, "-f", "csv").stdout.splitlines()) == 5
    scoped = run(folder, "--nodes", "--scope", "loss", "-f", "csv").stdout
    assert len(scoped.splitlines()) == 3
    assert len(json.loads(run(folder, "--nodes", "-f", "json").stdout)) == 7


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("g.dot", "digraph"),
        ("g.mmd", "flowchart TD"),
        ("g.graphml", "<?xml"),
        ("g.pbtxt", "node {"),
        ("g.json", '{"run": "train"'),
        ("g.csv", "run,graph,source"),
    ],
)
def test_the_ending_of_the_output_says_the_format(
    logs: Logs, run: Any, tmp_path: Path, name: str, begins: str
) -> None:
    folder = logs("a", small_model())
    run(folder, "-o", tmp_path / name)
    assert (tmp_path / name).read_text("utf-8").startswith(begins)
    with pytest.raises(TargetExistsError):
        run(folder, "-o", tmp_path / name)
    run(folder, "-o", tmp_path / name, "--force")


def test_one_of_several_graphs_is_drawn(logs: Logs, run: Any) -> None:
    folder = logs("a", small_model(), graph(node("other", "NoOp")))
    with pytest.raises(UsageError, match="choose by --run and --graph"):
        run(folder, "-f", "dot")
    assert "other" in run(folder, "-f", "dot", "--graph", "*@6.5").stdout


@pytest.mark.parametrize(
    "arguments",
    [["--nodes", "--edges"], ["--depth", "1"], ["-f", "pbtxt", "--depth", "1"]],
)
def test_what_makes_no_sense_is_refused(logs: Logs, run: Any, arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        run(logs("a", small_model()), *arguments)


def test_diff_ends_with_one_if_graphs_differ(logs: Logs, run: Any) -> None:
    a, b = logs("a", small_model()), logs("b", small_model(4))
    assert run("diff", a, a).stdout.splitlines() == ["run,graph,function,name,change,field,a,b"]
    lines = run("diff", a, b, code=1).stdout.splitlines()
    assert lines[1] == ',graph_def,,dense/kernel,changed,attrs.shape,"[4,3]","[4,4]"'
    run("diff", a, b, "--scope", "loss")
    for wrong in ([a], [a, b, a], [a, b, "-f", "dot"]):
        with pytest.raises(UsageError):
            run("diff", *wrong)


def test_nodes_are_no_drawing(logs: Logs, run: Any) -> None:
    with pytest.raises(UsageError, match="are rows, which dot cannot hold"):
        run(logs("a", small_model()), "--nodes", "-f", "dot")


# --- the library ---------------------------------------------------------------------------------


def test_the_library_gives_what_the_command_prints(logs: Logs, run: Any) -> None:
    folder = logs("a", small_model(), run="a")
    logs("a", small_model(4), run="b")
    opened = tbtools.open(folder)
    for options in ({}, {"nodes": True}, {"edges": True, "depth": 1}):
        arguments = [f"--{name}" for name in options if name != "depth"]
        arguments += ["--depth", "1"] if "depth" in options else []
        printed = run(folder, *arguments, "--scope", "dense", "--run", "a", "-f", "jsonl").stdout
        by_path = verb.graph(folder, run="a", scope="dense", **options)
        assert [row["graph"] for row in by_path.to_pylist()] == [
            json.loads(line)["graph"] for line in printed.splitlines()
        ]
        both = verb.graph(opened, scope="dense", **options)
        assert both.num_rows == 2 * by_path.num_rows
        assert both.schema == by_path.schema
    lines = list(verb.graph_drawing(folder, "mermaid", run="a", depth=1))
    assert lines == run(folder, "--run", "a", "-f", "mermaid", "--depth", 1).stdout.splitlines()
    with pytest.raises(UsageError, match="2 graphs"):
        verb.graph_drawing(opened, "dot")
    with pytest.raises(UsageError, match="two tables"):
        verb.graph(opened, nodes=True, edges=True)
    with pytest.raises(UsageError, match="--depth folds"):
        verb.graph(opened, depth=1)
    with pytest.raises(UsageError, match="run"):
        verb.graph(opened, run="a")


def test_the_library_compares(logs: Logs) -> None:
    a, b = logs("a", small_model()), logs("b", small_model(4))
    assert verb.graph_diff(a, tbtools.open(a)).num_rows == 0
    changed = verb.graph_diff(a, b, graph="graph_def").to_pylist()
    assert [row["name"] for row in changed] == ["dense/kernel"] * 2
    with pytest.raises(NothingFoundError):
        verb.graph_diff(a, b, graph="other")


# --- the statements of docs/graphs.md ------------------------------------------------------------


@pytest.fixture
def asked(tmp_path: Path) -> list[list[dict[str, Any]]]:
    """The answers to all statements of the page, of a log with a graph and its times."""
    stats = NodeExecStats(node_name="dense/MatMul", all_end_rel_micros=9)
    run = RunMetadata()
    run.step_stats.dev_stats.add(device="/gpu:0", node_stats=[stats, stats])
    tagged = TaggedRunMetadata(tag="step1", run_metadata=run.SerializeToString())
    file = log_of(EventFile(tmp_path / "train" / "events.out.tfevents.1").version(), small_model())
    file.what("tagged_run_metadata", tagged.SerializeToString(), step=1)
    file.what("meta_graph_def", b"")
    logs = tbtools.open(tmp_path)
    text = (ROOT / "docs" / "graphs.md").read_text("utf-8")
    statements = re.findall(r"^```sql\n(.*?)^```$", text, re.M | re.S)
    return [logs.query(sql).to_arrow_table().to_pylist() for sql in statements]


def test_statements_of_the_page_answer_what_they_say(asked: list[list[dict[str, Any]]]) -> None:
    feeding, longest, devices, variables, scopes, times, same = asked
    fed = ["dense", "dense/MatMul", "dense/kernel", "init", "loss/axis", "x"]
    assert [row["name"] for row in feeding] == fed
    (path,) = longest
    assert path["steps"] == 3
    assert path["path"][1:] == ["dense/MatMul", "dense", "loss"]
    assert {row["op"] for row in devices if row["device"] == "/gpu:0"} == {"MatMul", "Relu"}
    assert [(row["name"], row["numbers"]) for row in variables] == [("dense/kernel", 12)]
    assert {"from_scope": "loss/axis", "to_scope": "loss", "edges": 1} in scopes
    assert times == [{"op": "MatMul", "runs": 2, "us": 18, "most_bytes": None}]
    assert [row["graphs"] for row in same] == [["graph_def@1000.5"]]
