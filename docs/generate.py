"""Write docs/tables.md and docs/cli.md: ``python docs/generate.py``. A test compares them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa

from tbtools.decode.kind import TableSpec
from tbtools.tables.logdir import all_specs
from tbtools.tables.views import VIEWS
from tbtools.tables.views.specs import DOWNSAMPLE

FOLDER = Path(__file__).parent

CLI_HEADER = """# The command line

Data goes to stdout, everything else to stderr. This page is made from `--help`
(`python docs/generate.py`).
"""

TABLES_HEADER = """# Tables

What an event file holds, as tables. `run`, `tag` and other labels are dictionary-encoded strings,
`step` is what the writer gave, `wall_time` is in seconds since the epoch, exactly as written
(`to_timestamp(wall_time)` in SQL). A table appears in an export if it has rows. This page is made
from the registry of kinds (`python docs/generate.py`).
"""


def type_name(kind: pa.DataType) -> str:
    """A type as people write it."""
    if pa.types.is_dictionary(kind):
        return type_name(kind.value_type)
    if pa.types.is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(f'{each.name} {type_name(each.type)}' for each in kind)}>"
    if pa.types.is_map(kind):
        return f"map<{type_name(kind.key_type)}, {type_name(kind.item_type)}>"
    return {"double": "float64", "float": "float32"}.get(str(kind), str(kind))


VIEWS_HEADER = """
# Views

What people compute of the tables, each with its formula. `tbtools query` knows them like tables
(`SELECT * FROM stats`), the library has them as `logs.view("stats")`, in logdirs and in exported
datasets alike. They are made of the rows that were chosen (`--run`, `--steps`, `--restarts`), and
only when a statement names them. In an exported dataset rows are sorted, so "in the order of
writing" is by step there.
"""

FUNCTIONS_HEADER = """
# Table functions

What takes arguments: for SQL only (`tbtools query`, `logs.query`).
"""

KEY_DOCS = {
    "run": "Folder of the run, relative to the logdir.",
    "tag": "As written.",
    "step": "As written.",
    "wall_time": "Seconds since the epoch, as written.",
}


def tables_page() -> str:
    """docs/tables.md."""
    tables = [section(spec) for spec in all_specs().values()]
    views = [section(spec) for spec, _ in VIEWS.values()]
    functions = [section(DOWNSAMPLE)]
    return "".join([TABLES_HEADER, *tables, VIEWS_HEADER, *views, FUNCTIONS_HEADER, *functions])


def section(spec: TableSpec) -> str:
    """A table or view: what it is, and its columns."""
    parts = [f"\n## {spec.name}\n\n{spec.doc}\n\n| column | type | |\n|---|---|---|\n"]
    for field in spec.schema:
        doc = (field.metadata or {}).get(b"doc", b"").decode() or KEY_DOCS[field.name]
        parts.append(f"| `{field.name}` | {type_name(field.type)} | {doc} |\n")
    return "".join(parts)


def help_of(*command: str) -> str:
    """What ``--help`` prints, on a terminal of 100 columns."""
    arguments = [sys.executable, "-P", "-m", "tbtools", *command, "--help"]
    width = {"COLUMNS": "100", "TERMINAL_WIDTH": "100"}
    done = subprocess.run(
        arguments, capture_output=True, text=True, check=True, env={**os.environ, **width}
    )
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip()


def commands() -> list[str]:
    """The names of all commands."""
    from tbtools.cli import app

    names = [
        each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands
    ]
    return [*names, *(str(group.name) for group in app.registered_groups)]


def cli_page() -> str:
    """docs/cli.md."""
    parts = [CLI_HEADER, f"\n```\n{help_of()}\n```\n"]
    for name in commands():
        parts.append(f"\n## tbtools {name}\n\n```\n{help_of(name)}\n```\n")
    return "".join(parts)


PAGES = {"tables.md": tables_page, "cli.md": cli_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")
