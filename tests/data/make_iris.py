"""The README's example: Keras trains a linear classifier on the iris data set.

``python tests/data/make_iris.py`` in a venv with tensorflow-cpu, tensorboard and scikit-learn.
Files are renamed, because their names tell the host that wrote them.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_DETERMINISTIC_OPS": "1", "CUDA_VISIBLE_DEVICES": ""}

import keras
import tensorflow as tf
from sklearn.datasets import load_iris
from tensorboard.plugins.hparams import api as hp

TARGET = Path(__file__).parent / "iris"


def train(folder: Path) -> None:
    """Write the log of thirty epochs."""
    keras.utils.set_random_seed(7)
    data = load_iris()
    order = tf.random.shuffle(tf.range(len(data.target)), seed=7).numpy()
    features, labels = data.data[order].astype("float32"), data.target[order]
    model = keras.Sequential(
        [keras.Input((4,), name="measures"), keras.layers.Dense(3, "softmax", name="species")],
        name="iris",
    )
    model.compile(
        keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(
        features,
        labels,
        batch_size=30,
        epochs=30,
        validation_split=0.2,
        verbose=0,
        callbacks=[
            keras.callbacks.TensorBoard(str(folder), histogram_freq=10, write_graph=True),
            hp.KerasCallback(
                str(folder / "train"),
                {"learning_rate": 0.05, "batch_size": 30, "optimizer": "sgd"},
                trial_id="iris",
            ),
        ],
    )


def rename(folder: Path, target: Path) -> None:
    """Copy the event files; their new names keep the order and nothing else."""
    shutil.rmtree(target, ignore_errors=True)
    for run in sorted({path.parent for path in folder.rglob("*tfevents*")}):
        place = target / run.relative_to(folder)
        place.mkdir(parents=True)
        for number, path in enumerate(sorted(run.glob("*tfevents*"))):
            shutil.copyfile(path, place / f"events.out.tfevents.{1700000000 + number}.v2")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        train(Path(name))
        rename(Path(name), Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
