"""Logs by PyTorch's SummaryWriter and by tensorboardX."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import tensorboardX
import torch
from torch.utils.tensorboard import SummaryWriter

LAYOUT = {"losses": {"both": ["Multiline", ["loss/.*"]], "band": ["Margin", ["a", "b", "c"]]}}


def common(writer: Any) -> None:
    """What both writers offer."""
    rng = np.random.default_rng(5)
    for step in range(20):
        writer.add_scalar("loss/train", 1 / (step + 1), step)
        writer.add_scalars("both", {"train": step, "val": -step}, step)
    for step, value in enumerate([math.nan, math.inf, -math.inf, 0.0]):
        writer.add_scalar("odd", value, step)
    for step in range(3):
        writer.add_histogram("weights", rng.normal(size=500), step)
        picture = rng.random((3, 8, 6)).astype("float32")
        writer.add_image("picture", picture, step)
        writer.add_images("pictures", rng.random((2, 3, 8, 6)).astype("float32"), step)
        writer.add_text("note", f"step **{step}** äöü", step)
        writer.add_pr_curve("pr", rng.integers(0, 2, 50), rng.random(50), step, num_thresholds=11)
    writer.add_audio("tone", torch.sin(torch.arange(800) / 5.0).unsqueeze(1), 1, 8000)
    writer.add_histogram_raw("raw", 0.0, 3.0, 6, 9.0, 15.0, [1.0, 2.0, 3.0], [1, 2, 3], 4)
    vertices = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]])
    colors = torch.tensor([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]])
    writer.add_mesh("triangle", vertices, colors, torch.tensor([[[0, 1, 2]]]), global_step=2)
    writer.add_custom_scalars(LAYOUT)
    boxes = np.array([[1.0, 1.0, 4.0, 5.0]])
    writer.add_image_with_boxes("boxes", rng.random((3, 12, 12)).astype("float32"), boxes, 1)
    counts = [np.array([9.0, 5.0, 0.0]), np.array([9.0, 2.0, 0.0]), np.array([0.0, 7.0, 9.0])]
    rates = [np.array([0.0, 4.0, 9.0]), np.array([0.5, 0.7, 1.0]), np.array([1.0, 0.6, 0.0])]
    writer.add_pr_curve_raw("pr_raw", *counts, *rates, 1, num_thresholds=3)
    pictures = torch.rand(4, 3, 4, 4, generator=torch.Generator().manual_seed(5))
    names = ["a", "b", "c", "d"]
    writer.add_embedding(torch.eye(4), names, pictures, tag="points", global_step=7)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    writer.add_graph(model, torch.zeros(2, 4))


def torch_all(folder: Path) -> None:
    """All that torch.utils.tensorboard offers, but for figures, videos and ONNX."""
    torch.manual_seed(5)
    with SummaryWriter(str(folder)) as writer:
        common(writer)
        for step in range(3):
            writer.add_scalar("new", step / 3, step, new_style=True)
            writer.add_scalar("double", step / 3, step, new_style=True, double_precision=True)
        writer.add_tensor("raw_tensor", torch.arange(6.0).reshape(2, 3), 1)
        writer.add_tensor("half_tensor", torch.tensor([0.5, 1.5], dtype=torch.float16), 1)
        for number, rate in enumerate((0.1, 0.01)):
            writer.add_hparams(
                {"lr": rate, "opt": "sgd", "nesterov": bool(number)},
                {"hparam/accuracy": 0.5 + number / 10},
                run_name=f"trial_{number}",
            )


def tensorboardx(folder: Path) -> None:
    """The same calls of tensorboardX."""
    torch.manual_seed(5)
    with tensorboardX.SummaryWriter(str(folder)) as writer:
        common(writer)
        writer.add_hparams(
            {"lr": 0.1, "layers": 2, "opt": "sgd", "nesterov": True},
            {"hparam/accuracy": 0.5},
            name="trial_0",
            global_step=3,
        )


def resumed(folder: Path) -> None:
    """A run that was resumed twice: with purge_step, and without."""
    segments = ((0, 100, {}), (60, 150, {"purge_step": 60}), (140, 200, {}))
    for number, (first, end, options) in enumerate(segments):
        with SummaryWriter(str(folder), filename_suffix=f".{number}", **options) as writer:
            for step in range(first, end):
                writer.add_scalar("loss", number + 1 / (step + 1), step)
                if number < 2:
                    writer.add_scalar("lr", 0.1, step)
