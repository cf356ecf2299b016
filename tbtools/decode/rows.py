"""Rows that a kind makes one by one → the columns of a table.

For tables of few rows, such as hyperparameters; what comes in millions is better made of arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tbtools.decode.kind import TableSpec
from tbtools.schema import KEYS

__all__ = ["Rows"]


class Rows:
    """Rows of one table, and the event that each comes from."""

    def __init__(self, spec: TableSpec) -> None:
        keys = {field.name for field in KEYS}
        self.name = spec.name
        self._origins: list[int] = []
        self._types = {field.name: field.type for field in spec.schema if field.name not in keys}
        self._columns: dict[str, list[Any]] = {name: [] for name in self._types}

    def add(self, origin: int, **values: Any) -> None:
        """A row from the event of this index; columns that are not given are null."""
        self._origins.append(origin)
        for name, column in self._columns.items():
            column.append(values.pop(name, None))
        assert not values, f"{self.name} has no columns {list(values)}"

    def made(self) -> dict[str, tuple[pa.Array, Mapping[str, pa.Array]]]:
        """What belongs into Decoded.tables; nothing if there are no rows."""
        if not self._origins:
            return {}
        columns = {
            name: pa.array(values, self._types[name]) for name, values in self._columns.items()
        }
        return {self.name: (pa.array(self._origins, pa.int64()), columns)}
