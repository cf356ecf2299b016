"""Fuzzing of kinds, guided by coverage: ``python tests/fuzz_kinds.py [libFuzzer options]``.

It needs atheris (pip install atheris), which is no dependency of tbtools. An input is
the number of a kind, the number of a golden event of it, the length of the tag's metadata (0: that
of the golden event), the metadata, and the payload. It begins with the golden ones, and ends with
the first that a kind takes badly, which libFuzzer writes to a file: give that as an argument to see
it again.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["tbtools"]):
    from payload_pool import Entry, check_decoding, name_of, pool

    from tbtools.kinds import all_kinds

    all_kinds()  # which imports them

LONGEST = 4096


def test_one(data: bytes) -> None:
    """One input."""
    if len(data) < 3:
        return
    kind = all_kinds()[data[0] % len(all_kinds())]
    golden = pool()[name_of(kind)]
    field, metadata, _ = golden[data[1] % len(golden)]
    end = 3 + data[2]
    entry: Entry = (field, data[3:end] if data[2] else metadata, data[end:])
    check_decoding(kind, [entry])


def main() -> None:
    """Fuzz, beginning with the golden payloads."""
    with tempfile.TemporaryDirectory() as corpus:
        for number, kind in enumerate(all_kinds()):
            for index, (_, _, payload) in enumerate(pool()[name_of(kind)]):
                seed = bytes([number, index, 0]) + (payload or b"")[:LONGEST]
                (Path(corpus) / f"{name_of(kind)}-{index}").write_bytes(seed)
        has_input = any(Path(each).is_file() for each in sys.argv[1:])
        folders = [] if has_input else [corpus]
        atheris.Setup([*sys.argv, f"-max_len={LONGEST}", *folders], test_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
