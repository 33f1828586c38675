"""`--check`: is the file that is committed the one that would be written?"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path

from embank.errors import ExitCode, UsageError

LARGE = 20_000  # lines; difflib takes quadratic time, and nobody reads such a difference


def compare(file: str, text: Iterable[str]) -> ExitCode:
    """Print the difference between a file and the text, as a unified diff on stdout.

    Returns OK or DIFFERENT; a missing file is different. Raises UsageError when it cannot be read.
    """
    fresh = "".join(text).splitlines(keepends=True)
    try:
        committed = Path(file).read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    except FileNotFoundError:
        sys.stderr.write(f"{file} does not exist; without --check it would be written\n")
        return ExitCode.DIFFERENT
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror or error}") from error
    if committed == fresh:
        return ExitCode.OK
    if max(len(committed), len(fresh)) > LARGE:
        number, old, new = next(
            (number, old, new)
            for number, (old, new) in enumerate(zip_longest(committed, fresh, fillvalue=""), 1)
            if old != new
        )
        sys.stdout.write(f"{file}:{number}: the first difference\n-{old or '(end)'}+{new or '(end)'}")
    else:
        sys.stdout.writelines(difflib.unified_diff(committed, fresh, file, f"{file} (as compiled now)"))
    sys.stderr.write(f"{file} is stale: compile it again and have it reviewed\n")
    return ExitCode.DIFFERENT
