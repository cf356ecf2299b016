"""``import``: tables in files of other formats → event files. In Python ``import_files``, since
``import`` is a word of the language.
"""

from __future__ import annotations

from tbtools.verbs.imports.verb import import_files, imported_bytes

__all__ = ["import_files", "imported_bytes"]
