"""The manifest of an exported dataset: what says that a folder is one, and what is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tbtools.errors import UsageError

__all__ = ["MANIFEST", "is_exported", "read_manifest"]

#: Written last; a folder that has none is no dataset.
MANIFEST = "manifest.json"


def is_exported(path: str) -> bool:
    """Whether a dataset that tbtools wrote, or what is left of one, is at ``path``."""
    try:
        manifest = json.loads((Path(path) / MANIFEST).read_text("utf-8"))
    except OSError:
        return False
    except ValueError:
        return any(Path(path).glob("*/part-*"))
    return isinstance(manifest, dict) and "tbtools" in manifest


def read_manifest(path: str) -> dict[str, Any]:
    """The manifest of the dataset at ``path``. Raises UsageError if it is not one of tbtools."""
    file = Path(path) / MANIFEST
    try:
        manifest = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}") from None
    except ValueError as error:  # not UTF-8, not JSON
        raise UsageError(f"{file} is broken, export again: {error}") from None
    if not isinstance(manifest, dict) or "tbtools" not in manifest:
        raise UsageError(f"{file} is not the manifest of a dataset that tbtools exported")
    return manifest
