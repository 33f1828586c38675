"""Numbers of bytes for people."""

from __future__ import annotations


def human_size(size: int) -> str:
    """Bytes in binary units, such as "512 B" or "42.0 MiB"."""
    amount, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"
