"""A third party's plugin and bank, which do what a test tells them by files in the directory `[boxes] world`.

`<box>.<phase>` holds a word: what the activity does (see `_MODES`). `stall` holds words: calls to the bank that have
them all in their name and key do not return before the file is gone. `no-bank`: it cannot be opened. What
happens is in `log`; `frozen-<box>` is a frozen box.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from oslo_config import cfg

from embank.plugins import BankError, Poll, ProtectionPlugin, closes
from embank_plugins.banks.filesystem.bank import FilesystemBank

OPTIONS = {"boxes": [cfg.StrOpt("world", required=True)]}
EVER = 1e6  # s


class BoxPlugin(ProtectionPlugin):
    resource_types = ("Test::Box",)

    def __init__(self, conf):
        super().__init__(conf)
        self.world = Path(conf.boxes.world)

    @classmethod
    def options(cls):
        return OPTIONS

    def activity_protect_pre(self, checkpoint, context, resource, parameters):
        """Freeze the box."""
        (self.world / f"frozen-{resource.id}").touch()
        yield from self._do("pre", context, resource)

    def activity_protect_parallel(self, checkpoint, context, resource, parameters):
        """Copy the box."""
        yield from self._do("parallel", context, resource)
        checkpoint.section(resource).save({"copied": resource.id})

    @closes("pre")
    def activity_protect_post(self, checkpoint, context, resource, parameters):
        """Thaw the box."""
        yield from self._do("post", context, resource)
        (self.world / f"frozen-{resource.id}").unlink(missing_ok=True)
        self.say(f"thawed {resource.id}")

    def say(self, text):
        with (self.world / "log").open("a") as log:
            log.write(f"{text}\n")

    def _do(self, phase, context, resource):
        told = self.world / f"{resource.id}.{phase}"
        mode = told.read_text() if told.exists() else "well"
        self.say(f"{phase} {resource.id}")
        yield from _MODES[mode](self, context)
        self.say(f"ended {phase} {resource.id}")


def well(plugin, context):
    """End well, at once."""
    yield from ()


def fail(plugin, context):
    """Fail."""
    raise RuntimeError("the lid is stuck")
    yield


def talk(plugin, context):
    """Print something."""
    sys.stdout.write("the lid is open\n")
    sys.stdout.flush()
    yield from ()


def pend(plugin, context):
    """Be polled for ever."""
    while True:
        yield Poll(after=60.0, message="copying")


def polite(plugin, context):
    """Look whether it should come to an end."""
    while not context.cancelled:
        time.sleep(0.01)
    raise InterruptedError("the copy was stopped")
    yield


def until_told(plugin, context):
    """Go on when there is a file `go`, and not before."""
    while not (plugin.world / "go").exists():
        yield Poll(after=0.02)


def sleep(plugin, context):
    """Never return."""
    time.sleep(EVER)
    yield


def fifo(plugin, context):
    """Wait for a writer that never comes."""
    path = plugin.world / f"fifo-{threading.get_ident()}"
    os.mkfifo(path)
    path.read_bytes()
    yield


def ask(plugin, context):
    """Read what nobody types."""
    sys.stdin.readline()
    yield


def hold_on(plugin, context):
    """Do not let itself be closed."""
    try:
        while True:
            yield Poll(after=0.02)
    finally:
        time.sleep(EVER)


def thread(plugin, context):
    """Leave a thread behind for which Python waits when it exits."""
    threading.Thread(target=time.sleep, args=(EVER,), name="box-heater", daemon=False).start()
    yield


def at_exit(plugin, context):
    """Leave something behind that hangs when Python exits."""
    atexit.register(time.sleep, EVER)
    yield


def child(plugin, context):
    """Wait for a process that does not end."""
    process = subprocess.Popen(["sleep", str(int(EVER))], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    plugin.say(f"child {process.pid}")
    process.wait()
    yield


def fork(plugin, context):
    """Leave a copy of this process behind."""
    pid = os.fork()
    if pid == 0:
        time.sleep(EVER)
        os._exit(0)
    plugin.say(f"child {pid}")
    yield


_ALL = (well, fail, talk, pend, polite, until_told, sleep, fifo, ask, hold_on, thread, at_exit, child, fork)
_MODES = {each.__name__: each for each in _ALL}


class BoxBank(FilesystemBank):
    @classmethod
    def options(cls):
        return {**OPTIONS, **super().options()}

    def __init__(self, conf):
        super().__init__(conf)
        self.world = Path(conf.boxes.world)
        if (self.world / "no-bank").exists():
            raise BankError("nobody answers at bank.example")

    def put(self, key, chunks, *, if_absent=False):
        self._stall("put", key)
        return super().put(key, chunks, if_absent=if_absent)

    def get(self, key, *, start=0, end=None):
        self._stall("get", key)
        return super().get(key, start=start, end=end)

    def list(self, prefix="", *, marker="", limit=1000):
        self._stall("list", prefix)
        return super().list(prefix, marker=marker, limit=limit)

    def delete(self, key):
        self._stall("delete", key)
        super().delete(key)

    def stat(self, key):
        self._stall("stat", key)
        return super().stat(key)

    def _stall(self, call, key):
        file = self.world / "stall"
        try:
            if not all(word in f"{call} {key}" for word in file.read_text().split()):
                return
        except FileNotFoundError:
            return
        with (self.world / "log").open("a") as log:
            log.write("bank stalls\n")
        while file.exists():
            time.sleep(0.02)
