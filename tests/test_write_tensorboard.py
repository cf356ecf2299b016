"""TensorBoard itself reads what tbtools writes: the same values at the same steps and times."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import tensorboard_reading
from conftest import DATA
from tensorboard_reading import Read, by_loader, check, flat

import tbtools
from tbtools.output.event_rows import targets

LOGS = ["iris", "tensorboardx", "tf1", "tf2", "torch", "torch_resumed"]


def written(name: str, folder: Path, **options: Any) -> Path:
    """A golden log, written again."""
    logs = tbtools.open(DATA / name)
    tables = [table for table in [*targets(), "tags"] if logs[table].count_rows()]
    tbtools.write({table: logs[table] for table in tables}, folder / "logs", **options)
    return folder / "logs"


def kept(read: Read) -> dict[tuple[str, str, str], str]:
    """The values as they come back. Of what is of a run as a whole other tests tell."""
    return {
        key: repr(sorted((step, time, plain(key[0], value)) for step, time, value in points))
        for key, points in read.items()
        if key[0] not in tensorboard_reading.WHOLE and not key[0].startswith("graph") and key[0]
    }


def plain(plugin: str, value: Any) -> Any:
    """A value without what tables do not keep: types of the numbers of meshes, missing labels."""
    if plugin == "mesh":
        return [float(each) for each in flat(value)]
    if plugin == "audio":
        return [each for each in flat(value) if each]
    return value


@pytest.mark.parametrize("name", LOGS)
def test_tensorboard_reads_the_same_values(name: str, tmp_path: Path) -> None:
    expected = kept(by_loader(DATA / name))
    found = kept(by_loader(written(name, tmp_path, exact=True)))
    assert found.keys() == expected.keys()
    # TensorBoard does not read how torch writes tensors of float16.
    unread = {("tensor", ".", "half_tensor")}
    assert {key: found[key] for key in found.keys() - unread} == {
        key: expected[key] for key in expected.keys() - unread
    }


@pytest.mark.parametrize("name", LOGS)
def test_both_loaders_read_golden_logs_as_tbtools_does(name: str) -> None:
    check(DATA / name, float64={"double"})


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("name", LOGS)
def test_both_loaders_read_what_is_written_again(name: str, exact: bool, tmp_path: Path) -> None:
    check(written(name, tmp_path, exact=exact))


@pytest.mark.parametrize("exact", [False, True])
def test_both_loaders_read_all_scalars(exact: bool, tmp_path: Path) -> None:
    odd = [math.nan, math.inf, -math.inf, -0.0, 0.1, 1e-40, 1e300, 2.0**24 + 1]
    count = 3_000  # more than either keeps if it is not told to
    rows = {
        "run": ["a", "b/c", "."] * (count // 3),
        "tag": [f"tag {number % 7}" for number in range(count)],
        "step": [number - 5 for number in range(count)],
        "wall_time": [1e9 + number / 3 for number in range(count)],
        "value": [odd[number] if number < len(odd) else number / 8 for number in range(count)],
    }
    tbtools.write(rows, tmp_path / "logs", exact=exact)
    check(tmp_path / "logs")
