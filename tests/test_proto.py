"""Our protobuf schema: up to date, and no clash with anybody else's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

MODULES = ("graph_pb2", "plugins_pb2", "tfevents_pb2")


def test_generated_modules_are_up_to_date(tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools", reason="only the checkout's test extra has the compiler")
    script = ROOT / "tbtools" / "proto" / "__main__.py"
    subprocess.run([sys.executable, "-P", str(script), str(tmp_path)], check=True)
    for module in MODULES:
        for suffix in (".py", ".pyi"):
            name = f"tbtools/proto/{module}{suffix}"
            assert (tmp_path / name).read_text() == (ROOT / name).read_text(), name


@pytest.mark.parametrize("order", [("ours", "theirs"), ("theirs", "ours")])
def test_others_may_have_the_same_messages_in_one_process(order: tuple[str, str]) -> None:
    # TensorBoard is no dependency of the tests; its schema is what matters, under its own names.
    ours = "from tbtools.proto import tfevents_pb2, graph_pb2, plugins_pb2"
    theirs = """
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from importlib.resources import files
for package in ("tensorboard", "tensorflow"):
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}/event.proto", package=package, syntax="proto3"
    )
    for name in ("Event", "Summary", "GraphDef", "NodeDef", "TensorProto", "HistogramProto"):
        file.message_type.add(name=name)
    descriptor_pool.Default().Add(file)
    found = descriptor_pool.Default().FindMessageTypeByName(f"{package}.Event")
    message_factory.GetMessageClass(found)()
"""
    code = "\n".join({"ours": ours, "theirs": theirs}[each] for each in order)
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


def test_real_tensorboard_lives_beside_it() -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard is no dependency of the tests")
    code = (
        "from tensorboard.compat.proto import event_pb2 as theirs\n"
        "from tbtools.proto import tfevents_pb2 as ours\n"
        "event = theirs.Event(step=3, wall_time=1.5)\n"
        "event.summary.value.add(tag='x', simple_value=0.5)\n"
        "assert ours.Event.FromString(event.SerializeToString()).summary.value[0].tag == 'x'\n"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
