"""The README's example: Keras trains a linear classifier on the iris data set.

``make_data.py`` calls it, and sets the environment before TensorFlow is imported.
"""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf
from sklearn.datasets import load_iris
from tensorboard.plugins.hparams import api as hp


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
