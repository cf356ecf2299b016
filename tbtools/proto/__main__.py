"""Compile the .proto files beside this module. Needs the grpcio-tools that pyproject.toml pins."""

from __future__ import annotations

import sys
from pathlib import Path

from grpc_tools import protoc

FOLDER = Path(__file__).parent


def compile_protos(target: Path) -> None:
    """Write the _pb2.py and _pb2.pyi of every .proto under ``target``/tbtools/proto."""
    root = FOLDER.parent.parent
    sources = sorted(path.relative_to(root).as_posix() for path in FOLDER.glob("*.proto"))
    well_known = Path(protoc.__file__).parent / "_proto"
    status = protoc.main(
        [
            "protoc",
            f"--proto_path={root}",
            f"--proto_path={well_known}",
            f"--python_out={target}",
            f"--pyi_out={target}",
            *sources,
        ]
    )
    if status:
        raise SystemExit(status)


if __name__ == "__main__":
    compile_protos(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER.parent.parent)
