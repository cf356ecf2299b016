"""The benchmarks: that their logs are what they say, and their figures what was measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import ROOT

import tbtools

sys.path.append(str(ROOT))  # at the end: the package that is tested stays the one installed
from benchmarks import __main__ as command
from benchmarks import contenders
from benchmarks.__main__ import COUNT_OTHERWISE, MEASURED, disagreements, size_of
from benchmarks.contenders import CONTENDERS, NEEDS
from benchmarks.costs import COSTS, least_squares
from benchmarks.logs import HOSTILE, LOGS, make
from benchmarks.report import chart, table
from benchmarks.targets import TARGETS, Hostile, Memory, PerFile, Rate
from benchmarks.tensorboard import OURS, RUSTBOARD, STOCK, Log, Measured, rows

SCALE = 0.01


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the logs are kept."""
    return tmp_path_factory.mktemp("logs")


@pytest.mark.parametrize("log", [log for log in LOGS if not log.startswith(HOSTILE)])
def test_a_log_has_the_rows_that_it_claims(root: Path, log: str) -> None:
    folder = make(log, root, SCALE)
    assert tbtools.open(folder)[LOGS[log].table].count_rows() == LOGS[log].rows(SCALE) > 0
    assert tbtools.open(folder)["files"].to_table()["status"].unique().to_pylist() == ["ok"]


@pytest.mark.parametrize("log", [log for log in LOGS if log.startswith(HOSTILE)])
def test_a_hostile_log_is_of_the_same_size_as_good_images(root: Path, log: str) -> None:
    size, good = (size_of(make(each, root, SCALE)) for each in (log, f"{HOSTILE}good_images"))
    assert size["files"] == good["files"] == 1
    assert abs(size["bytes"] / 1_000_000 - 1) < 0.25


def test_what_restarts_wrote_again_is_counted(root: Path) -> None:
    folder = make("restarts", root, SCALE)
    kept = tbtools.open(folder, restarts="latest").scalars.count_rows()
    assert kept == LOGS["restarts"].left(SCALE) == 0.9 * LOGS["restarts"].rows(SCALE)
    assert {*tbtools.open(folder)["runs"].to_table()["files"].to_pylist()} == {2, 3}
    assert tbtools.open(folder).query("FROM scalars WHERE isnan(value)").to_arrow_table().num_rows


def test_logs_are_made_alike(root: Path, tmp_path: Path) -> None:
    for log in ("tiny", "graphs", "restarts"):
        first, second = make(log, root, SCALE), make(log, tmp_path, SCALE)
        for path in first.rglob("*tfevents*"):
            assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()


def test_what_is_measured_exists() -> None:
    assert MEASURED.keys() == LOGS.keys()
    assert {name for names in MEASURED.values() for name in names} == CONTENDERS.keys()
    assert {*NEEDS, *COUNT_OTHERWISE} <= CONTENDERS.keys()
    for names in MEASURED.values():
        assert len({*names}) == len(names)


def test_every_target_is_of_what_is_measured() -> None:
    for target in TARGETS:
        for log, name in target.needs():
            assert name in MEASURED[log] or name == "decode_and_imports", target
    for cost in COSTS:
        assert sum(cost.contender in names for names in MEASURED.values()) > 3


def everything(seconds: float = 1.0) -> dict[str, dict[str, dict[str, Any]]]:
    """As if each contender had taken as long for each log."""
    return {
        log: {
            name: {"seconds": seconds, "rows": LOGS[log].left(1) if name == "rustboard"
                   else LOGS[log].rows(1), "peak_mb": 100, "bytes": 10**8, "files": 7_000}
            for name in [*names, "decode_and_imports"]
        }
        for log, names in MEASURED.items()
    }  # fmt: skip


def test_targets_are_of_what_was_measured() -> None:
    results = everything()
    assert disagreements(results, 1) == []
    assert all(target.found(results) is not None for target in TARGETS)
    results["tiny"]["ls_process"]["seconds"] = 7.0
    results["graphs"]["tbtools_one_thread"]["seconds"] = 0.5
    results[f"{HOSTILE}zeros"]["export_process"]["seconds"] = 9.0
    results["tiny"]["tbtools_eight_threads"]["peak_mb"] = 401
    results["tiny"]["tbparse"]["peak_mb"] = 1_000
    found = {(type(target), target.found(results)) for target in TARGETS}
    assert (PerFile, (pytest.approx(1_000), "tiny")) in [*found]
    assert (Rate, (600_000, "graphs")) in found
    assert (Hostile, (9, f"{HOSTILE}zeros")) in found
    assert (Memory, (401, "tiny, tbtools_eight_threads")) in found
    assert (Memory, (100, "long, tbtools_one_thread")) in found
    text = table(results)
    assert "| ls, per file | tiny | ≤ 100 µs | 1,000 µs | missed |" in text
    assert "| nodes of graphs per second | graphs | ≥ 250,000 / s | 600,000 / s | met |" in text
    assert table({"long": {}}).count("\n") < 10


def test_rows_that_differ_are_told() -> None:
    results = everything()
    results["restarts"]["rustboard"]["rows"] = 4_200_000
    results["many"]["tbparse_process"] = results["many"]["walk"] | {"rows": 1}
    assert disagreements(results, 1) == ["rustboard read 4200000 rows of restarts, not 3780000"]


