"""TensorBoard event files as Arrow and Parquet tables."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tbtools.version import __version__ as __version__

__all__ = [
    "DamageError",
    "Logs",
    "NothingFoundError",
    "QueryError",
    "TargetExistsError",
    "TbtoolsError",
    "UnknownNameError",
    "UsageError",
    "WriteError",
    "export",
    "open",
    "query",
]

if TYPE_CHECKING:
    from tbtools.errors import (
        DamageError,
        NothingFoundError,
        QueryError,
        TargetExistsError,
        TbtoolsError,
        UnknownNameError,
        UsageError,
        WriteError,
    )
    from tbtools.tables.logs import Logs, open
    from tbtools.verbs.export import export
    from tbtools.verbs.query import query

_HOMES = {
    "Logs": "tables.logs",
    "export": "verbs.export",
    "open": "tables.logs",
    "query": "verbs.query",
}


def __getattr__(name: str) -> Any:
    # pyarrow takes a while to import: `tbtools --help` must not wait for it.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"{__name__}.{_HOMES.get(name, 'errors')}")
    return getattr(home, name)
