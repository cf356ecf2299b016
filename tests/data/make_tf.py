"""Logs by TensorFlow 2 with Keras and TensorBoard's own summaries, and by TensorFlow 1's writer."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import summary as custom_scalar
from tensorboard.plugins.hparams import api as hp
from tensorboard.plugins.mesh import summary as mesh
from tensorboard.plugins.pr_curve import summary as pr_curve

DTYPES = ("float16", "bfloat16", "float64", "int8", "int64", "uint16", "bool", "complex64")


def tf2(folder: Path) -> None:
    """tf.summary, a traced function, Keras models, hparams, meshes, PR curves, a layout."""
    keras.utils.set_random_seed(5)
    rng = np.random.default_rng(5)
    with tf.summary.create_file_writer(str(folder / "main")).as_default():
        for step in range(10):
            tf.summary.scalar("loss", 1 / (step + 1), step, description="of **training**")
        for step in range(3):
            tf.summary.histogram("weights", rng.normal(size=300), step)
            tf.summary.image("pictures", rng.random((2, 6, 8, 3)), step)
            tf.summary.text("note", f"step {step}", step)
        tf.summary.histogram("empty", [], 0)
        tf.summary.text("table", [["a", "b"], ["c", "d"]], 0)
        tf.summary.text("list", ["one", "two"], 0)
        tone = np.sin(np.arange(800) / 5).reshape(1, 800, 1).astype("f4")
        tf.summary.audio("tone", tone, 8000, 0)
        for dtype in DTYPES:
            tf.summary.write(f"raw/{dtype}", tf.cast([1, 0, 1], dtype), 0)
        vertices = np.array([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]])
        mesh.mesh("triangle", vertices, faces=np.array([[[0, 1, 2]]]), step=0)
        labels = np.array([True, False, True, True])
        tf.summary.experimental.write_raw_pb(
            pr_curve.pb("pr", labels, np.array([0.9, 0.4, 0.6, 0.2]), 5).SerializeToString(), 0
        )
        chart = layout_pb2.Chart(
            title="losses", multiline=layout_pb2.MultilineChartContent(tag=["loss.*"])
        )
        category = layout_pb2.Category(title="all", chart=[chart])
        layout = custom_scalar.pb(layout_pb2.Layout(category=[category]))
        tf.summary.experimental.write_raw_pb(layout.SerializeToString(), 0)
        _trace()
    _models(folder)
    _sessions(folder / "hparams")


def _trace() -> None:
    @tf.function
    def affine(x: tf.Tensor) -> tf.Tensor:
        with tf.name_scope("layer"):
            return tf.nn.relu(tf.matmul(x, tf.ones((3, 2))) + 1.0, name="act")

    tf.summary.trace_on(graph=True, profiler=False)
    affine(tf.zeros((1, 3)))
    tf.summary.trace_export("affine", step=0)


def _models(folder: Path) -> None:
    left, right = keras.Input((4,), name="left"), keras.Input((2,), name="right")
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="d")], name="inner")
    merged = keras.layers.Concatenate(name="merged")([inner(left), right])
    functional = keras.Model([left, right], keras.layers.Dense(1, name="out")(merged), name="two")
    sequential = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(1, name="b")],
        name="chain",
    )
    data = {"left": np.zeros((4, 4)), "right": np.zeros((4, 2))}
    for name, model, x in (("two", functional, data), ("chain", sequential, data["left"])):
        model.compile("sgd", "mse")
        log = keras.callbacks.TensorBoard(str(folder / name), write_graph=True)
        model.fit(x, np.zeros((4, 1)), verbose=0, callbacks=[log])


def _sessions(folder: Path) -> None:
    units = hp.HParam("units", hp.Discrete([16, 32]))
    rate = hp.HParam("rate", hp.RealInterval(0.0, 1.0), display_name="Rate")
    with tf.summary.create_file_writer(str(folder)).as_default():
        metric = hp.Metric("accuracy", display_name="Accuracy")
        hp.hparams_config([units, rate, hp.HParam("kind", hp.Discrete(["a", "b"]))], [metric])
    for number, count in enumerate((16, 32)):
        with tf.summary.create_file_writer(str(folder / f"session_{number}")).as_default():
            values = {units: count, rate: 0.5, "kind": "a", "fast": True}
            hp.hparams(values, trial_id=f"trial_{number}", start_time_secs=1.7e9 + number)
            for step in range(3):
                tf.summary.scalar("accuracy", 0.5 + step / 10 + number / 100, step)


def tf1(folder: Path) -> None:
    """A graph with functions, control edges and run metadata; the legacy summaries."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        x = v1.placeholder(tf.float32, (None, 3), name="x")
        with v1.name_scope("dense"):
            weights = v1.get_variable("w", initializer=tf.ones((3, 2)), use_resource=False)
            y = tf.matmul(x, weights, name="product")
        with tf.control_dependencies([tf.debugging.check_numerics(y, "finite", name="check")]):
            loss = tf.reduce_mean(y, name="loss")
        tf.cond(loss > 0.0, lambda: loss * 2.0, lambda: loss, name="choice")
        _old_loop()
        summaries = [
            v1.summary.scalar("loss", loss),
            v1.summary.histogram("weights", weights),
            v1.summary.image("pictures", tf.zeros((2, 4, 5, 3)), max_outputs=2),
            v1.summary.audio("tone", tf.zeros((1, 100, 1)), 8000),
            v1.summary.text("note", tf.constant("hello")),
        ]
        session.run(v1.global_variables_initializer())
        merged = v1.summary.merge(summaries)
        writer = v1.summary.FileWriter(str(folder), graph)
        for step in range(3):
            metadata = v1.RunMetadata()
            options = v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE)
            summary = session.run(merged, {x: np.ones((2, 3))}, options, metadata)
            writer.add_summary(summary, step)
            if step == 0:
                writer.add_run_metadata(metadata, "first", step)
        log = v1.SessionLog
        writer.add_session_log(log(status=log.CHECKPOINT, checkpoint_path="model-2"), 2)
        writer.add_meta_graph(v1.train.export_meta_graph(graph=graph), 2)
        writer.close()


def _old_loop() -> None:
    """A loop of Enter, Merge, Switch, NextIteration and Exit: the graph has a cycle."""
    tf.compat.v1.disable_control_flow_v2()
    tf.while_loop(lambda i: i < 3, lambda i: i + 1, [tf.constant(0)], name="old_loop")
    tf.compat.v1.enable_control_flow_v2()
