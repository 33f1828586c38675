"""The end of the process: nothing that a plugin left behind keeps it from ending.

A thread can be abandoned but not stopped, and Python waits for some threads, and for what libraries registered with
`atexit`, without a limit.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import TextIO

from embank.cli.output.writing import to_nowhere
from embank.plaintext import plain

OURS = "embank-"  # the names of our threads begin so
IDLE = 0.2  # s in which a thread of ours that has nothing to do has ended
PATIENCE = 5.0  # s that Python has for its own end


def leave(code: int) -> None:
    """Flush the standard streams, and see to it that the process ends with this code: at once when one of our workers
    is stuck, else in Python's own way, which has a limit.
    """
    _flush(sys.stdout)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # they must not change the code any more
        signal.signal(number, signal.SIG_IGN)
    deadline = time.monotonic() + IDLE
    for thread in threading.enumerate():
        if thread.name.startswith(OURS):
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                os._exit(code)  # Python cannot end well while that thread is somewhere in foreign code
    _flush(sys.stderr)  # of a terminal that stalls a thread of ours is still waiting
    threading.Thread(target=_end, args=(code,), name="leaving", daemon=True).start()


def _flush(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:  # nobody takes it; Python would try again, and exit with 120
        to_nowhere(stream)
    except ValueError:
        pass  # it is closed


def _end(code: int) -> None:
    time.sleep(PATIENCE)
    main = threading.main_thread()
    names = [thread.name for thread in threading.enumerate() if not thread.daemon and thread is not main]
    what = f"the thread {plain(names[0])!r} of a plugin" if names else "what a library does at the end"
    try:
        sys.stderr.write(f"embank: left without waiting any longer for {what}\n")
        sys.stderr.flush()
    finally:
        os._exit(code)
