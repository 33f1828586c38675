"""The entry point of `embank`. Fast for help, one place that turns failures into exit codes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from embank.cli.leaving import leave
from embank.cli.output.writing import lost_output
from embank.cli.overview import overview
from embank.errors import ExitCode


def main(argv: Sequence[str] | None = None) -> int:
    """Run `embank ARGV…` and return its exit code. Raises nothing. Without `argv` the process ends, too."""
    try:
        _open_closed_streams()
        code = _run(list(sys.argv[1:] if argv is None else argv))
    except SystemExit as stop:
        # argparse exits with 2, which here means "there are differences"
        code = ExitCode.OK if not stop.code else ExitCode.USAGE
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except OSError as error:
        code = lost_output(error)
    try:
        sys.stdout.flush()  # what argparse has printed
    except OSError as error:
        code = lost_output(error)
    except ValueError:  # cliff has closed it, for nobody reads any more
        code = ExitCode.INTERRUPTED
    if argv is None:
        leave(code)
    return code


def _run(arguments: list[str]) -> int:
    # Answered before the heavy imports, because people type these while they wait for something else.
    if not arguments or arguments in (["-h"], ["--help"], ["help"]):
        (sys.stdout if arguments else sys.stderr).write(overview())
        return ExitCode.OK if arguments else ExitCode.USAGE
    if arguments == ["--version"]:
        from embank import __version__

        sys.stdout.write(f"embank {__version__}\n")
        return ExitCode.OK
    from embank.cli.app import EmbankApp

    code: int = EmbankApp().run(arguments)
    return code


def _open_closed_streams() -> None:
    """Standard streams that the caller closed become /dev/null; the next file opened would take their number. What
    the encoding of standard output lacks is written as an escape, as on standard error. (Artefacts are UTF-8.)
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
            setattr(sys, name, os.fdopen(number, "w" if number else "r"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
