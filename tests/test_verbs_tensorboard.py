"""TensorBoard reads what ``downsample``, ``aggregate`` and ``import`` write as tbtools does."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

import pytest
from conftest import DATA
from event_writing import EventFile
from tensorboard_reading import by_loader, check
from test_write_tensorboard import LOGS

import tbtools
from tbtools.tables.views.thinning import METHODS

ODD = [math.nan, math.inf, -math.inf, -0.0, 0.1, 1e-40]

# What is not float32 is rounded, odd values of a golden log are left out, and both are told.
pytestmark = pytest.mark.filterwarnings("ignore:.* NaN or infinite:UserWarning")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As ``made`` makes them, of 2000 steps."""
    return made(tmp_path_factory.mktemp("runs") / "logs", 2_000)


@pytest.fixture(scope="module")
def short_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of 400 steps: of each, statistics of many kinds are made."""
    return made(tmp_path_factory.mktemp("short_runs") / "logs", 400)


def made(logdir: Path, end: int) -> Path:
    """Four runs of scalars as PyTorch and as TF2 write them, odd ones among them; one resumed."""
    for number, run in enumerate((".", "a", "a/b", "c d")):
        draw = Random(number)
        file = EventFile(logdir / run / f"events.out.tfevents.{number}").version()
        for step in range(0, end * 4 // 5, 2):
            value = draw.choice(ODD) if draw.random() < 0.02 else draw.random()
            file.scalar("loss", step, value)
            if step % 8 == 0:
                file.tensor_scalar("val/äcc", step, value, "float32")
                file.tensor_scalar("lr", step - 100, value, "float64")
        if run == "a":
            again = EventFile(logdir / run / "events.out.tfevents.9").version()
            again.session_start(end * 3 // 5)
            for step in range(end * 3 // 5, end, 4):
                again.scalar("loss", step, draw.random())
    return logdir


def points(logdir: Path) -> int:
    """Scalars that TensorBoard's loader reads."""
    read = by_loader(logdir)
    return sum(len(found) for (plugin, _, _), found in read.items() if plugin == "scalars")


def test_both_loaders_read_the_logs_as_tbtools_does(runs: Path) -> None:
    check(runs, float64={"lr"})


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_downsampled_runs(runs: Path, tmp_path: Path, method: str, exact: bool) -> None:
    out = tmp_path / "out"
    done = tbtools.downsample(runs, out, points=400, method=method, exact=exact)
    assert points(out) == done.rows["scalars"] > 4 * 400
    check(out)


@pytest.mark.parametrize("method", ["m4", "reservoir"])
@pytest.mark.parametrize("name", LOGS)
def test_downsampled_golden_logs(tmp_path: Path, name: str, method: str) -> None:
    tbtools.downsample(DATA / name, tmp_path / "out", points=6, method=method)
    check(tmp_path / "out")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"exact": True, "quantile": [0.1, 0.9], "ci": 0.9, "bootstrap": 20},
        {"group": ["a*", "(?P<rest>c .*)"]},
        {"align": "interpolate", "bin_size": 10},
        {"align": "bin", "bins": 160, "duplicates": "mean"},
        {"restarts": "latest", "statistic": "median"},
    ],
)
def test_statistics_of_runs(short_runs: Path, tmp_path: Path, options: dict[str, object]) -> None:
    out = tmp_path / "out"
    done = tbtools.aggregate_events(short_runs, out, **options)
    assert points(out) == done.rows["scalars"] > 400
    check(out)


@pytest.mark.parametrize("name", LOGS)
def test_statistics_of_golden_logs(tmp_path: Path, name: str) -> None:
    tbtools.aggregate_events(DATA / name, tmp_path / "out")
    check(tmp_path / "out")


@pytest.mark.parametrize("name", LOGS)
def test_imported_golden_logs(tmp_path: Path, name: str) -> None:
    tbtools.export(DATA / name, tmp_path / "tables")
    tbtools.import_files(tmp_path / "tables", output=tmp_path / "out")
    check(tmp_path / "out")


def test_the_corpus(corpus: Path, tmp_path: Path) -> None:
    """Real logs: what both loaders read of them after ``downsample`` and ``aggregate``."""
    tbtools.downsample(corpus / "logs", tmp_path / "fewer", points=100)
    check(tmp_path / "fewer")
    tbtools.aggregate_events(corpus / "logs", tmp_path / "statistics", group="*", statistic="mean")
    check(tmp_path / "statistics")
