"""What TensorBoard's own loader reads of a log, value by value."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util import tensor_util


def write_truth(logdir: Path, target: Path) -> None:
    """A line of JSON per value, in the order of runs, files and records."""
    with target.open("w", encoding="utf-8") as file:
        for path in sorted(logdir.rglob("*tfevents*")):
            run = path.parent.relative_to(logdir).as_posix()
            for event in EventFileLoader(str(path)).Load():
                for value in event.summary.value:
                    row = {"run": run, "step": event.step, "wall_time": event.wall_time}
                    file.write(json.dumps(row | of_value(value)) + "\n")


def of_value(value: Any) -> dict[str, Any]:
    """Tag, plugin and content of a value as TensorBoard's migration leaves it."""
    plugin = value.metadata.plugin_data.plugin_name
    found: dict[str, Any] = {"tag": value.tag, "plugin": plugin}
    if value.HasField("tensor"):
        tensor = value.tensor
        found["shape"] = [dim.size for dim in tensor.tensor_shape.dim]
        if tensor.dtype == 7:
            found["strings"] = [hashlib.sha256(each).hexdigest() for each in tensor.string_val]
        else:
            found["values"] = _numbers(tensor)
    return found


def _numbers(tensor: Any) -> list[float | str] | None:
    """The elements, NaN and infinities as text; None for a placeholder without any."""
    try:
        array = tensor_util.make_ndarray(tensor)
    except (OverflowError, TypeError, ValueError):
        return None
    return [
        float(each) if abs(float(each)) < float("inf") else str(float(each))
        for each in array.flatten()[:4096]
    ]
