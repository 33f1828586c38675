"""Objects in segments: each segment is an object beside the keys, and a manifest makes one object of them.

Swift takes at most 5 GiB in one piece. The names of segments end with a slash, so that they are no keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress

from embank.plugins import BankError
from embank_plugins.banks.pieces import Piece
from embank_plugins.banks.swift.container import LARGE, TOKEN, Container, Upload

AREA = "embank.segments/"
MOST = 1000  # segments that Swift takes in a manifest


def upload_segments(container: Container, key: str, token: str, pieces: Iterable[Piece], action: str) -> Upload:
    """Store the pieces; the upload of the manifest makes them visible. After any error nothing is left of them."""
    segments = []
    try:
        for piece in pieces:
            if piece.number > MOST:
                hint = "raise bank_swift_segment_size in [swift_bank_plugin]"
                raise container.service.cannot(action, f"it has more than {MOST} segments: {hint}")
            name = f"{_above(key, token)}{piece.number:08}/"
            etag = piece.md5.hexdigest()
            container.put(name, Upload(token, piece.body(), etag), action)
            segments.append({"path": f"/{container.name}/{name}", "etag": etag, "size_bytes": piece.size})
    except BaseException:
        remove_segments(container, key, token)
        raise
    return Upload(token, json.dumps(segments).encode(), manifest=True)


def remove_segments(container: Container, key: str, token: str) -> None:
    """All that an upload has stored, if it can be done; what is left is in nobody's way."""
    above, action = _above(key, token), "remove segments in"
    with suppress(BankError):
        while rows := container.list(above, "", MOST, action):
            for row in rows:
                container.delete(row.name, action)


def remove_segments_of(container: Container, key: str, headers: Mapping[str, str] | None) -> None:
    """Those of an object that had these headers, and is replaced or deleted."""
    if headers and headers.get(LARGE, "").lower() == "true" and headers.get(TOKEN):
        remove_segments(container, key, headers[TOKEN])


def _above(key: str, token: str) -> str:
    return f"{AREA}{key}/{token}/"
