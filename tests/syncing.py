"""What the tests of ``sync`` share: a dataset compared with a fresh reading of its logdir."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

import tbtools
from tbtools.schema import plain

Tables = dict[str, list[str]]


def in_order(rows: pa.Table) -> pa.Table:
    """Rows by run, tag and step; those that agree in all three stay in their order."""
    keys = [name for name in ("run", "tag", "step") if name in rows.schema.names]
    index = pa.array(range(rows.num_rows), pa.int64())
    order = rows.select(keys).append_column("index", index)
    order = order.sort_by([(key, "ascending") for key in [*keys, "index"]])
    return rows.take(order["index"])


def tables_of(logs: Mapping[str, object], whole_order: bool = True) -> Tables:
    """The rows of every table that has any, as text: NaN is equal to itself there."""
    found = {}
    for name in logs:
        table = plain(logs[name].to_table())  # type: ignore[attr-defined]
        if table.num_rows:
            rows = list(map(repr, in_order(table).to_pylist()))
            found[name] = rows if whole_order else sorted(rows)
    return found


def assert_follows(dataset: Path, *logdirs: Path, whole_order: bool = True) -> None:
    """See that a dataset holds what a fresh reading gives, row for row."""
    expected = tables_of(tbtools.open(*logdirs), whole_order)
    found = tables_of(tbtools.open(dataset), whole_order)
    assert found.keys() == expected.keys()
    for name, rows in expected.items():
        assert found[name] == rows, name


def leftovers(dataset: Path) -> list[str]:
    """Files in a dataset that its manifest does not name."""
    from tbtools.tables.manifest import MANIFEST, read_manifest

    manifest = read_manifest(str(dataset))
    assert manifest is not None
    names = {path.relative_to(dataset).as_posix() for path in dataset.rglob("*") if path.is_file()}
    return sorted(names - manifest.files.keys() - {MANIFEST})