def test_costs_are_found_again() -> None:
    results = everything()
    for number, (log, measured) in enumerate(results.items()):
        size = {"bytes": 1_000_000 * number**2, "files": 1 + 7_000 * (log == "tiny")}
        for name, each in measured.items():
            each |= size
            each["seconds"] = 2e-9 * size["bytes"] + 30e-6 * size["files"]
            each["seconds"] += 0.25 * name.endswith("_process")
    for cost in COSTS:
        fit = cost.fit(results)
        assert fit is not None
        assert fit.ns_per_byte == pytest.approx(2)
        assert fit.us_per_file == pytest.approx(30)
        assert fit.ms_per_process == pytest.approx(250 * cost.process)
        assert fit.off_by == pytest.approx(1)
        assert cost.fit({"long": results["long"], "many": results["many"]}) is None


def test_no_cost_is_below_zero() -> None:
    assert least_squares([[1, 0], [0, 1], [1, 1]], [2, 3, 5]) == pytest.approx([2, 3])
    assert least_squares([[1, 1], [1, 2]], [2, 1]) == pytest.approx([1.5, 0])
    assert least_squares([[1, 1], [2, 2]], [1, 2])[1] == pytest.approx(0)
    assert least_squares([[1, 1]], [-1]) == [0, 0]


def test_the_chart_shows_runs_that_are_long_and_runs_that_are_many() -> None:
    results = everything(0.25)
    results["tiny"]["rustboard"]["seconds"] = 25.0
    text = chart(results)
    words = ["".join(each.itertext()) for each in ElementTree.fromstring(text).iter()][1:]
    assert {"One run: 2,000,000 scalars in 7,000 files", "A sweep: 7,000 scalars in 7,000 files",
            "25 s · 100 \N{MULTIPLICATION SIGN}", "250 ms", "tbparse"} <= {*words}  # fmt: skip
    assert "nan" not in text
    ElementTree.fromstring(chart({"long": results["long"]}))


@pytest.mark.parametrize(
    "name",
    ["walk", "tbtools_two_threads", "tbtools_everything_eight_threads", "tbtools_survey",
     "ls_process", "export_eight_threads_process"],
)  # fmt: skip
def test_contenders_measure(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    name: str,
) -> None:
    folder = make("tiny", root, SCALE)
    monkeypatch.setattr(sys, "argv", ["contenders", name, str(folder), "scalars", "1"])
    contenders.main()
    measured = json.loads(capfd.readouterr().out)
    assert measured["seconds"] > 0
    assert measured["rows"] == 70 or name.endswith("_process")
    assert measured["peak_mb"] > 1


def test_measurements_are_kept_and_shown_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    earlier, later = tmp_path / "earlier.json", tmp_path / "later.json"
    earlier.write_text(json.dumps({"tiny": everything()["tiny"]}))

    def run(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["benchmarks", *map(str, arguments)])
        assert command.main() == 0
        return capfd.readouterr().out

    shown = run("--read", earlier, "--only", "--svg", tmp_path / "chart.svg")
    assert "| tiny | rustboard | 1.000 | 7,000 | 100 |" in shown
    assert "A sweep" in (tmp_path / "chart.svg").read_text()
    run("--logs", root, "--scale", SCALE, "--json", later,
        "--only", "tiny", "--contender", "walk", "tbtools_survey")  # fmt: skip
    kept = json.loads(later.read_text())
    assert kept["tiny"].keys() == {"walk", "tbtools_survey"}
    assert kept["tiny"]["walk"].keys() == {"seconds", "rows", "peak_mb", "bytes", "files"}
    assert run("--read", later, "--scale", SCALE, "--only").count("| tiny |") == 2


def test_a_server_is_complete_when_the_last_series_of_each_run_ends_as_in_the_log(
    root: Path,
) -> None:
    log = Log.read(make("many", root, SCALE))
    assert log.last == dict.fromkeys(("seed_000", "seed_001"), ("train/metric_19", 499))
    assert log.runs == log.last.keys() == {*log.asked()}
    log = Log.read(make("tiny", root, SCALE))
    assert {*log.last.values()} == {("test/accuracy", 1_000)}
    runs = sorted(log.runs)
    assert len(runs) == 70
    assert [log.asked()[0], log.asked()[-1]] == [runs[-1], runs[0]]
    assert len({*log.asked()}) == 20


@pytest.mark.parametrize(
    ("peer", "theirs", "samples", "verdict"),
    [
        (STOCK, Measured(1, 1, 50, 10, 10), "all", "50.0 | 0.1 | 0.1 |  |"),
        (STOCK, Measured(1, 1, 49, 10, 10), "default", "49.0 | 0.1 | 0.1 | missed |"),
        (STOCK, Measured(1, 1, float("inf"), 10, 10), "default", "60.0 | 0.1 | 0.1 |  |"),
        (RUSTBOARD, Measured(1, 1, 1, 200, 200), "all", "1.0 | 2.0 | 2.0 |  |"),
        (RUSTBOARD, Measured(1, 1, 0.9, 200, 200), "default", "0.9 | 2.0 | 2.0 | missed |"),
        (RUSTBOARD, Measured(1, 1, 1, 199, 200), "all", "1.0 | 2.0 | 2.0 | missed |"),
        (RUSTBOARD, Measured(1, 1, 1, 200, 199), "all", "1.0 | 2.0 | 2.0 | missed |"),
        (RUSTBOARD, Measured(1, 1, 1, 100, 100), "default", "1.0 | 1.0 | 1.0 |  |"),
    ],
)
def test_a_target_is_missed_by_a_server_that_is_later_or_heavier(
    peer: str, theirs: Measured, samples: str, verdict: str
) -> None:
    found = {peer: theirs, OURS: Measured(1, 1, 1, 100, 100)}
    lines, are_met = rows("long", samples, found, patience=60)
    assert lines[0].endswith(f"| {verdict}")
    assert are_met is ("missed" not in verdict)
    assert "missed" not in lines[1]
    assert rows("long", samples, {peer: theirs}, patience=60)[1]
