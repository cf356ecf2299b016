"""TensorBoard event files as Arrow and Parquet tables."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "DamageError",
    "Logs",
    "NothingFoundError",
    "QueryError",
    "TargetExistsError",
    "TbtoolsError",
    "UnknownNameError",
    "UsageError",
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
    )
    from tbtools.export import export
    from tbtools.logs import Logs, open, query

_HOMES = {"Logs": "logs", "open": "logs", "query": "logs", "export": "export"}


def __getattr__(name: str) -> Any:
    # pyarrow takes a while to import: `tbtools --help` must not wait for it.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"{__name__}.{_HOMES.get(name, 'errors')}")
    return getattr(home, name)


class _Package(ModuleType):
    """Keeps ``tbtools.export`` the function when the module of that name is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
