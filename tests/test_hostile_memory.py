"""Files that are made to hurt take little memory, whatever is asked of them."""

from __future__ import annotations

import gc
from pathlib import Path

import hostile
import pytest
from process_memory import is_told, resident

import tbtools
from tbtools.kinds import table_specs

SIZE = 16_000_000  # of which values without anything are eight million


@pytest.mark.skipif(not is_told, reason="only Linux tells the memory in use so simply")
@pytest.mark.parametrize("name", ["empty_values", "headers_of_2_GB", "nested", "no_events"])
def test_a_hostile_file_is_read_in_bounded_memory(name: str, tmp_path: Path) -> None:
    path = hostile.write(tmp_path, name, SIZE)
    tbtools.open(path.parent)["files"].to_table()
    gc.collect()
    before = resident()
    grown = 0
    for _ in tbtools.open(path.parent, threads=1).scan(table_specs()):
        grown = max(grown, resident() - before)
    assert grown < 100_000_000
