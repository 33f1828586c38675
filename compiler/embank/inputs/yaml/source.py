"""The bytes of a YAML file on their way to libyaml: hashed, limited and free of ambiguous characters.

libyaml asks for a few kilobytes at a time, so a file of nonsense is refused at the first bad byte and
never held in memory.
"""

from __future__ import annotations

import hashlib
import re
from typing import BinaryIO

from embank.diagnostics import Diagnostic, Place

# Nothing but one value for so long: a quote that is never closed, or not YAML at all.
LONGEST_VALUE = 4 * 2**20
LARGEST_FILE = 2**30
# Characters that are line breaks or invisible to some readers and ordinary text to others.
AMBIGUOUS = {
    b"\xc2\x85": "U+0085",
    b"\xe2\x80\xa8": "U+2028",
    b"\xe2\x80\xa9": "U+2029",
    b"\xef\xbb\xbf": "U+FEFF",
}
TAB = {b"\t": "U+0009"}  # in a file that other programs read, too: PyYAML's own parser refuses most of them
GLUED = re.compile(rb"[|>][-+0-9]{0,2}#")  # a comment without a space before it, if this begins a block of text
REFUSED = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # by libyaml, in any file: is this text at all?
BLANKS = b" \t\r"
TAIL = 3  # bytes that may be the beginning of one of these
UTF8_MARK = b"\xef\xbb\xbf"


class Refused(Exception):
    """The bytes are not what any Embank input can be."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic


class Source:
    """What libyaml reads from. `progressed()` is to be called whenever it made something of the bytes.

    `glued`: the lines, from 0, that may begin a block of text with a comment that only libyaml understands.
    """

    def __init__(self, stream: BinaryIO, file: str, *, portable: bool = False) -> None:
        self.glued: set[int] = set()
        self._ambiguous = AMBIGUOUS | TAB if portable else AMBIGUOUS
        self._line = 0
        self._stream = stream
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0
        self._idle = 0
        self._tail = b""
        self._margin = True  # only blanks stand before the window in its first line

    @property
    def sha256(self) -> str:
        """Of everything that was read so far, in hex."""
        return self._digest.hexdigest()

    def progressed(self) -> None:
        """The bytes so far were worth reading: the longest value is counted from here."""
        self._idle = 0

    def read(self, size: int = 2**14, /) -> bytes:
        """The next bytes. Raises Refused."""
        data = self._stream.read(size)
        self._digest.update(data)
        self._check_characters(data)
        self._size += len(data)
        self._idle += len(data)
        if self._size > LARGEST_FILE:
            raise Refused(self._too_large(f"the file is larger than {LARGEST_FILE // 2**30} GiB"))
        if self._idle > LONGEST_VALUE:
            raise Refused(self._too_large(f"there is nothing but one value for {LONGEST_VALUE // 2**20} MiB"))
        return data

    def place(self, offset: int) -> Place:
        """The line and column of a byte. Without them when the stream cannot be read again (a pipe)."""
        if not self._stream.seekable():
            return Place(self._file)
        self._stream.seek(0)
        line, column, left = 1, b"", offset
        while left and (data := self._stream.read(min(left, 2**16))):
            left -= len(data)
            line += data.count(b"\n")
            start = data.rfind(b"\n") + 1
            column = data[start:] if start else (column + data)[-LONGEST_VALUE:]
        return Place(self._file, line, len(column.decode("utf-8", "replace")) + 1)

    def _check_characters(self, data: bytes) -> None:
        window = self._tail + data
        offset = self._size - len(self._tail)
        if not offset and window.startswith((b"\xff\xfe", b"\xfe\xff")):
            message = "the file is UTF-16"
            raise Refused(Diagnostic("EMB107", message, Place(self._file, 1, 1), hint="save it as UTF-8"))
        begin = len(UTF8_MARK) if not offset and window.startswith(UTF8_MARK) else 0
        found = [(at, name) for bytes_, name in self._ambiguous.items() if (at := window.find(bytes_, begin)) >= 0]
        at, name = min(found, default=(len(window), ""))
        if found and not REFUSED.search(window, 0, at):
            if name == TAB[b"\t"] and self._is_margin(window, at):
                message, hint = "a tab where a line is indented", "indent with spaces, not tabs"
                raise Refused(Diagnostic("EMB101", message, self.place(offset + at), hint))
            raise Refused(
                Diagnostic(
                    "EMB107",
                    f"the character {name} means different things to different YAML readers",
                    self.place(offset + at),
                    hint=f'remove it, or write it as "\\u{name[2:].lower()}" between double quotes',
                )
            )
        self.glued.update(self._line + window.count(b"\n", 0, match.start()) for match in GLUED.finditer(window))
        self._line += window.count(b"\n", 0, -TAIL)
        self._margin = self._is_margin(window, max(0, len(window) - TAIL))
        self._tail = window[-TAIL:]

    def _is_margin(self, window: bytes, end: int) -> bool:
        """Whether only blanks stand before this byte in its line."""
        start = window.rfind(b"\n", 0, end) + 1
        return (start > 0 or self._margin) and not window[start:end].strip(BLANKS)

    def _too_large(self, message: str) -> Diagnostic:
        return Diagnostic(
            "EMB112",
            message,
            self.place(self._size - self._idle),
            hint="is this the right file, and is every quote closed?",
        )
