"""One event file → scans of the native core: windows, damage, growth. The only caller of scan().

A file is read in windows of a few MiB. What damage costs is said in docs/format.md, under "Damage".
The core steps over what is damaged inside a window; what a window's end leaves open, and the other
policies, are decided here. What it was is kept in a FileHealth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import pyarrow as pa

from tbtools import _core
from tbtools.errors import DamageError
from tbtools.files.declared import Declared
from tbtools.files.discovery import EventFile
from tbtools.files.growth import ReaderState
from tbtools.files.health import Damage, FileHealth, note_writer
from tbtools.files.options import ScanOptions, name_set
from tbtools.files.packed import UnpackedSource, packed_with
from tbtools.files.storage import EMPTY, BoundedSource, Source

__all__ = ["EventReader", "OnDamage", "Progress", "ScanOptions", "name_set"]

OnDamage = Literal["skip", "stop", "fail"]

#: Told of bytes as they are read.
Progress = Callable[[int], None]

WINDOW = 1 << 20  # small enough for the processor's cache, large enough to hide a call
SMALL_WINDOW = 1 << 14  # to find the next wanted record behind an unwanted one
HEADER = 12  # bytes of a record before its payload
LARGE = 1 << 24  # bytes of a buffer that is not kept
MOST_UNPACKED = 1 << 27  # bytes of a record in a compressed copy,
MOST_PACKED = 8  # or so many times what the copy has

# A new buffer costs more than many a file that is read into it. Lists are safe to share.
_SPARE: list[bytearray] = []
MOST_SPARE = 8


class EventReader:
    """Reads one event file up to where it ended when it was listed.

    With ``follow``, up to where it ends now, and on from there when it has grown: see ``read``.

    ``on_damage`` says what a damaged stretch costs: ``skip`` goes on behind it, ``stop`` gives up
    the rest of the file, ``fail`` raises DamageError. ``offset`` is where the next scan begins.
    Between two scans ``skip_tags`` may be replaced.
    """

    def __init__(
        self,
        file: EventFile,
        health: FileHealth,
        options: ScanOptions | None = None,
        on_damage: OnDamage = "skip",
        progress: Progress | None = None,
        follow: bool = False,
    ) -> None:
        self.health = health
        self.offset = 0
        self.skip_tags: _core.NameSet | None = None
        self._file = file
        self._options = options or ScanOptions()
        self._plugins = name_set(self._options.plugins)
        self._head_plugins = name_set(self._options.head_plugins)
        self._declared = Declared()
        self._on_damage = on_damage
        self._progress = progress
        self._follow = follow
        self._source: Source = EMPTY
        self._is_open = False
        self._codec: str | None = None
        self._growing = False
        self._file_end: int | None = None  # found out only where a record may reach beyond it
        self._buffer = _SPARE.pop() if _SPARE else bytearray(WINDOW)
        self._begin = 0  # offset of the buffer's first byte
        self._filled = 0
        self._at_end = False  # nothing follows the buffer in the file
        self._widest = self._options.windows * WINDOW
        self._window = self._widest
        self._resume = 0  # inside the record at ``offset``: what a full batch left of it
        self._lost: tuple[int, str] | None = None  # where framing was lost, and how
        self._open: list[Damage] = []  # at the end of the file: to be judged again if it grows

    @property
    def metadata(self) -> dict[str, bytes]:
        """The first SummaryMetadata of each tag of this file, serialised."""
        return self._declared.metadata

    def state(self) -> ReaderState:
        """What ``resume`` needs, after a reading has come to its end."""
        place = (self.offset, self._resume, self._codec, self._lost, list(self._open))
        return ReaderState(*place, dict(self.metadata), self.health.copy())

    def resume(self, state: ReaderState) -> None:
        """Go on where the reader that had this state stopped, in another process perhaps."""
        self.offset, self._resume, self._codec = state.offset, state.resume, state.codec
        self._lost, self._open = state.lost, list(state.open)
        self.health = state.health.copy()
        self._declared.add(state.metadata)

    def window(self, begin: int, end: int) -> memoryview:
        """Bytes of the records that the last scan read, by their offsets; until the next scan."""
        return memoryview(self._buffer)[begin - self._begin : end - self._begin]

    def close(self) -> None:
        """Close the file and let go of the buffer. Reading again opens it again."""
        if len(self._buffer) == WINDOW and len(_SPARE) < MOST_SPARE:
            _SPARE.append(self._buffer)
        self._buffer = bytearray()
        self._begin = self._filled = 0
        self._source.close()
        self._is_open = False

    def read(self, growing: bool = False) -> Iterator[_core.Scan]:
        """Scans up to what is the end of the file now. May be called again when it has grown.

        With ``growing`` what stands at its end may be half written. Read so again and again, and
        without at last, a file gives what it gives if it is read once: docs/format.md, "Growth".

        Raises DamageError if anything is damaged and ``on_damage`` is ``fail``.
        """
        self._growing = growing
        try:
            if not self._is_open:
                source = self._file.storage.open(self._file.path)
                self._source = source if self._follow else BoundedSource(source, self._file.size)
                if self._codec is not None:
                    self._source = UnpackedSource(self._source, self._codec)
                self._is_open = True
            yield from self._read()
        except OSError as error:
            reason = error.strerror or str(error)
            if self._on_damage == "fail":
                raise DamageError(f"{self._file.path}: {reason}") from error
            self.health.unreadable = reason
            self.health.bytes = max(self.health.bytes, self.offset)

    def _read(self) -> Iterator[_core.Scan]:
        self.health.pending_bytes = 0
        while self._open:  # the file may have grown since
            self.health.retract(self._open.pop())
        self._at_end, self._file_end = False, None
        need: int | None = self._kept + 1 if self._begin <= self.offset <= self._end else 1
        while need is not None:
            with self._fill(need) as window:
                scan = self._scan(window)
            if not self._note_damage(scan):
                break
            self.health.events += scan.records
            self.health.unread_bytes += scan.unread
            self._note(scan)
            if len(self._buffer) > LARGE and not self._options.whole:
                self._shrink(scan.offset)
            yield scan
            before = self.offset
            need = self._go_on(scan)
            del scan  # and what it holds, before the next is made
            if self._progress is not None:
                self._progress(self.offset - before)
        if isinstance(self._source, UnpackedSource) and self._source.has_broken(self._growing):
            self._damaged_for_now(Damage(self._end, 0, "stream"))
        self.health.bytes = self._rest(0)
        if not self._follow and not self._codec and self.health.bytes < self._file.size:
            raise OSError("it became shorter when it was read")

    @property
    def _end(self) -> int:
        return self._begin + self._filled

    @property
    def _kept(self) -> int:
        """Bytes of the buffer from ``offset`` on."""
        return self._end - self.offset

    def _scan(self, window: memoryview) -> _core.Scan:
        options = self._options
        return _core.scan(
            window,
            position=self._begin,
            begin=self.offset - self._begin,
            at_end=self._at_end and not self._growing,
            search=self._lost is not None,
            salvage=self._on_damage == "skip",
            resume=self._resume,
            file_end=self._file_end,
            may_skip=not (options.whole or isinstance(self._source, UnpackedSource)),
            offsets=options.offsets,
            fields=options.fields,
            payloads=options.payloads,
            heads=options.heads,
            largest=options.largest,
            plugins=self._plugins,
            head_plugins=self._head_plugins,
            skip=self.skip_tags,
            declared=self._declared.tags,
            scalars=self._declared.scalars,
        )

    def _fill(self, need: int) -> memoryview:
        """A window that holds ``need`` bytes from ``offset`` on, if the file does.

        What is there stays where it is as long as it is enough.
        """
        if not self._begin <= self.offset <= self._end:
            self._begin, self._filled, self._at_end = self.offset, 0, False
        if not self._at_end and self._kept < max(need, 1):
            self._read_on(need)
        return memoryview(self._buffer)[: self._filled]

    def _read_on(self, need: int) -> None:
        """Reads behind what is left of the window.

        ``need`` comes from the file and may be anything: the buffer grows to what the file has,
        or, where only reading tells, to twice what it had.
        """
        kept = self._kept
        with memoryview(self._buffer) as whole:  # slices of it are not copied
            whole[:kept] = whole[self._filled - kept : self._filled]
        self._begin, self._filled = self.offset, kept
        while not self._at_end and self._filled < max(need, kept + 1):
            goal = max(self._window, kept + 1)
            if need + need // 4 > goal:
                size = self._source.size()
                most = max(2 * self._filled, WINDOW) if size is None else size - self.offset + 1
                # A quarter more: many headers may claim as much, each beginning a bit later.
                goal = max(goal, min(need + need // 4, most))
            if len(self._buffer) < goal:
                begun = self._buffer[: self._filled]
                self._buffer = bytearray()  # a record may be large: not two buffers at a time
                self._buffer = bytearray(goal)
                self._buffer[: self._filled] = begun
            with memoryview(self._buffer) as whole, whole[self._filled : goal] as rest:
                wanted = len(rest)
                got = self._source.read_into(self._end, rest)
            self._filled += got
            # Less than was asked for is the end, unless there was more when the file was listed.
            self._at_end = got == 0 or (got < wanted and self._end >= self._file.size)
            if self._begin == 0 and not isinstance(self._source, UnpackedSource):
                self._codec = packed_with(bytes(self._buffer[: min(self._filled, 4)]))
                if self._codec is not None:
                    first = bytes(self._buffer[: self._filled])
                    self._source = UnpackedSource(self._source, self._codec, first)
                    self._filled, self._at_end = 0, False

    def _go_on(self, scan: _core.Scan) -> int | None:
        """Sets ``offset`` and gives the bytes that the next window needs; None at the end."""
        self.offset, self._resume = scan.offset, scan.resume
        match scan.stop:
            case _core.Stop.end:
                self._grow_window()
                return None if self._at_end else 0
            case _core.Stop.full:
                return 0
            case _core.Stop.unwanted:
                size = self._source.size()
                if size is not None and scan.skip_to > size:
                    self.health.unread_bytes -= scan.unread
                    return self._cut_off(scan.offset)
                self._window = SMALL_WINDOW
                self.offset = scan.skip_to
                return 0
            case _core.Stop.cut:
                if not self._at_end:
                    self._grow_window()
                    return self._read_whole(scan)
                return self._cut_off(scan.offset)
            case _core.Stop.lost:
                self.offset = scan.skip_to
                if scan.lost is not None:
                    self._lost = (scan.offset, scan.lost)
                if not self._at_end:
                    return HEADER
                self._end_lost()
                return None
        return self._give_up(scan)

    def _shrink(self, offset: int) -> None:
        """Do not keep the room that a large record took while its rows are worked on."""
        rest = self._buffer[offset - self._begin : self._filled]
        if len(rest) < len(self._buffer) // 2:
            self._buffer = bytearray()
            self._buffer = rest + bytes(max(0, self._widest - len(rest)))
            self._begin, self._filled = offset, len(rest)

    def _grow_window(self) -> None:
        self._window = min(2 * self._window, self._widest)

    def _give_up(self, scan: _core.Scan) -> int | None:
        """Goes on behind the damaged record that stopped the scan, as far as policy allows."""
        kind = scan.stop.name
        if self._on_damage == "stop":
            self._damaged_for_now(Damage(scan.offset, self._rest(scan.offset), kind))
            return None
        if not scan.framed:
            return self._lose(scan.offset, scan.skip_to, kind)
        damage = Damage(scan.offset, scan.skip_to - scan.offset, kind)
        if kind == "bad_data" and self._at_end and self._end - scan.skip_to < HEADER:
            # Whether its length is right shows only when something follows.
            self._damaged_for_now(damage)
            self._pend(scan.skip_to)
            self.offset = scan.offset
            return None
        self._damaged(damage)
        self.offset = scan.skip_to
        return 0

    def _read_whole(self, scan: _core.Scan) -> int | None:
        """Goes on with a window that holds a record whole, unless it reaches beyond the file."""
        if isinstance(self._source, UnpackedSource) and scan.need > self._most_unpacked:
            return self._cut_off(scan.offset)
        if scan.need > self._window:
            size = self._source.size()
            # It may need the next header, too, of which the file may hold a part.
            if size is not None and scan.offset + scan.need - HEADER > size:
                if self._growing or self._on_damage != "skip":
                    return self._cut_off(scan.offset)
                self._file_end = size
                return 0
        return scan.need

    @property
    def _most_unpacked(self) -> int:
        """The largest record that is believed of a compressed copy, whatever that unpacks to."""
        return max(MOST_UNPACKED, MOST_PACKED * self._file.size)

    def _cut_off(self, offset: int) -> int | None:
        """The file ends inside a record."""
        if self._growing or self._rest(offset) < HEADER:
            self._pend(offset)
            return None
        # Intact records may stand inside what the header claims.
        return self._lose(offset, offset + HEADER, "torn")

    def _rest(self, offset: int) -> int:
        size = self._source.size()
        return (self._end if size is None else size) - offset

    def _lose(self, begin: int, search_from: int, kind: str) -> int:
        if kind != "torn" and self._on_damage == "fail":
            raise self._failure(Damage(begin, 0, kind))
        self._lost = (begin, kind)
        self.offset = search_from
        return 0

    def _end_lost(self) -> None:
        """No believable header up to the end of the file."""
        assert self._lost is not None
        begin, kind = self._lost
        if kind == "torn":
            self._lost = None
            self._pend(begin)
            return
        # What follows the last eleven bytes may make a header of them, should the file grow.
        self.offset = max(begin + 1, self._end - HEADER + 1)
        self._damaged_for_now(Damage(begin, self._end - begin, kind))

    def _pend(self, offset: int) -> None:
        self.offset = offset
        self.health.pending_bytes = self._rest(offset)

    def _note_damage(self, scan: _core.Scan) -> bool:
        """Counts what a scan found to be damaged; False if that ends the file."""
        only_searched = scan.stop == _core.Stop.lost and scan.lost is None
        if self._lost is not None and not only_searched:
            begin, kind = self._lost
            self._lost = None
            if self._on_damage == "stop":
                self._damaged_for_now(Damage(begin, self._rest(begin), kind))
                self.offset = begin
                return False
            self._damaged(Damage(begin, scan.found - begin, kind))
        if len(scan.damages):
            self.health.add_all(pa.record_batch(scan.damages), scan.damaged_bytes)
        return True

    def _damaged(self, damage: Damage) -> None:
        if self._on_damage == "fail":
            raise self._failure(damage)
        self.health.add(damage)

    def _damaged_for_now(self, damage: Damage) -> None:
        """The same for what ends with the file, and is judged again if it grows."""
        self._damaged(damage)
        self._open.append(damage)

    def _failure(self, damage: Damage) -> DamageError:
        where = f"{self._file.path}: {damage.what} at offset {damage.offset}"
        return DamageError(f"{where} (--on-damage skip reads what is intact)")

    def _note(self, scan: _core.Scan) -> None:
        """Keeps what the first metadata of a tag and the events of the file itself say."""
        if scan.has_metadata:
            self._declared.note(pa.record_batch(scan.tags))
        note_writer(self.health, scan.file_version, scan.source_metadata)
