"""Text → values, as SQL: what ``output/writers.py`` and ``output/json_text.py`` made text of."""

from __future__ import annotations

import pyarrow as pa

__all__ = ["from_text", "quoted"]


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def from_text(name: str, kind: pa.DataType, is_time: bool = False) -> str:
    """An expression for the value that the text in a column stands for: JSON if it is nested.

    Bytes are base64. A time may also be a date and time of day (in UTC, if it does not say).
    """
    text = quoted(name)
    if is_time:
        date = f"epoch(CAST({text} AS TIMESTAMPTZ))"
        if_naive = f"epoch(TRY_CAST({text} AS TIMESTAMP))"
        number = f"TRY_CAST({text} AS DOUBLE)"
        return f"coalesce({number}, {if_naive}, {date})"
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind):
        return text
    if pa.types.is_binary(kind):
        return f"from_base64({text})"
    if pa.types.is_map(kind):
        pairs = f"CAST({text}::JSON AS VARCHAR[][])"
        return (
            f"map_from_entries(list_transform({pairs}, "
            "lambda pair: struct_pack(key := pair[1], value := pair[2])))"
        )
    if pa.types.is_list(kind) and pa.types.is_binary(kind.value_type):
        strings = f"CAST({text}::JSON AS VARCHAR[])"
        return f"list_transform({strings}, lambda string: from_base64(string))"
    if pa.types.is_nested(kind):
        return f"CAST({text}::JSON AS {_sql_type(kind)})"
    return f"CAST({text} AS {_sql_type(kind)})"


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_sql_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        fields = (f"{quoted(field.name)} {_sql_type(field.type)}" for field in kind)
        return f"STRUCT({', '.join(fields)})"
    if pa.types.is_floating(kind):
        return "DOUBLE"
    if pa.types.is_integer(kind):
        return "BIGINT"
    return "BOOLEAN" if pa.types.is_boolean(kind) else "VARCHAR"
