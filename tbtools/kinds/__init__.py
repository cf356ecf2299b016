"""Kinds of data, a module (or folder) each: payloads → the columns of its tables.

A kind is whatever in this folder defines ``KIND``; it is found by being there.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

from tbtools.decode.kind import UNCLAIMED, Kind, TableSpec

__all__ = ["all_kinds", "table_specs"]


@cache
def all_kinds() -> tuple[Kind, ...]:
    """Every kind, sorted by the name of its module."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(_kind_of(importlib.import_module(f"{__name__}.{name}")) for name in names)


def _kind_of(module: Any) -> Kind:
    kind: Kind = module.KIND
    return kind


@cache
def table_specs() -> Mapping[str, TableSpec]:
    """Every table that is read from event files, sorted by name but for ``events``, the last."""
    specs = [spec for kind in all_kinds() for spec in kind.tables]
    return {spec.name: spec for spec in [*sorted(specs, key=lambda spec: spec.name), UNCLAIMED]}
