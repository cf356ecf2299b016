"""What a person holds: the tables of some logs, and the verbs as methods."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tbtools.tables.logs import TableSet

if TYPE_CHECKING:
    from tbtools.output.wide import Duplicates
    from tbtools.verbs.export import Exported, Format

__all__ = ["Logs", "open"]


class Logs(TableSet):
    """The tables and views of some logs, and what can be done with them."""

    def export(
        self,
        output: str | os.PathLike[str],
        *,
        format: Format = "parquet",
        tables: Iterable[str] | None = None,
        wide: bool = False,
        duplicates: Duplicates = "last",
        force: bool = False,
    ) -> Exported:
        """Write tables to files: see ``tbtools.export``."""
        from tbtools.verbs.export import export

        return export(
            self,
            output,
            format=format,
            tables=tables,
            wide=wide,
            duplicates=duplicates,
            force=force,
        )


open = Logs.open
