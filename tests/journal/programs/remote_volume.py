"""A third party's plugin: volumes at a service, which is a directory. It counts what it was asked to start.

service/held-<volume>       the volume is held: nobody can write to it
service/operations/<token>  an operation that was started; a token is taken once
service/started             the token of each operation that was to be started; it is asked for again after a crash
service/ran                 a line for each activity that was called
service/failures            how many copies are still to fail
service/interrupt           the next copy has a person press Ctrl-C
service/stuck               a volume that is held cannot be let go
service/stall-<activity>    this activity does not go on as long as the file is there
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from oslo_config import cfg

from embank.plugins import Poll, ProtectionPlugin, closes


class RemoteVolume(ProtectionPlugin):
    """Volumes at a service."""

    resource_types = ("Remote::Volume",)

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self.service = Path(conf.remote_volume.service)

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """The section [remote_volume]."""
        return {"remote_volume": [cfg.StrOpt("service", default="service")]}

    def activity_protect_pre(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Hold the volume."""
        self._ran("hold")
        (self.service / f"held-{resource.id}").touch()

    @closes("pre")
    def activity_protect_ready(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Let the volume go."""
        self._ran("let go")
        if (self.service / "stuck").exists():
            raise OSError("the volume does not let itself be let go")
        (self.service / f"held-{resource.id}").unlink(missing_ok=True)

    def activity_protect_parallel(
        self, checkpoint: Any, context: Any, resource: Any, parameters: Any
    ) -> Iterator[Poll]:
        """Copy the volume."""
        self._ran("copy")
        yield from self._interrupted(context)
        backup = context.once(resource, "backup", self._start)
        yield Poll(after=0.01, progress=0.5, message="half of it")
        self._fail()
        checkpoint.section(resource).save({"backup": backup})

    def activity_restore_parallel(
        self, checkpoint: Any, context: Any, resource: Any, parameters: Any
    ) -> Iterator[Poll]:
        """Make a volume of the copy."""
        self._ran("restore")
        backup = checkpoint.section(resource).load()["backup"]
        assert (self.service / "operations" / backup).exists()
        volume = context.once(resource, "volume", self._start)
        yield Poll(after=0.01)
        context.record_restored(resource, {"volume": volume})

    def activity_verify_parallel(
        self, checkpoint: Any, context: Any, resource: Any, parameters: Any
    ) -> Iterator[Poll]:
        """Look whether the copy is there."""
        self._ran("verify")
        yield Poll(after=0.01)
        assert (self.service / "operations" / checkpoint.section(resource).load()["backup"]).exists()

    def activity_delete_parallel(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
        """Delete the copy."""
        self._ran("delete")
        started = context.started(resource, "backup", protecting=True)
        if started:
            (self.service / "operations" / started.token).unlink(missing_ok=True)
        checkpoint.section(resource).clear()

    def _start(self, token: str) -> str:
        operation = self.service / "operations" / token
        if not operation.exists():
            self._add("started", token)  # first: whoever is killed in between has started nothing yet
            operation.touch()
        return token

    def _interrupted(self, context: Any) -> Iterator[Poll]:
        try:
            (self.service / "interrupt").unlink()
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGINT)
        while not context.cancelled:
            yield Poll(after=0.01)
        raise InterruptedError("the copy was stopped")

    def _fail(self) -> None:
        failures = self.service / "failures"
        left = int(failures.read_text()) if failures.exists() else 0
        if left:
            failures.write_text(str(left - 1))
            raise OSError("the service does not answer")

    def _ran(self, what: str) -> None:
        self._add("ran", what)
        while (self.service / f"stall-{what}").exists():
            time.sleep(0.01)

    def _add(self, file: str, line: str) -> None:
        with (self.service / file).open("a") as stream:
            stream.write(f"{line}\n")
