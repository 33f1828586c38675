"""A strict YAML reader that knows the place of everything. JSON files are YAML here.

It refuses, with the place, what means different things to different readers (duplicate keys, tags, merge
keys) and what a person who reviews the file would overlook (anchors and aliases, a second document).

    read ──► Source (bytes: hashed, limited) ──► libyaml ──► events ──► Composer ──► Located

source    the bytes
scalars   what a scalar means
composer  from events to data
findings  what is wrong, collected on the way
problems  what libyaml says is wrong, in words
located   the data, with the place of everything
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from embank.diagnostics import Checked
from embank.errors import InputUnreadable
from embank.inputs.yaml.composer import Composer
from embank.inputs.yaml.located import Located
from embank.inputs.yaml.source import Source

__all__ = ["DEEPEST", "Located", "parse", "read"]

DEEPEST = 100

SURROGATES = re.compile(rb"(?<!\\)((?:\\\\)*)(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})")


def parse(data: bytes, file: str, *, deepest: int = DEEPEST, portable: bool = False) -> Checked[Located]:
    """Read a document from memory. `file` is the name that places show; `deepest` how deep it may be nested;
    `portable`: refuse, too, what libyaml reads and PyYAML's own parser, which is Mistral's, does not, or reads as
    something else (decision FILE-7).
    """
    return _compose(BytesIO(data), file, deepest, portable)


def read(file: str, *, deepest: int = DEEPEST, portable: bool = False) -> Checked[Located]:
    """Read a document from a file; `-` is stdin. Raises InputUnreadable when there is nothing to read."""
    if file == "-":
        return _compose(sys.stdin.buffer, file, deepest, portable)
    try:
        with Path(file).open("rb") as stream:
            return _compose(stream, file, deepest, portable)
    except FileNotFoundError:
        raise InputUnreadable(f"{file}: there is no such file") from None
    except IsADirectoryError:
        raise InputUnreadable(f"{file}: this is a directory; a file is needed") from None
    except PermissionError:
        raise InputUnreadable(f"{file}: no permission to read this file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputUnreadable(f"{file}: cannot be read: {error}") from None


def _compose(stream: BinaryIO, file: str, deepest: int, portable: bool) -> Checked[Located]:
    source = Source(stream, file, portable=portable)
    composer = Composer(source, file, deepest, portable)
    composer.run()
    if composer.refused_escape and stream.seekable() and not portable:
        stream.seek(0)
        data = stream.read()
        joined = _join_surrogates(data)
        if joined != data:
            composer = Composer(Source(BytesIO(joined), file, portable=portable), file, deepest, portable)
            composer.run()
            return composer.result(hashlib.sha256(data).hexdigest())
    return composer.result(source.sha256)


def _join_surrogates(data: bytes) -> bytes:
    r"""JSON as most programs write it: what is "\ud83d\ude00" there is "\U0001f600" in YAML."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return data

    def join(match: re.Match[bytes]) -> bytes:
        character: str = json.loads(b'"' + match[2] + b'"')
        return match[1] + f"\\U{ord(character):08x}".encode()

    return SURROGATES.sub(join, data)
