"""Rules that the whole code base keeps."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

import tbtools

PACKAGE = ROOT / "tbtools"
GENERATED = ("_pb2.py", "_pb2.pyi", "_core.pyi")

#: Modules by layer; a module imports from its own layer's lower neighbours only.
LAYERS = [
    {"tbtools", "errors", "_core", "health"},
    {"schema", "proto", "storage", "image_headers", "jsontext", "choice"},
    {"logdir", "events", "tensor_values"},
    {"graph_attrs", "graph_columns", "graph_defs", "keras_json", "op_outputs"},
    {"kinds", "payloads", "rows"},
    {"routing"},
    {"survey"},
    {"restarts"},
    {"projector"},
    {"reading"},
    {"sources"},
    {"catalog", "dataset", "exported"},
    {"views"},
    {"query"},
    {"logs"},
    {"table_writers", "targets", "safe_names", "sorting", "wide", "listing"},
    {"export", "graph", "media"},
    {"cli"},
    {"__main__"},
]

HEAVY = {"pyarrow", "duckdb", "polars", "pandas", "rich", "google"}


def sources() -> list[Path]:
    """Our own Python files."""
    return [path for path in PACKAGE.rglob("*.py") if not path.name.endswith(GENERATED)]


def layer_of(module: str) -> int | None:
    """The layer of a module of tbtools, by the first part of its name."""
    return next((index for index, names in enumerate(LAYERS) if module in names), None)


def imports_of(path: Path) -> set[str]:
    """First parts of the modules of tbtools that a file imports when it is itself imported."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module == "tbtools":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tbtools."):
            found.add(str(node.module).split(".")[1])
    return found


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py").replace("__init__", "tbtools")
    layer = layer_of(own)
    assert layer is not None, f"{own} is in no layer: add it to LAYERS"
    for module in imports_of(path) - {own, "__version__"}:
        other = layer_of(module)
        assert other is not None, module
        assert other < layer or (other == layer and own != "tbtools"), f"{own} imports {module}"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_are_short_and_documented(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", sorted((PACKAGE / "cpp").glob("**/*.[ch]*")), ids=lambda p: p.name)
def test_sources_of_the_core_are_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_is_public_has_a_docstring(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
            for each in node.body:
                if isinstance(each, ast.FunctionDef) and not each.name.startswith("_"):
                    assert ast.get_docstring(each), f"{node.name}.{each.name}"
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_all_is_sorted_and_true(path: Path) -> None:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    if path.parent.name == "proto" or path.name == "__main__.py":
        return
    module = importlib.import_module(name)
    names = getattr(module, "__all__", [])
    key = lambda each: (not each.isupper(), not each[0].isupper(), each)  # noqa: E731 - as ruff has it
    assert list(names) == sorted(names, key=key)
    for each in names:
        getattr(module, each)


def test_the_public_names_are_these() -> None:
    for name in tbtools.__all__:
        assert inspect.getdoc(getattr(tbtools, name)), name
    # Importing the module of a verb must not hide the verb.
    importlib.import_module("tbtools.export")
    assert callable(tbtools.export)
    with pytest.raises(AttributeError, match="nothing"):
        _ = tbtools.nothing


def test_importing_tbtools_is_cheap() -> None:
    code = f"import sys, tbtools; assert not {HEAVY!r} & set(sys.modules)"
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


def test_the_stub_of_the_core_is_up_to_date(tmp_path: Path) -> None:
    target = tmp_path / "_core.pyi"
    arguments = ["-m", "nanobind.stubgen", "-q", "-m", "tbtools._core", "-o", str(target)]
    subprocess.run([sys.executable, "-P", *arguments], check=True, cwd=tmp_path)
    assert target.read_text() == (PACKAGE / "_core.pyi").read_text()


def test_nothing_names_this_machine() -> None:
    words = ("/work/", "/opt/", "/home/", "/root/")
    for path in [*sources(), *ROOT.glob("docs/*"), ROOT / "README.md", ROOT / "pyproject.toml"]:
        if path.is_file():
            text = path.read_text("utf-8")
            assert not [word for word in words if word in text], path
