"""Embeddings: the projector's files in a run's folder → rows.

Source: docs/format.md, "Projector". Which files there are says ``projector_config.pbtxt``, and
that is not trusted: a path that leaves its folder is refused, as TensorBoard does since 2.21.
What cannot be read is told as (path, reason); nothing is raised.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
from google.protobuf import text_format

from tbtools.decode.kind import column, table
from tbtools.decode.routing import labels
from tbtools.files.discovery import Run
from tbtools.files.storage import Entry, Storage
from tbtools.proto.plugins_pb2 import EmbeddingInfo, ProjectorConfig
from tbtools.schema import LABEL

__all__ = ["CONFIG", "EMBEDDINGS", "FOLDERS", "Problems", "read_embeddings"]

EMBEDDINGS = table(
    "embeddings",
    "A row per vector of the embeddings that the projector shows. They are in files of their own "
    "beside the event files; those in checkpoints of TensorFlow are not read.",
    column("name", LABEL, "Name of the embedding.", nullable=False),
    column("row", pa.int64(), "Number of the vector in its file, from 0.", nullable=False),
    column("vector", pa.list_(pa.float64()), "Its numbers, as written.", nullable=False),
    column(
        "metadata",
        pa.string(),
        "What the metadata file says of the vector: its label, or if the file has several columns "
        "a JSON object of them; null if it says nothing.",
    ),
    keys=("run",),
)

#: Where a reader notes what it could not read: (path, reason).
Problems = list[tuple[str, str]]

CONFIG = "projector_config.pbtxt"
FOLDERS = ((), ("plugins", "org_tensorflow_tensorboard_projector"))  # of a run, that may hold it

PIECE = 1 << 20  # bytes read at a time
MOST_CONFIG = 1 << 24  # bytes; PyTorch's configs grow by a hundred bytes for each embedding
MOST_LINE = 1 << 26  # bytes of one vector or one line of metadata
BATCH_NUMBERS = 1 << 17
BATCH_ROWS = 1 << 13

NUMERIC = b"0123456789+-.eE \t\r\nnaifyNAIFTY"  # what lines of numbers consist of; nan, inf too


class _UnreadableError(Exception):
    """A file cannot be read, and why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.noted = (path, reason)


def read_embeddings(run: Run, problems: Problems | None = None) -> Iterator[pa.RecordBatch]:
    """The vectors of a run's embeddings, in the order of its config; few runs have any.

    What could not be read is added to ``problems``.
    """
    noted: Problems = [] if problems is None else problems
    files = _Files(run.files[0].storage)
    for names in FOLDERS:
        try:
            folder = files.folder(run.path, names)
            entry = files.entry(folder, CONFIG) if folder is not None else None
            if folder is None or entry is None or entry.is_folder:
                continue
            config = _config(files.storage, entry)
        except _UnreadableError as problem:
            noted.append(problem.noted)
            continue
        if config.model_checkpoint_path and not config.embeddings:
            noted.append((entry.path, "names only a checkpoint, which tbtools does not read"))
        for embedding in config.embeddings:
            yield from _Embedding(run.name, files, folder, entry.path, embedding).read(noted)


# --- files ---------------------------------------------------------------------------------------


