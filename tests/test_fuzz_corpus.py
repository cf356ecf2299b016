"""The fuzz targets' corpus: read as the oracle reads it, and replayed with sanitizers."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import oracle
import pytest
from driver import assert_agrees, drive

HERE = Path(__file__).parent
CORPUS = HERE / "fuzz_corpus"
INPUTS = sorted((CORPUS / "scan").iterdir())
PAYLOADS = sorted((CORPUS / "payloads").iterdir())


def file_of(seed: bytes) -> bytes:
    """The file that the fuzz target makes of an input: with good CRCs if the first byte asks so."""
    file = bytearray(seed[2:])
    at = 0
    while seed and seed[0] & 1 and len(file) - at >= 16:
        length = min(int.from_bytes(file[at : at + 8], "little"), len(file) - at - 16)
        file[at : at + 8] = struct.pack("<Q", length)
        for begin, end in ((at, at + 8), (at + 12, at + 12 + length)):
            file[end : end + 4] = struct.pack("<I", oracle.masked_crc(file[begin:end]))
        at += length + 16
    return bytes(file)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name)
def test_every_input_is_read_as_the_oracle_reads_it(path: Path) -> None:
    file = file_of(path.read_bytes())
    reading = oracle.read(file)
    assert_agrees(drive(file), reading)
    assert_agrees(drive(file, [12, 40, 100]), reading)
    assert_agrees(drive(file, salvage=True), reading)
    assert_agrees(drive(file, [12, 40, 100], salvage=True), reading)


def test_the_corpus_is_small() -> None:
    assert 20 < len(INPUTS) < 60
    assert 5 < len(PAYLOADS) < 60
    assert max(path.stat().st_size for path in INPUTS + PAYLOADS) <= 4096


def test_the_seeds_are_those_that_their_script_makes(tmp_path: Path) -> None:
    script = tmp_path / "fuzz_corpus" / "make_seeds.py"
    script.parent.mkdir()
    shutil.copy(CORPUS / "make_seeds.py", script)
    for module in ("event_writing.py", "long_crc.py", "oracle.py"):
        shutil.copy(HERE / module, tmp_path)
    subprocess.run([sys.executable, script], check=True)
    for folder, inputs in {"scan": INPUTS, "payloads": PAYLOADS}.items():
        made = {path.name: path.read_bytes() for path in (script.parent / folder).iterdir()}
        kept = {
            path.name: path.read_bytes() for path in inputs if not path.name.startswith("found_")
        }
        assert made == kept


def test_the_fuzz_targets_build_and_replay_the_corpus(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    cmake, compiler = shutil.which("cmake"), shutil.which("g++") or shutil.which("clang++")
    if cmake is None or compiler is None:
        pytest.skip("there is no cmake or no C++ compiler")
    assert pytestconfig.cache is not None
    build = pytestconfig.cache.mkdir("fuzz")  # kept, so that only what changed is built again
    configure = [cmake, "-S", HERE.parent / "tbtools" / "cpp", "-B", build, "-DTBTOOLS_FUZZ=ON",
                 f"-DCMAKE_CXX_COMPILER={compiler}", "-DCMAKE_BUILD_TYPE=Debug",
                 "-DCMAKE_UNITY_BUILD=ON"]  # fmt: skip
    for command in (configure, [cmake, "--build", build, "--parallel", "2"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    for name, inputs in {"scan": INPUTS, "payloads": PAYLOADS}.items():
        replay = build / f"fuzz_{name}"
        done = subprocess.run([replay, CORPUS / name], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert f"{len(inputs)} inputs replayed" in done.stdout
        nothing = subprocess.run([replay, tmp_path], capture_output=True, check=False)
        assert nothing.returncode == 2
