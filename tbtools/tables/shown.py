"""Tables as notebooks show them. Text comes from logs, so it is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import pyarrow as pa

from tbtools.schema import plain_schema

__all__ = ["html_of_rows", "html_of_table"]


def html_of_table(name: str, schema: pa.Schema) -> str:
    """What a table is: its columns, their types and meanings."""
    docs = [(field.metadata or {}).get(b"doc", b"").decode() for field in schema]
    rows = [
        (field.name, str(field.type), doc)
        for field, doc in zip(plain_schema(schema), docs, strict=True)
    ]
    return html_of_rows(f"tbtools table {name}", ("column", "type", "what"), rows)


def html_of_rows(title: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with a title; every cell is escaped."""
    lines = [f"<p>{escape(title)}</p>", "<table><thead><tr>"]
    lines += [f"<th>{escape(name)}</th>" for name in names]
    lines.append("</tr></thead><tbody>")
    for row in rows:
        cells = "".join(f"<td>{escape(str(cell))}</td>" for cell in row)
        lines.append(f"<tr>{cells}</tr>")
    lines.append("</tbody></table>")
    return "\n".join(lines)
