"""A few of the logs that compare_damage_with_oracle.py makes thousands of."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import compare_damage_with_oracle as compare
import oracle
import pytest


def test_damaged_logs_are_read_as_the_oracle_reads_them(tmp_path: Path) -> None:
    assert compare.differences(range(1, 41), tmp_path) == []


def test_a_difference_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "_find_header", lambda data, at: None)
    seeds = {seed for seed, _ in compare.differences(range(1, 31), tmp_path)}
    assert len(seeds) > 5


def test_the_logs_have_damage_of_every_kind_and_what_is_intact_beside_it() -> None:
    readings = [oracle.read(compare.damaged_log(seed)) for seed in range(1, 101)]
    kinds = Counter(damage.kind for reading in readings for damage in reading.damages)
    assert set(kinds) == {"bad_data", "bad_event", "bad_length", "torn"}
    assert min(kinds.values()) > 2
    assert sum(reading.pending > 0 for reading in readings) > 2
    assert sum(len(reading.events) for reading in readings) > 1000