class _Files:
    """A storage whose folders are listed once: PyTorch makes one for each embedding."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._listed: dict[str, dict[str, Entry]] = {}

    def entry(self, folder: str, name: str) -> Entry | None:
        """What has this name in a folder; None if nothing has."""
        if folder not in self._listed:
            try:
                entries = self.storage.entries(folder)
            except OSError as error:
                raise _UnreadableError(folder, error.strerror or str(error)) from None
            self._listed[folder] = {entry.name: entry for entry in entries}
        return self._listed[folder].get(name)

    def folder(self, path: str, names: tuple[str, ...]) -> str | None:
        """The folder of these names below ``path``; None if there is none."""
        top = self.storage.entry(path)
        if top is None or not top.is_folder:
            return None  # a run that is one event file
        for name in names:
            entry = self.entry(path, name)
            if entry is None or not entry.is_folder:
                return None
            path = entry.path
        return path


def _pieces(storage: Storage, path: str, size: int = PIECE) -> Iterator[bytes]:
    """The bytes of a file, ``size`` at a time."""
    try:
        with closing(storage.open(path)) as source:
            buffer = bytearray(size)
            offset = 0
            while count := source.read_into(offset, memoryview(buffer)):
                yield bytes(memoryview(buffer)[:count])
                offset += count
    except OSError as error:
        raise _UnreadableError(path, error.strerror or str(error)) from None


def _lines(storage: Storage, path: str) -> Iterator[bytes]:
    """The lines of a file, without what ends them."""
    left = b""
    for piece in _pieces(storage, path):
        first, *rest = piece.split(b"\n")
        left += first
        for following in rest:
            yield left.removesuffix(b"\r")
            left = following
        if len(left) > MOST_LINE:
            raise _UnreadableError(path, f"a line of more than {MOST_LINE} bytes")
    if left:
        yield left.removesuffix(b"\r")


def _config(storage: Storage, entry: Entry) -> ProjectorConfig:
    if entry.size > MOST_CONFIG:
        raise _UnreadableError(
            entry.path, f"{entry.size} bytes are too many for a projector's config"
        )
    content = b"".join(_pieces(storage, entry.path))
    try:
        return text_format.Parse(content.decode(), ProjectorConfig(), allow_unknown_field=True)
    except (text_format.ParseError, ValueError, RecursionError) as error:
        raise _UnreadableError(entry.path, f"not a projector's config: {error}") from None


# --- one embedding -------------------------------------------------------------------------------


class _Embedding:
    """The vectors and the metadata of one embedding."""

    def __init__(
        self, run: str, files: _Files, folder: str, config: str, info: EmbeddingInfo
    ) -> None:
        self._run = run
        self._files = files
        self._folder = folder
        self._config = config
        self._info = info
        self._name = info.tensor_name or re.split(r"[/\\]", info.tensor_path)[-1]
        self._has_metadata = bool(info.metadata_path)

    def read(self, problems: Problems) -> Iterator[pa.RecordBatch]:
        """Its rows; what cannot be read is noted."""
        batch = _Batch(self._run, self._name)
        try:
            for row, vector, metadata in self._rows(problems):
                batch.add(row, vector, metadata)
                if batch.is_full:
                    yield batch.take()
        except _UnreadableError as error:
            problems.append(error.noted)
        if len(batch):
            yield batch.take()

    def _rows(self, problems: Problems) -> Iterator[tuple[int, array[float], str | None]]:
        if not self._info.tensor_path:
            reason = f"the embedding {self._name!r} is in a checkpoint, which tbtools does not read"
            raise _UnreadableError(self._config, reason)
        metadata = self._metadata(problems)
        count = missing = 0
        for vector in self._vectors(problems):
            text = next(metadata, None)
            missing += text is None
            if vector is not None:
                yield count, vector, text
            count += 1
        more = next(metadata, None) is not None
        if self._has_metadata and (more or missing):
            reason = f"not one line of {self._info.metadata_path!r} for each of {count} vectors"
            problems.append((self._config, reason))

    def _find(self, path: str) -> Entry:
        """The file that a path of the config means."""
        # Absolute paths are what TF1's tutorials write.
        for base in (self._folder, str(Path(self._folder).absolute())):
            path = path.removeprefix(base + "/")
        reason = f"{path!r} leads out of this folder, and is not followed"
        outside = _UnreadableError(self._config, reason)
        if path.startswith(("/", "\\")):
            raise outside
        names: list[str] = []
        for name in re.split(r"[/\\]", path):
            if name == ".." and not names:
                raise outside
            if name == "..":
                names.pop()
            elif name not in ("", "."):
                names.append(name)
        found: Entry | None = None
        folder = self._folder
        for name in names:
            found = self._files.entry(folder, name)
            if found is None:
                break
            if found.is_link:
                raise outside  # or not: a storage does not tell where a link leads
            folder = found.path
        if found is None or found.is_folder:
            raise _UnreadableError(self._config, f"there is no file {path!r}")
        return found

    def _vectors(self, problems: Problems) -> Iterator[array[float] | None]:
        """The vectors; None in place of one that cannot be read."""
        entry = self._find(self._info.tensor_path)
        first = next(_pieces(self._files.storage, entry.path, 4096), b"")
        shape = list(self._info.tensor_shape)
        if not first.translate(None, NUMERIC):
            yield from self._of_text(entry, problems)
        elif len(shape) == 2 and math.prod(shape) * 4 == entry.size:
            yield from self._of_floats(entry, shape[1])
        elif _is_text(first):
            yield from self._of_text(entry, problems)
        else:
            reason = f"neither lines of numbers nor float32 of the shape {shape} in the config"
            raise _UnreadableError(entry.path, reason)

    def _of_text(self, entry: Entry, problems: Problems) -> Iterator[array[float] | None]:
        """A vector a line, its numbers separated by tabs. All must be as long as the first."""
        length: int | None = None
        bad = first_bad = 0
        for number, line in enumerate(_lines(self._files.storage, entry.path), 1):
            if not line.strip():
                continue
            try:
                vector = array("d", map(float, line.split(b"\t")))
            except ValueError:
                vector = array("d")
            length = length or len(vector)
            if len(vector) == length and length:
                yield vector
            else:
                bad += 1
                first_bad = first_bad or number
                yield None
        if bad:
            reason = f"lines that are not a vector like the others: {bad}, first line {first_bad}"
            problems.append((entry.path, reason))

    def _of_floats(self, entry: Entry, length: int) -> Iterator[array[float]]:
        """Vectors of this length, one after the other, little-endian."""
        size = length * 4
        if size > MOST_LINE:
            raise _UnreadableError(entry.path, f"a vector of more than {MOST_LINE} bytes")
        for piece in _pieces(self._files.storage, entry.path, size * max(1, PIECE // size)):
            for start in range(0, len(piece) - size + 1, size):
                yield array("d", array("f", piece[start : start + size]))

    def _metadata(self, problems: Problems) -> Iterator[str]:
        """What is said of each vector in turn."""
        if not self._info.metadata_path:
            return
        names: list[str] | None = None
        try:
            entry = self._find(self._info.metadata_path)
            for number, line in enumerate(_lines(self._files.storage, entry.path)):
                text = line.decode(errors="replace")
                if number == 0 and "\t" in text:
                    names = text.split("\t")  # only several columns have names
                else:
                    yield text if names is None else _columns(names, text.split("\t"))
        except _UnreadableError as error:
            self._has_metadata = False
            problems.append(error.noted)


def _is_text(first: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(first)
    except UnicodeDecodeError:
        return False
    return True


def _columns(names: list[str], cells: list[str]) -> str:
    """The cells of a line of metadata as a JSON object."""
    names = names + [f"column {number}" for number in range(len(names) + 1, len(cells) + 1)]
    return json.dumps(dict(zip(names, cells, strict=False)), ensure_ascii=False)


class _Batch:
    """Rows on their way into a batch."""

    def __init__(self, run: str, name: str) -> None:
        self._run = run
        self._name = name
        self._clear()

    def _clear(self) -> None:
        self._rows: list[int] = []
        self._metadata: list[str | None] = []
        self._numbers = array("d")
        self._offsets = [0]

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def is_full(self) -> bool:
        return len(self._rows) >= BATCH_ROWS or len(self._numbers) >= BATCH_NUMBERS

    def add(self, row: int, vector: array[float], metadata: str | None) -> None:
        self._rows.append(row)
        self._metadata.append(metadata)
        self._numbers.extend(vector)
        self._offsets.append(len(self._numbers))

    def take(self) -> pa.RecordBatch:
        """The rows so far, which are then gone from here."""
        count = len(self._rows)
        numbers = pa.Array.from_buffers(
            pa.float64(), len(self._numbers), [None, pa.py_buffer(self._numbers)]
        )
        vectors = pa.ListArray.from_arrays(pa.array(self._offsets, pa.int32()), numbers)
        columns = [
            labels(self._run, count),
            labels(self._name, count),
            pa.array(self._rows, pa.int64()),
            vectors,
            pa.array(self._metadata, pa.string()),
        ]
        self._clear()
        return pa.RecordBatch.from_arrays(columns, schema=EMBEDDINGS.schema)
