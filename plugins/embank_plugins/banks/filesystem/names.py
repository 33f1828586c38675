"""Where the filesystem bank puts an object: key ↔ path, readable and reversible.

The key `checkpoints/4f1c/facts` lies at `checkpoints/4f1c/facts.object`. The rules:

- An object is a file whose name ends in `.object`; no directory's name does. So the keys `a` and `a/b` coexist.
- `+` is written `+2B`, and `+2E` stands for a leading dot and for the dot of a directory's final `.object`.
  So `.`, `..`, the bank's own hidden files and a file system's `lost+found` are never keys.
- A segment longer than 200 bytes is cut into several levels; each but the last ends with a lone `+`.
- Everything else stands as it is, in UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

SUFFIX = ".object"
MORE = "+"
PIECE_BYTES = 200  # of the 255 that file systems allow in one name


class Kind(IntEnum):
    """What a directory entry is; in this order keys of equal text are listed."""

    OBJECT = 0
    SEGMENT = 1  # a directory: its text and a slash begin the keys below it
    PIECE = 2  # a directory: its text begins the keys below it, the segment goes on


def path_of(key: str) -> tuple[list[bytes], bytes]:
    """The directory names and the file name of an object."""
    *above, last = key.split("/")
    *pieces, name = _pieces(last)
    return directories(above) + [piece.encode() for piece in pieces], (name + SUFFIX).encode()


def directories(segments: Iterable[str]) -> list[bytes]:
    """The directory names of whole segments."""
    names: list[str] = []
    for segment in segments:
        *pieces, name = _pieces(segment)
        names += [*pieces, name.removesuffix(SUFFIX) + "+2Eobject" if name.endswith(SUFFIX) else name]
    return [name.encode() for name in names]


def decode(name: bytes, is_directory: bool) -> tuple[Kind, str] | None:
    """The kind and text of a directory entry; None for what this bank did not write."""
    try:
        coded = name.decode()
        if not is_directory:
            kind, coded = Kind.OBJECT, coded.removesuffix(SUFFIX)
        elif coded.endswith(MORE):
            kind, coded = Kind.PIECE, coded[:-1]
        else:
            kind = Kind.SEGMENT
    except UnicodeDecodeError:
        return None
    text = coded.replace("+2E", ".").replace("+2B", "+")
    written = {
        Kind.OBJECT: (_escape(text) + SUFFIX).encode(),
        Kind.PIECE: (_escape(text) + MORE).encode(),
        Kind.SEGMENT: directories([text])[-1],
    }
    return (kind, text) if text and written[kind] == name else None


def _pieces(segment: str) -> list[str]:
    """The escaped segment, cut at character boundaries; each piece but the last ends with MORE."""
    if len(segment) <= PIECE_BYTES and len((escaped := _escape(segment)).encode()) <= PIECE_BYTES:
        return [escaped]
    pieces: list[str] = []
    piece = ""
    for character in segment:
        if len(_escape(piece + character).encode()) > PIECE_BYTES:
            pieces.append(_escape(piece) + MORE)
            piece = ""
        piece += character
    return [*pieces, _escape(piece)]


def _escape(text: str) -> str:
    escaped = text.replace("+", "+2B")
    return "+2E" + escaped[1:] if escaped.startswith(".") else escaped
